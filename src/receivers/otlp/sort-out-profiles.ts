import type { Profile, ProfilesData, ResourceProfiles, Samples } from '../../otlp/profiles-data.ts';
import type { SampleColumns } from '../../otlp/sample-columns.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import { faultOfShape } from '../../profile/check/check-profiles.ts';
import { ReferenceCheck } from '../../profile/check/reference-check.ts';
import { visitProfiles } from '../../profile/check/references.ts';
import { hasPrefix } from '../../support/profile-ids.ts';

/** A request without its faulty profiles and samples. */
export interface SortedProfiles {
  readonly data: ProfilesData;
  readonly sampleCount: number;
  readonly rejectedProfiles: number;
  /** Rejected profiles that this process made. */
  readonly loopedProfiles: number;
  /** True if there were profiles, and none is left. */
  readonly isAllRejected: boolean;
  /** All samples of rejected profiles, and the faulty samples of accepted ones. */
  readonly rejectedSamples: number;
  /** The first faults, as `path: problem`. */
  readonly faults: readonly string[];
  /** Of all faults. */
  readonly faultCount: number;
}

/** A response names this many faults; more would tell nothing new. */
const mostFaultsListed = 4;

const otherWireTypes = "has fields 3 or 4 in wire types that its request's version does not give them";

const looped =
  'was made by the service that it came to, so that exporters form a loop; one of them must name the backend instead';

export interface SortingOptions {
  /** Samples whose fields have wire types of another version, by their number in the request. */
  readonly misnumbered?: ReadonlySet<number>;
  /** First bytes of the IDs of profiles that this process made. */
  readonly ownIdPrefix?: Uint8Array | undefined;
}

/**
 * Takes out profiles that this process made, samples with references that lead nowhere, of no known shape, or `misnumbered`, and profiles of which the rest is at
 * fault or no sample is left. All others are as they were.
 */
export function sortOutProfiles(data: ProfilesData, { misnumbered, ownIdPrefix }: SortingOptions = {}): SortedProfiles {
  const check = new ReferenceCheck(data.dictionary);
  let samplesBefore = 0;
  const faultOfSample: FaultOfSample = (columns, index, position) =>
    misnumbered?.has(samplesBefore + position)
      ? otherWireTypes
      : (check.faultOfSample(columns, index) ?? faultOfShape(columns, index));
  /** Faulty profiles without their faulty samples; `undefined` for a rejected profile. */
  const changed = new Map<Profile, Profile | undefined>();
  const faults: string[] = [];
  let faultCount = 0;
  let sampleCount = 0;
  let profileCount = 0;
  let rejectedProfiles = 0;
  let loopedProfiles = 0;
  let rejectedSamples = 0;
  visitProfiles(data, (profile, path) => {
    const { samples } = profile;
    profileCount++;
    const note = (fault: string): void => {
      faultCount++;
      if (faults.length < mostFaultsListed) faults.push(`${path}: ${fault}`);
    };
    const isLooped = hasPrefix(profile.profileId, 0, ownIdPrefix);
    if (isLooped) loopedProfiles++;
    const fault = isLooped ? looped : check.faultBesideSamples(profile);
    if (fault !== undefined) note(fault);
    const sound = fault !== undefined ? [] : soundSamples(samples, faultOfSample, note);
    sampleCount += sound.length;
    rejectedSamples += samples.length - sound.length;
    const isRejected = fault !== undefined || (sound.length === 0 && samples.length > 0);
    if (isRejected) rejectedProfiles++;
    samplesBefore += samples.length;
    if (isRejected || sound.length < samples.length) {
      changed.set(profile, isRejected ? undefined : { ...profile, samples: sound });
    }
  });
  const rest = changed.size === 0 ? data : { ...data, resourceProfiles: withChanges(data.resourceProfiles, changed) };
  const isAllRejected = rejectedProfiles > 0 && rejectedProfiles === profileCount;
  const counts = { sampleCount, rejectedProfiles, loopedProfiles, isAllRejected, rejectedSamples, faultCount };
  return { data: rest, ...counts, faults };
}

/** The samples themselves when none is at fault. */
function soundSamples(samples: Samples, faultOfSample: FaultOfSample, note: (fault: string) => void): Samples {
  const { columns, first, length } = columnsOf(samples);
  const faulty = new Set<number>();
  for (let i = 0; i < length; i++) {
    const fault = faultOfSample(columns, first + i, i);
    if (fault === undefined) continue;
    note(`samples[${i}]: ${fault}`);
    faulty.add(i);
  }
  return faulty.size === 0 ? samples : [...samples].filter((_, index) => !faulty.has(index));
}

/** Tells the fault of a sample by its place in the columns and its position in the profile. */
type FaultOfSample = (columns: SampleColumns, index: number, position: number) => string | undefined;

function withChanges(
  list: readonly ResourceProfiles[],
  changed: ReadonlyMap<Profile, Profile | undefined>,
): ResourceProfiles[] {
  const remaining = (profile: Profile): Profile[] => {
    if (!changed.has(profile)) return [profile];
    const rest = changed.get(profile);
    return rest === undefined ? [] : [rest];
  };
  return list.map((entry) => ({
    ...entry,
    scopeProfiles: entry.scopeProfiles.map((scope) => ({ ...scope, profiles: scope.profiles.flatMap(remaining) })),
  }));
}
