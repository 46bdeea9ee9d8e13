import type { Profile, ProfilesData, ResourceProfiles } from '../../otlp/profiles-data.ts';
import { ReferenceCheck } from '../../profile/check/reference-check.ts';
import { visitProfiles } from '../../profile/check/references.ts';

/** A request without its faulty profiles. */
export interface SortedProfiles {
  readonly data: ProfilesData;
  readonly sampleCount: number;
  readonly rejectedProfiles: number;
  readonly rejectedSamples: number;
  /** Of the first faulty profiles, as `path: problem`. */
  readonly faults: readonly string[];
}

/** A response names the faults of this many profiles; more would tell nothing new. */
const mostFaultsListed = 4;

/** Takes out the profiles with references that lead nowhere; the others are as they were. */
export function sortOutProfiles(data: ProfilesData): SortedProfiles {
  const check = new ReferenceCheck(data.dictionary);
  const faulty = new Set<Profile>();
  const faults: string[] = [];
  let sampleCount = 0;
  let rejectedSamples = 0;
  visitProfiles(data, (profile, path) => {
    const fault = check.faultOf(profile);
    if (fault === undefined) {
      sampleCount += profile.samples.length;
      return;
    }
    rejectedSamples += profile.samples.length;
    faulty.add(profile);
    if (faults.length < mostFaultsListed) faults.push(`${path}: ${fault}`);
  });
  const rest = faulty.size === 0 ? data : { ...data, resourceProfiles: without(data.resourceProfiles, faulty) };
  return { data: rest, sampleCount, rejectedProfiles: faulty.size, rejectedSamples, faults };
}

function without(list: readonly ResourceProfiles[], faulty: ReadonlySet<Profile>): ResourceProfiles[] {
  return list.map((entry) => ({
    ...entry,
    scopeProfiles: entry.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.filter((profile) => !faulty.has(profile)),
    })),
  }));
}
