// hot
import { grown } from '../support/grown-column.ts';
import { halvesOf, uint64Of } from '../support/halves.ts';
import type { ProfilesData, Sample, Samples } from './profiles-data.ts';
import { noElements } from './profiles-data.ts';

/** Words of a record, and what they are: two indices, and the ends of the sample's lists in their columns. */
const recordWords = 5;
const stackAt = 0;
const linkAt = 1;
const attributesEndAt = 2;
const valuesEndAt = 3;
const timesEndAt = 4;

// Columns without elements are the same ones for all: nothing is written into them.
const firstHead = new Int32Array(recordWords);
const noIndices = new Int32Array(0);
const noWords = new Uint32Array(0);

/**
 * Samples as columns, without an object a sample and without `bigint`:
 *
 *     heads       | - - 0 0 0 | stack link ends of lists | stack link ends of lists | …
 *     attributes  | all lists one after the other
 *     values      | the same, two words each: lower half, upper half
 *     times       | the same
 *
 * A list begins where that of the sample before ends; the first record stands for the sample before the first. The elements of a
 * sample are appended, then `end` closes it. A sample of one timestamp and three attributes takes 40 bytes; columns double when full.
 */
export class SampleColumns {
  heads: Int32Array = firstHead;
  attributes: Int32Array = noIndices;
  values: Uint32Array = noWords;
  times: Uint32Array = noWords;
  count = 0;
  #attributeCount = 0;
  #valueCount = 0;
  #timeCount = 0;

  /** Makes room for as many samples, with as many timestamps and values together: a timestamp each where nothing else is said. */
  reserve(samples: number, timestamps = samples, values = 0): void {
    const words = recordWords * (this.count + samples + 1);
    if (words > this.heads.length) this.heads = grown(this.heads, words);
    if (2 * (this.#timeCount + timestamps) > this.times.length) {
      this.times = grown(this.times, 2 * (this.#timeCount + timestamps));
    }
    const valueWords = 2 * (this.#valueCount + values);
    if (valueWords > this.values.length) this.values = grown(this.values, valueWords);
  }

  /** Makes room for copies of samples `first .. first + length`, which are as long. */
  reserveFor({ columns, first, length }: SampleRange): void {
    if (length === 0) return;
    const last = first + length - 1;
    const timestamps = columns.timesEnd(last) - columns.timesStart(first);
    this.reserve(length, timestamps, columns.valuesEnd(last) - columns.valuesStart(first));
    const attributes = this.#attributeCount + columns.attributesEnd(last) - columns.attributesStart(first);
    if (attributes > this.attributes.length) this.attributes = grown(this.attributes, attributes);
  }

  addAttribute(index: number): void {
    if (this.#attributeCount === this.attributes.length) {
      this.attributes = grown(this.attributes, this.#attributeCount + 1);
    }
    this.attributes[this.#attributeCount++] = index;
  }

  addAttributes(indices: readonly number[]): void {
    for (let i = 0; i < indices.length; i++) this.addAttribute(indices[i]!);
  }

  addValue(low: number, high: number): void {
    if (2 * this.#valueCount === this.values.length) this.values = grown(this.values, this.values.length + 2);
    const at = 2 * this.#valueCount++;
    this.values[at] = low;
    this.values[at + 1] = high;
  }

  addTime(low: number, high: number): void {
    if (2 * this.#timeCount === this.times.length) this.times = grown(this.times, this.times.length + 2);
    const at = 2 * this.#timeCount++;
    this.times[at] = low;
    this.times[at + 1] = high;
  }

  /**
   * Gives each of the samples from `first` on, which are the last and have no moments yet, room for as many as `counts` says. Returns by
   * how much the position of a value is behind that of its timestamp.
   */
  addRoom(first: number, counts: Uint32Array, withValues: boolean): number {
    const start = this.#timeCount;
    const toValue = this.#valueCount - start;
    const heads = this.heads;
    for (let i = 0; i < counts.length; i++) {
      this.#timeCount += counts[i]!;
      const at = recordWords * (first + i + 1);
      heads[at + timesEndAt] = this.#timeCount;
      if (withValues) heads[at + valuesEndAt] = this.#valueCount + this.#timeCount - start;
    }
    if (2 * this.#timeCount > this.times.length) this.times = grown(this.times, 2 * this.#timeCount);
    if (!withValues) return toValue;
    this.#valueCount += this.#timeCount - start;
    if (2 * this.#valueCount > this.values.length) this.values = grown(this.values, 2 * this.#valueCount);
    return toValue;
  }

  get timeCount(): number {
    return this.#timeCount;
  }

  get valueCount(): number {
    return this.#valueCount;
  }

  addAttributesOf(source: SampleColumns, sample: number): void {
    const end = source.attributesEnd(sample);
    for (let at = source.attributesStart(sample); at < end; at++) this.addAttribute(source.attributes[at]!);
  }

  /** Appends the values and timestamps of a sample of `source`. */
  addMoments(source: SampleColumns, sample: number): void {
    const values = source.valuesStart(sample);
    const valueCount = source.valuesEnd(sample) - values;
    this.values = withWords(this.values, 2 * this.#valueCount, source.values, 2 * values, 2 * valueCount);
    this.#valueCount += valueCount;
    const times = source.timesStart(sample);
    const timeCount = source.timesEnd(sample) - times;
    this.times = withWords(this.times, 2 * this.#timeCount, source.times, 2 * times, 2 * timeCount);
    this.#timeCount += timeCount;
  }

  /** Closes a sample of all elements that were appended since the one before. */
  end(stackIndex: number, linkIndex: number): void {
    const at = recordWords * ++this.count;
    if (at + recordWords > this.heads.length) this.heads = grown(this.heads, at + recordWords);
    const heads = this.heads;
    heads[at + stackAt] = stackIndex;
    heads[at + linkAt] = linkIndex;
    heads[at + attributesEndAt] = this.#attributeCount;
    heads[at + valuesEndAt] = this.#valueCount;
    heads[at + timesEndAt] = this.#timeCount;
  }

  /** Removes the last sample. */
  removeLast(): void {
    const at = recordWords * --this.count;
    this.#attributeCount = this.heads[at + attributesEndAt]!;
    this.#valueCount = this.heads[at + valuesEndAt]!;
    this.#timeCount = this.heads[at + timesEndAt]!;
  }

  add({ stackIndex, attributeIndices, linkIndex, values, timestampsUnixNano }: Sample): void {
    this.addAttributes(attributeIndices);
    for (const value of values) this.addValue(...halvesOf(value));
    for (const time of timestampsUnixNano) this.addTime(...halvesOf(time));
    this.end(stackIndex, linkIndex);
  }

  stack(sample: number): number {
    return this.heads[recordWords * (sample + 1) + stackAt]!;
  }

  link(sample: number): number {
    return this.heads[recordWords * (sample + 1) + linkAt]!;
  }

  attributesStart(sample: number): number {
    return this.heads[recordWords * sample + attributesEndAt]!;
  }

  attributesEnd(sample: number): number {
    return this.heads[recordWords * (sample + 1) + attributesEndAt]!;
  }

  valuesStart(sample: number): number {
    return this.heads[recordWords * sample + valuesEndAt]!;
  }

  valuesEnd(sample: number): number {
    return this.heads[recordWords * (sample + 1) + valuesEndAt]!;
  }

  timesStart(sample: number): number {
    return this.heads[recordWords * sample + timesEndAt]!;
  }

  timesEnd(sample: number): number {
    return this.heads[recordWords * (sample + 1) + timesEndAt]!;
  }

  /** Value as int64, by its position in the column. */
  value(at: number): bigint {
    return BigInt.asIntN(64, uint64Of(this.values[2 * at + 1]!, this.values[2 * at]!));
  }

  setValue(at: number, value: bigint): void {
    this.values.set(halvesOf(value), 2 * at);
  }

  /** Nanoseconds since the Unix epoch, by position in the column. */
  unixNano(at: number): bigint {
    return uint64Of(this.times[2 * at + 1]!, this.times[2 * at]!);
  }

  /** The sample as an object. */
  sample(index: number): Sample {
    const [attributes, attributesEnd] = [this.attributesStart(index), this.attributesEnd(index)];
    return {
      stackIndex: this.stack(index),
      attributeIndices:
        attributes === attributesEnd ? noElements : Array.from(this.attributes.subarray(attributes, attributesEnd)),
      linkIndex: this.link(index),
      values: listOf(this.valuesStart(index), this.valuesEnd(index), (at) => this.value(at)),
      timestampsUnixNano: listOf(this.timesStart(index), this.timesEnd(index), (at) => this.unixNano(at)),
    };
  }
}

/** A copy of few words costs less than a call of what copies many. */
const fewWords = 32;

/** `target`, grown where that is needed, with words of `source` at `at`. */
function withWords(target: Uint32Array, at: number, source: Uint32Array, start: number, count: number): Uint32Array {
  const words = at + count > target.length ? grown(target, at + count) : target;
  if (count > fewWords) words.set(source.subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) words[at + i] = source[start + i]!;
  return words;
}

/** Halves of times and values, and to which sample they belong. */
export interface MomentColumns {
  readonly sample: Uint32Array;
  readonly timeLow: Uint32Array;
  readonly timeHigh: Uint32Array;
  readonly valueLow: Uint32Array;
  readonly valueHigh: Uint32Array;
}

/** Moments of the samples of columns from `first` on, in any order between samples; how many each sample has was counted beforehand. */
export class MomentGroups {
  readonly #columns: SampleColumns;
  readonly #first: number;
  /** Position of the next timestamp of each sample, and how far behind it the value is. */
  readonly #next: Uint32Array;
  readonly #toValue: Int32Array;

  /** For `count` samples. */
  constructor(columns: SampleColumns, first: number, count: number) {
    this.#columns = columns;
    this.#first = first;
    this.#next = new Uint32Array(count);
    this.#toValue = new Int32Array(count);
  }

  /** Makes room for the moments of the samples from `first` on, which are the last, `counts` each. */
  addRoom(first: number, counts: Uint32Array, hasValues: boolean): void {
    const columns = this.#columns;
    const toValue = columns.addRoom(first, counts, hasValues);
    const before = first - this.#first;
    for (let i = 0; i < counts.length; i++) {
      this.#next[before + i] = columns.timesStart(first + i);
      this.#toValue[before + i] = hasValues ? toValue : noValues;
    }
  }

  /** Adds a moment of a sample; the value is passed over where samples have none. */
  add(sample: number, timeLow: number, timeHigh: number, valueLow: number, valueHigh: number): void {
    const own = sample - this.#first;
    const at = this.#next[own]!++;
    const { times, values } = this.#columns;
    times[2 * at] = timeLow;
    times[2 * at + 1] = timeHigh;
    const toValue = this.#toValue[own]!;
    if (toValue === noValues) return;
    values[2 * (at + toValue)] = valueLow;
    values[2 * (at + toValue) + 1] = valueHigh;
  }

  /** The same of the first `count` moments of columns, but for those of `noSample`. */
  addAll({ sample, timeLow, timeHigh, valueLow, valueHigh }: MomentColumns, count: number): void {
    const { times, values } = this.#columns;
    const next = this.#next;
    const toValues = this.#toValue;
    const first = this.#first;
    for (let i = 0; i < count; i++) {
      if (sample[i] === noSample) continue;
      const own = sample[i]! - first;
      const at = next[own]!;
      next[own] = at + 1;
      times[2 * at] = timeLow[i]!;
      times[2 * at + 1] = timeHigh[i]!;
      const toValue = toValues[own]!;
      if (toValue === noValues) continue;
      values[2 * (at + toValue)] = valueLow[i]!;
      values[2 * (at + toValue) + 1] = valueHigh[i]!;
    }
  }
}

/** Stands for the sample of a moment that is left out. */
export const noSample = 0xffff_ffff;

/** Stands for the way from a timestamp to its value where samples have no values. */
const noValues = -0x8000_0000;

/** Samples `first .. first + length` of columns, which other profiles of the same message share. The columns must not change. */
export class SampleRange implements Samples {
  readonly columns: SampleColumns;
  readonly first: number;
  readonly length: number;

  constructor(columns: SampleColumns, first: number, length: number) {
    this.columns = columns;
    this.first = first;
    this.length = length;
  }

  at(index: number): Sample | undefined {
    const own = index < 0 ? index + this.length : index;
    return own >= 0 && own < this.length ? this.columns.sample(this.first + own) : undefined;
  }

  slice(start = 0, end: number = this.length): SampleRange {
    const own = this.#placeOf(start);
    return new SampleRange(this.columns, this.first + own, Math.max(0, this.#placeOf(end) - own));
  }

  /** A place from the end is negative, as in lists. */
  #placeOf(index: number): number {
    return index < 0 ? Math.max(0, index + this.length) : Math.min(index, this.length);
  }

  *[Symbol.iterator](): Generator<Sample, void, undefined> {
    for (let i = 0; i < this.length; i++) yield this.columns.sample(this.first + i);
  }

  *entries(): Generator<[number, Sample], void, undefined> {
    for (let i = 0; i < this.length; i++) yield [i, this.columns.sample(this.first + i)];
  }
}

/** The samples as columns; a list of objects is copied. */
export function columnsOf(samples: Samples): SampleRange {
  if (samples instanceof SampleRange) return samples;
  const columns = new SampleColumns();
  columns.reserve(samples.length);
  for (const sample of samples) columns.add(sample);
  return new SampleRange(columns, 0, columns.count);
}

/** Number of observations in all profiles: a timestamp each, and 1 for a sample without timestamps. */
export function countTimestamps({ resourceProfiles }: ProfilesData): number {
  let count = 0;
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const profile of profiles) {
        const { columns, first, length } = columnsOf(profile.samples);
        for (let i = first; i < first + length; i++) {
          count += Math.max(1, columns.timesEnd(i) - columns.timesStart(i));
        }
      }
    }
  }
  return count;
}

function listOf(start: number, end: number, read: (at: number) => bigint): readonly bigint[] {
  if (start === end) return noElements;
  const list: bigint[] = [];
  for (let at = start; at < end; at++) list.push(read(at));
  return list;
}
