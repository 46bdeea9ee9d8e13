// hot

import type { Profile, ProfilesData, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import type { LinesOf } from '../dictionary/dictionary.ts';
import { InternedDictionary } from '../dictionary/dictionary.ts';
import { DictionaryCopy } from '../dictionary/dictionary-copy.ts';
import type { SampleShape } from './joined-profile.ts';
import { JoinedProfile, shapeOf } from './joined-profile.ts';
import { ResourceTree } from './resource-tree.ts';

export interface JoinOptions {
  readonly linesOf?: LinesOf;
  /** Whether a profile stays itself although it could be joined with others. */
  readonly isApart?: (profile: Profile) => boolean;
}

/** Profiles of one scope by what they have to have in common. */
type OpenProfiles = Map<string, JoinedProfile>;

/**
 * Joins requests to one that says the same in as few words as it can: resources, scopes, dictionary entries, profiles and
 * samples that are equal are there once. Profiles are one when resource, scope, sample type, period, attributes and the shape of
 * their samples are the same; those with an original payload, which tells of their own samples, stay themselves. A sum that would
 * leave 64 bits is the beginning of one more profile. Nothing of a
 * request is kept alive but what the result needs. Each request is paid for when it is added.
 */
export class ProfilesJoiner {
  readonly #createProfileId: () => Uint8Array;
  readonly #dictionary = new InternedDictionary();
  readonly #resources = new ResourceTree<OpenProfiles>();
  #momentCount = 0;
  #sampleBytes = 0;
  #apartCount = 0;

  /** `createProfileId` gives 16 random bytes a call. */
  constructor(createProfileId: () => Uint8Array) {
    this.#createProfileId = createProfileId;
  }

  get isEmpty(): boolean {
    return this.#momentCount === 0;
  }

  /** Observations so far: what a sample without timestamps says of itself is one. */
  get momentCount(): number {
    return this.#momentCount;
  }

  /** Memory held, at most. */
  get sizeBytes(): number {
    return this.#dictionary.sizeBytes + this.#resources.sizeBytes + this.#sampleBytes;
  }

  /** As far as it has come; it still belongs to the joiner. */
  get dictionary(): ProfilesDictionary {
    return this.#dictionary.tables;
  }

  /** Adds what is in a request whose indices are sound. */
  add(data: ProfilesData, { linesOf, isApart = () => false }: JoinOptions = {}): void {
    const target = this.#dictionary;
    const copy = new DictionaryCopy(data.dictionary, target, linesOf && ((location) => linesOf(location, target)));
    for (const resource of data.resourceProfiles) {
      for (const scope of resource.scopeProfiles) {
        if (scope.profiles.length === 0) continue;
        const open = this.#resources.get(resource, scope, () => new Map());
        for (const profile of scope.profiles) this.#add(open, profile, copy, isApart(profile));
      }
    }
  }

  build(): ProfilesData {
    const resourceProfiles = this.#resources.build((open) =>
      Array.from(open.values(), (profile) => profile.build(this.#createProfileId)),
    );
    return { resourceProfiles, dictionary: this.#dictionary.tables };
  }

  #add(open: OpenProfiles, profile: Profile, copy: DictionaryCopy, isApart: boolean): void {
    const head = copy.profileHead(profile);
    const shape = shapeOf(profile);
    const hasPayload = head.originalPayload.length > 0 || head.originalPayloadFormat !== '';
    const staysItself = isApart || hasPayload || shape === undefined;
    let key = staysItself ? `apart ${this.#apartCount++}` : `${shape} ${this.#headKey(head)}`;
    let joined = this.#begin(open, key, head, shape);
    for (let i = 0; i < profile.samples.length; i++) {
      const sample = copy.sample(profile.samples[i]!);
      const set = this.#dictionary.attributeSet(sample.attributeIndices);
      const countBefore = joined.sampleCount;
      while (!joined.add(sample, set)) {
        key += ' more';
        joined = this.#begin(open, key, head, shape);
      }
      const moments = sample.timestampsUnixNano.length;
      this.#momentCount += Math.max(1, moments);
      if (joined.sampleCount > countBefore) this.#sampleBytes += bytesPerSample + 8 * sample.attributeIndices.length;
      this.#sampleBytes += bytesPerInteger * (moments + sample.values.length);
    }
  }

  #begin(open: OpenProfiles, key: string, head: Profile, shape: SampleShape | undefined): JoinedProfile {
    let joined = open.get(key);
    if (joined === undefined) {
      joined = new JoinedProfile(head, shape, !key.endsWith(' more'));
      open.set(key, joined);
      this.#sampleBytes += bytesPerProfile + 4 * key.length + head.originalPayload.length;
    }
    joined.begin(head);
    return joined;
  }

  /** Profiles that say when they began are not joined with those that do not: 0 means "unknown". */
  #headKey({ sampleType, periodType, period, attributeIndices, timeUnixNano }: Profile): string {
    const types = `${sampleType.typeStrindex} ${sampleType.unitStrindex} ${periodType.typeStrindex} ${periodType.unitStrindex}`;
    return `${types} ${period} ${this.#dictionary.attributeSet(attributeIndices)} ${timeUnixNano === 0n}`;
  }
}

// With the index over its samples.
const bytesPerProfile = 1024;
const bytesPerSample = 192;
// An element of a list, and the `bigint` it points to; lists grow by half.
const bytesPerInteger = 36;
