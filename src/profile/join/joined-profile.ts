// hot

import type { Profile } from '../../otlp/profiles-data.ts';
import { MomentGroups, SampleColumns, SampleRange } from '../../otlp/sample-columns.ts';
import { halvesOf } from '../../support/halves.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import { MomentList } from './moment-list.ts';
import type { SampleShape } from './sample-shape.ts';

/** Indices of a sample; `attributeSet` is the number of its attributes, in any order. */
export interface Identity {
  stackIndex: number;
  attributeIndices: readonly number[];
  attributeSet: number;
  linkIndex: number;
}

const maxUint32 = 0xffff_ffff;
const maxUint64 = 2n ** 64n - 1n;
const maxInt64 = 2n ** 63n - 1n;

/** Numbers of samples, and of what is in their lists. */
export interface SampleRoom {
  readonly samples: number;
  readonly timestamps: number;
  readonly values: number;
}

const noRoom: SampleRoom = { samples: 0, timestamps: 0, values: 0 };

/** Gives the ID of a profile that was joined from several; `part` is above 0 for the rest of a profile whose sums left 64 bits. */
export type CreateProfileId = (first: Uint8Array, part: number) => Uint8Array;

/**
 * Profiles that differ in their time and samples alone, as one. Samples with the same stack, attributes and link are one:
 * their timestamps follow each other in the order of arrival, their sums are added up. All indices are those of one
 * dictionary without duplicates.
 */
export class JoinedProfile {
  /** Head of the first profile; without samples. */
  readonly #head: Profile;
  readonly #shape: SampleShape | undefined;
  readonly #part: number;
  #identities: QuadIndex | undefined;
  /** Samples in the order of their first appearance; those of a shape with timestamps still lack their lists. */
  readonly #samples = new SampleColumns();
  /** Timestamps in the order of arrival, with their values if the shape has some. */
  #moments: MomentList | undefined;
  #startUnixNano: bigint;
  #endUnixNano: bigint;
  /** End of the profile whose samples come now. */
  #ownEndUnixNano: bigint;
  #ownEnd: readonly [low: number, high: number] = [0, 0];
  /** First nanosecond after a timestamp at the very end of its profile, which some profilers count in. */
  #afterLastUnixNano = 0n;
  #droppedAttributesCount = 0;
  #keepsId: boolean;
  #isEmpty = true;

  /** Samples of an `undefined` shape stay as they are. `part` counts the profiles that began because a sum left 64 bits. */
  constructor(head: Profile, shape: SampleShape | undefined, part: number) {
    this.#head = head;
    this.#shape = shape;
    this.#part = part;
    this.#keepsId = part === 0;
    this.#startUnixNano = head.timeUnixNano;
    this.#endUnixNano = head.timeUnixNano;
    this.#ownEndUnixNano = head.timeUnixNano;
  }

  get sampleCount(): number {
    return this.#samples.count;
  }

  /** Room that `build` needs in its columns. */
  get room(): SampleRoom {
    const timestamps = this.#moments?.length ?? 0;
    if (timestamps === 0) return noRoom;
    const values = this.#shape === 'timestamps with values' ? timestamps : 0;
    return { samples: this.#samples.count, timestamps, values };
  }

  /** Begins one more profile, of which `samples` come now. */
  begin({ timeUnixNano, durationNano, droppedAttributesCount }: Profile, samples: SampleRange): void {
    if (this.#shape === undefined) this.#samples.reserveFor(samples);
    if (!this.#isEmpty) this.#keepsId = false;
    this.#isEmpty = false;
    const endUnixNano = timeUnixNano + durationNano;
    this.#ownEndUnixNano = endUnixNano;
    this.#ownEnd = halvesOf(endUnixNano);
    if (timeUnixNano < this.#startUnixNano) this.#startUnixNano = timeUnixNano;
    if (endUnixNano > this.#endUnixNano) this.#endUnixNano = endUnixNano;
    this.#droppedAttributesCount = Math.min(maxUint32, this.#droppedAttributesCount + droppedAttributesCount);
  }

  /** Adds a sample of `source`. `false`, without change, when a sum would leave 64 bits. */
  add(identity: Identity, source: SampleColumns, sample: number): boolean {
    const samples = this.#samples;
    if (this.#shape === undefined) {
      samples.addAttributes(identity.attributeIndices);
      samples.addMoments(source, sample);
      samples.end(identity.stackIndex, identity.linkIndex);
      return true;
    }
    this.#identities ??= new QuadIndex();
    const index = this.#identities.intern(identity.stackIndex, identity.attributeSet, identity.linkIndex, 0);
    const isNew = index === samples.count;
    if (isNew) {
      samples.addAttributes(identity.attributeIndices);
      if (this.#shape === 'sums') samples.addMoments(source, sample);
      samples.end(identity.stackIndex, identity.linkIndex);
    } else if (this.#shape === 'sums') return this.#addSum(index, source.value(source.valuesStart(sample)));
    if (this.#shape !== 'sums') this.#addMoments(index, source, sample);
    return true;
  }

  /** In this shape a sample has one value, at its own position. */
  #addSum(index: number, value: bigint): boolean {
    const sum = this.#samples.value(index) + value;
    if (sum > maxInt64 || sum < -maxInt64 - 1n) return false;
    this.#samples.setValue(index, sum);
    return true;
  }

  #addMoments(index: number, source: SampleColumns, sample: number): void {
    const hasValues = this.#shape === 'timestamps with values';
    this.#moments ??= new MomentList(hasValues);
    const moments = this.#moments;
    const { times, values } = source;
    const [endLow, endHigh] = this.#ownEnd;
    const end = source.timesEnd(sample);
    // In this shape each timestamp has a value.
    const toValue = hasValues ? source.valuesStart(sample) - source.timesStart(sample) : 0;
    for (let at = source.timesStart(sample); at < end; at++) {
      const low = times[2 * at]!;
      const high = times[2 * at + 1]!;
      if (hasValues) moments.add(index, low, high, values[2 * (at + toValue)]!, values[2 * (at + toValue) + 1]!);
      else moments.add(index, low, high, 0, 0);
      if (low === endLow && high === endHigh) this.#noteAtEnd();
    }
  }

  #noteAtEnd(): void {
    const end = this.#ownEndUnixNano;
    if (end <= maxUint64 && end >= this.#afterLastUnixNano) this.#afterLastUnixNano = end + 1n;
  }

  /** The joined profile, its samples in `columns`; its ID is that of the only profile, or a new ID for several. */
  build(columns: SampleColumns, createProfileId: CreateProfileId): Profile {
    const isLonger = !this.#keepsId && this.#afterLastUnixNano > this.#endUnixNano;
    const durationNano = (isLonger ? this.#afterLastUnixNano : this.#endUnixNano) - this.#startUnixNano;
    return {
      ...this.#head,
      samples: this.#build(columns),
      timeUnixNano: this.#startUnixNano,
      durationNano: durationNano < maxUint64 ? durationNano : maxUint64,
      profileId: this.#keepsId ? this.#head.profileId : createProfileId(this.#head.profileId, this.#part),
      droppedAttributesCount: this.#droppedAttributesCount,
    };
  }

  #build(columns: SampleColumns): SampleRange {
    const samples = this.#samples;
    const moments = this.#moments;
    if (moments === undefined) return new SampleRange(samples, 0, samples.count);
    const first = columns.count;
    const counts = new Uint32Array(samples.count);
    moments.count(counts);
    for (let i = 0; i < samples.count; i++) {
      columns.addAttributesOf(samples, i);
      columns.end(samples.stack(i), samples.link(i));
    }
    const groups = new MomentGroups(columns, first, counts.length);
    groups.addRoom(first, counts, this.#shape === 'timestamps with values');
    moments.addTo(groups, first);
    return new SampleRange(columns, first, samples.count);
  }
}
