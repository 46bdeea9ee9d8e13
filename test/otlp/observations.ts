import type { Profile, ProfilesData, ResourceProfiles, Sample, ScopeProfiles } from '../../src/otlp/profiles-data.ts';
import { normalForm } from '../interop/normal-form.ts';

/**
 * What was observed, and how often: one line for each (resource, scope, types, attributes, stack by names, attributes, link,
 * moment, value). Sums without a moment are added up. Which profile an observation is in does not matter, unless
 * the profile has an original payload or samples of several shapes: then its ID is in the line.
 */
export function observations(requests: readonly ProfilesData[]): Map<string, bigint> {
  const counts = new Map<string, bigint>();
  const add = (line: string, count: bigint): unknown => counts.set(line, (counts.get(line) ?? 0n) + count);
  for (const { resourceProfiles, dictionary } of requests) {
    for (const resource of resourceProfiles) {
      for (const scope of resource.scopeProfiles) {
        for (const profile of scope.profiles) {
          const identity = new Identity(dictionary, resource, scope, profile);
          // Several profiles without samples say as much as one.
          if (profile.samples.length === 0 && isJoinable(profile)) counts.set(identity.line(undefined), 1n);
          else if (profile.samples.length === 0) add(identity.line(undefined), 1n);
          for (const sample of profile.samples) {
            const line = identity.line(sample);
            const { values, timestampsUnixNano: moments } = sample;
            if (moments.length === 0 && values.length === 1) add(`${line} sum`, values[0]!);
            else if (values.length === 0) for (const moment of moments) add(`${line} at ${moment}`, 1n);
            else if (values.length === moments.length)
              for (const [i, moment] of moments.entries()) add(`${line} ${values[i]} at ${moment}`, 1n);
            else add(`${line} ${values} at ${moments}`, 1n);
          }
        }
      }
    }
  }
  // A sum of nothing says as much as no sum.
  for (const [line, count] of counts) if (count === 0n) counts.delete(line);
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether the samples of a profile can stand in one with others. */
function isJoinable({ samples, originalPayload, originalPayloadFormat }: Profile): boolean {
  const shapes = new Set(
    [...samples].map(({ values, timestampsUnixNano }) => {
      if (timestampsUnixNano.length === 0) return values.length === 1 ? 'sum' : 'none';
      return values.length === 0 ? 'moments' : values.length === timestampsUnixNano.length ? 'both' : 'none';
    }),
  );
  return originalPayload.length === 0 && originalPayloadFormat === '' && shapes.size < 2 && !shapes.has('none');
}

class Identity {
  readonly #dictionary: ProfilesData['dictionary'];
  readonly #resource: ResourceProfiles;
  readonly #scope: ScopeProfiles;
  readonly #profile: Profile;

  constructor(
    dictionary: ProfilesData['dictionary'],
    resource: ResourceProfiles,
    scope: ScopeProfiles,
    profile: Profile,
  ) {
    this.#dictionary = dictionary;
    this.#resource = resource;
    this.#scope = scope;
    const untimed = { ...profile, timeUnixNano: 0n, durationNano: 0n };
    const none = { profileId: new Uint8Array(0), droppedAttributesCount: 0 };
    this.#profile = isJoinable(profile) ? { ...untimed, ...none } : untimed;
  }

  line(sample: Sample | undefined): string {
    const samples = sample === undefined ? [] : [{ ...sample, values: [], timestampsUnixNano: [] }];
    const scopeProfiles = [{ ...this.#scope, profiles: [{ ...this.#profile, samples }] }];
    const resourceProfiles = [{ ...this.#resource, scopeProfiles }];
    return normalForm([{ resourceProfiles, dictionary: this.#dictionary }]).lines[0]!;
  }
}
