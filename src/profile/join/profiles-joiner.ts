// hot

import type { Profile, ProfilesData, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import type { SampleRange } from '../../otlp/sample-columns.ts';
import { columnsOf, SampleColumns } from '../../otlp/sample-columns.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import type { LinesIn } from '../dictionary/dictionary.ts';
import { InternedDictionary } from '../dictionary/dictionary.ts';
import { DictionaryCopy } from '../dictionary/dictionary-copy.ts';
import { LentLists } from '../dictionary/lent-lists.ts';
import { withDistinctTimes } from './distinct-times.ts';
import type { CreateProfileId, Identity } from './joined-profile.ts';
import { JoinedProfile } from './joined-profile.ts';
import { ResourceTree } from './resource-tree.ts';
import type { SampleShape } from './sample-shape.ts';
import { shapeOf } from './sample-shape.ts';

export interface JoinOptions {
  /** Lines for each location that has none. */
  readonly linesIn?: LinesIn | undefined;
  /** `profiles`, the default: equal profiles become one; `samples`: equal samples of a profile; `nothing`: neither. */
  readonly joins?: (profile: Profile) => 'profiles' | 'samples' | 'nothing';
}

/**
 * One request with all that the requests say. Dictionaries become one without duplicates and orphans; equal resources
 * become one, and so do equal scopes within them. Profiles stay as they are: each has an ID and a time of its own. Order is that of
 * first appearance. Resources and scopes without profiles are left out. Time grows with the size of all.
 */
export function mergeProfiles(requests: readonly ProfilesData[], linesIn?: LinesIn): ProfilesData {
  const joiner = new ProfilesJoiner((first) => first);
  for (const request of requests) joiner.add(request, { linesIn, joins: () => 'nothing' });
  return joiner.build();
}

/** Circumstances of a profile that begins, or that goes on in one that was begun. */
interface Beginning {
  readonly shape: SampleShape | undefined;
  readonly part: number;
  readonly samples: SampleRange;
}

/** Profiles of one scope by what they must have in common. */
type OpenProfiles = Map<string, JoinedProfile>;

/**
 * Joins requests to one that says the same in as few words as possible: equal resources, scopes, dictionary entries, profiles and
 * samples are there once. Profiles are equal when resource, scope, sample type, period, attributes and the shape of
 * their samples are; a profile with an original payload, which describes its own samples, stays itself. A sum that
 * would leave 64 bits begins one more profile. Nothing of a request is kept alive but what the result needs. Each
 * request costs its time when it is added.
 */
export class ProfilesJoiner {
  readonly #createProfileId: CreateProfileId;
  readonly #dictionary = new InternedDictionary();
  readonly #resources = new ResourceTree<OpenProfiles>();
  readonly #attributeLists = new LentLists();
  readonly #identity: Identity = { stackIndex: 0, attributeIndices: [], attributeSet: 0, linkIndex: 0 };
  #timestampCount = 0;
  #sampleBytes = 0;
  #apartCount = 0;

  /** `createProfileId` gives 16 bytes a call. */
  constructor(createProfileId: CreateProfileId) {
    this.#createProfileId = createProfileId;
  }

  get isEmpty(): boolean {
    return this.#timestampCount === 0;
  }

  /** Observations so far; a sample without timestamps counts 1. */
  get timestampCount(): number {
    return this.#timestampCount;
  }

  /** Bytes of memory held, at most. */
  get sizeBytes(): number {
    return this.#dictionary.sizeBytes + this.#resources.sizeBytes + this.#sampleBytes;
  }

  /** The dictionary so far; it still belongs to the joiner. */
  get dictionary(): ProfilesDictionary {
    return this.#dictionary.tables;
  }

  /** Adds a request; indices that point nowhere become 0. */
  add(data: ProfilesData, options?: JoinOptions): void {
    atOnce(this.addInSteps(data, options));
  }

  /** The same in steps. */
  *addInSteps(data: ProfilesData, { linesIn, joins = () => 'profiles' }: JoinOptions = {}): Steps<void> {
    const target = this.#dictionary;
    const copy = new DictionaryCopy(data.dictionary, target, { addLines: linesIn?.(target) });
    if (this.isEmpty) target.reserve(copy.largeTables);
    for (const resource of data.resourceProfiles) {
      for (const scope of resource.scopeProfiles) {
        if (scope.profiles.length === 0) continue;
        const open = this.#resources.get(resource, scope, () => new Map());
        for (const profile of scope.profiles) yield* this.#add(open, profile, copy, joins(profile));
      }
    }
  }

  /** The joined request; no two profiles of equal labels begin at one time. */
  build(): ProfilesData {
    const samples = this.#columnsWithRoom();
    const resourceProfiles = this.#resources.build((open) =>
      Array.from(open.values(), (profile) => profile.build(samples, this.#createProfileId)),
    );
    return withDistinctTimes({ resourceProfiles, dictionary: this.#dictionary.tables });
  }

  /** Columns that hold all samples with timestamps without being copied: megabytes at the end of a busy cycle. */
  #columnsWithRoom(): SampleColumns {
    const columns = new SampleColumns();
    const room = { samples: 0, timestamps: 0, values: 0 };
    for (const open of this.#resources.contents()) {
      for (const profile of open.values()) {
        const { samples, timestamps, values } = profile.room;
        room.samples += samples;
        room.timestamps += timestamps;
        room.values += values;
      }
    }
    columns.reserve(room.samples, room.timestamps, room.values);
    return columns;
  }

  *#add(
    open: OpenProfiles,
    profile: Profile,
    copy: DictionaryCopy,
    joins: 'profiles' | 'samples' | 'nothing',
  ): Steps<void> {
    const head = copy.profileHead(profile);
    const samples = columnsOf(profile.samples);
    const shape = joins === 'nothing' ? undefined : shapeOf(samples);
    const hasPayload = head.originalPayload.length > 0 || head.originalPayloadFormat !== '';
    const staysItself = joins !== 'profiles' || hasPayload || shape === undefined;
    const key = staysItself ? `apart ${this.#apartCount++}` : `${shape} ${this.#headKey(head)}`;
    let part = 0;
    let joined = this.#begin(open, key, head, { shape, part, samples });
    const { columns, first, length } = samples;
    for (let i = 0; i < length; i++) {
      if (i % samplesPerStep === samplesPerStep - 1) yield;
      const identity = this.#identityOf(columns, first + i, copy, shape);
      const countBefore = joined.sampleCount;
      while (!joined.add(identity, columns, first + i))
        joined = this.#begin(open, key, head, { shape, part: ++part, samples });
      const timestamps = columns.timesEnd(first + i) - columns.timesStart(first + i);
      const values = columns.valuesEnd(first + i) - columns.valuesStart(first + i);
      this.#timestampCount += Math.max(1, timestamps);
      if (joined.sampleCount > countBefore) this.#sampleBytes += bytesPerSample + 8 * identity.attributeIndices.length;
      this.#sampleBytes += bytesPerInteger * (timestamps + values);
    }
  }

  /** Indices of a sample in the joined dictionary; the same object at each call. */
  #identityOf(columns: SampleColumns, sample: number, copy: DictionaryCopy, shape: SampleShape | undefined): Identity {
    const identity = this.#identity;
    identity.stackIndex = copy.stack(columns.stack(sample));
    const end = columns.attributesEnd(sample);
    const start = columns.attributesStart(sample);
    const attributes = this.#attributeLists.of(end - start);
    for (let i = 0; i < attributes.length; i++) attributes[i] = copy.attribute(columns.attributes[start + i]!);
    identity.attributeIndices = attributes;
    identity.attributeSet = shape === undefined ? 0 : this.#dictionary.attributeSet(attributes);
    identity.linkIndex = copy.link(columns.link(sample));
    return identity;
  }

  #begin(open: OpenProfiles, key: string, head: Profile, { shape, part, samples }: Beginning): JoinedProfile {
    const partKey = part === 0 ? key : `${key} part ${part}`;
    let joined = open.get(partKey);
    if (joined === undefined) {
      joined = new JoinedProfile(head, shape, part);
      open.set(partKey, joined);
      this.#sampleBytes += bytesPerProfile + 4 * partKey.length + head.originalPayload.length;
    }
    joined.begin(head, samples);
    return joined;
  }

  /** A profile without a start (0 means "unknown") is not joined with a profile that has one. */
  #headKey({ sampleType, periodType, period, attributeIndices, timeUnixNano }: Profile): string {
    const types = `${sampleType.typeStrindex} ${sampleType.unitStrindex} ${periodType.typeStrindex} ${periodType.unitStrindex}`;
    return `${types} ${period} ${this.#dictionary.attributeSet(attributeIndices)} ${timeUnixNano === 0n}`;
  }
}

// A tenth of a millisecond, more or less, before the code is optimized.
const samplesPerStep = 16;

// Memory of a profile with the index over its samples.
const bytesPerProfile = 3712;
const bytesPerSample = 112;
// Memory of a number of 64 bits, and of the sample's number beside it; columns double when full.
const bytesPerInteger = 24;
