import type { InstrumentationScope, KeyValue, Profile, ProfilesData, Resource } from '../../otlp/profiles-data.ts';
import { attributesKey } from '../../otlp/protobuf/encode-attributes.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import { beginLater } from '../split/later-part.ts';

const resourcesPerStep = 8;

/**
 * The request with no two profiles of equal labels at one time, which a backend may take for one profile (see `laterPart`). A profile
 * owns as many nanoseconds from its start on as it has samples, so that no part of it meets a part of another profile; a
 * profile that begins within the nanoseconds of an earlier one begins after them. Without such profiles the data is returned as it
 * is. All indices are those of one dictionary without duplicates.
 */
export function withDistinctTimes(data: ProfilesData): ProfilesData {
  return atOnce(distinctTimesInSteps(data));
}

/** The same in steps. */
export function* distinctTimesInSteps(data: ProfilesData): Steps<ProfilesData> {
  const labels = new LabelKeys();
  const profilesByLabels = new Map<string, Profile[]>();
  for (const [index, { resource, scopeProfiles }] of data.resourceProfiles.entries()) {
    if (index % resourcesPerStep === resourcesPerStep - 1) yield;
    for (const { scope, profiles } of scopeProfiles) {
      const attributes = labels.keyOf(resource, scope);
      for (const profile of profiles) {
        if (profile.timeUnixNano === 0n) continue;
        const key = `${typeKey(profile)} ${attributes}`;
        const equal = profilesByLabels.get(key);
        if (equal === undefined) profilesByLabels.set(key, [profile]);
        else equal.push(profile);
      }
    }
  }
  const shifts = new Map<Profile, bigint>();
  for (const profiles of profilesByLabels.values()) if (profiles.length > 1) spread(profiles, shifts);
  if (shifts.size === 0) return data;
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => beginLater(profile, shifts.get(profile) ?? 0n)),
    })),
  }));
  return { ...data, resourceProfiles };
}

/** Notes by how much each of the profiles, which have equal labels, has to begin later. */
function spread(profiles: readonly Profile[], shifts: Map<Profile, bigint>): void {
  let freeUnixNano = 0n;
  for (const profile of profiles.toSorted(
    (a, b) => Number(a.timeUnixNano > b.timeUnixNano) - Number(a.timeUnixNano < b.timeUnixNano),
  )) {
    const { timeUnixNano, samples } = profile;
    const startUnixNano = timeUnixNano < freeUnixNano ? freeUnixNano : timeUnixNano;
    if (startUnixNano !== timeUnixNano) shifts.set(profile, startUnixNano - timeUnixNano);
    freeUnixNano = startUnixNano + BigInt(Math.max(1, samples.length));
  }
}

/** Texts that are equal for equal attributes of a resource and its scope, in any order: they become labels, names and versions do not. */
export class LabelKeys {
  readonly #writer = new ProtobufWriter(1024);
  readonly #keys = new Map<Resource, string>();

  keyOf(resource: Resource, scope: InstrumentationScope): string {
    let key = this.#keys.get(resource);
    if (key === undefined) {
      key = this.#key(resource.attributes);
      this.#keys.set(resource, key);
    }
    return scope.attributes.length === 0 ? key : `${key} ${this.#key(scope.attributes)}`;
  }

  #key(attributes: readonly KeyValue[]): string {
    return attributesKey(this.#writer, attributes);
  }
}

/** Key of the types of a profile, which become labels too. */
function typeKey({ sampleType, periodType }: Profile): string {
  return `${sampleType.typeStrindex} ${sampleType.unitStrindex} ${periodType.typeStrindex} ${periodType.unitStrindex}`;
}
