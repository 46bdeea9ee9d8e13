// hot
import { highWord, lowWord } from '../../model/frame-batch.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { Steps } from '../../support/steps.ts';
import type { MomentArrays, SampleArrays } from './batch-columns.ts';
import type { EntryRange, Spans } from './batch-spans.ts';
import { endOfRange } from './batch-spans.ts';
import type { TableSizes } from './read-frames.ts';
import type { BatchContext } from './read-tables.ts';
import type { RejectionCause, Rejections } from './rejections.ts';
import type { SampleTime } from './sample-time.ts';
import type { FieldNames } from './wire.ts';
import { badVarint, endOfVarint, longVarint, outOfRange, pathOf, readVarint64, skipField, truncated } from './wire.ts';

// Names of the fields of `Sample`, by number.
const sampleFieldNames: readonly string[] = [
  '',
  'stack',
  'process',
  'profile_type',
  'thread_id',
  'thread_name',
  'cpu_plus_one',
  'link',
  'label_set',
  'timestamps',
  'values',
];
const timestampsField = 9;
const valuesField = 10;
// V8 folds constants of the module itself into the code, not imported ones.
const lowAt = lowWord;
const highAt = highWord;

/** A sample may have happened at this many moments. */
export const mostMomentsInSample = 65_536;

const sampleFields: FieldNames = { list: 'samples', fields: sampleFieldNames };

export interface SampleTarget extends SampleChecks {
  readonly columns: SampleArrays;
}

/** Bytes of samples read in one step: some hundreds of usual ones. */
const sampleBytesPerStep = 8_192;

/** Reads `Sample`s; one at fault is left out and told to the target's rejections. */
export function* readSamples({ bytes, view }: BatchContext, spans: Spans, target: SampleTarget): Steps<void> {
  const { columns, moments } = target;
  const { bounds, count } = spans;
  const fields = fieldColumns(columns);
  // A field that a sample lacks is 0.
  for (const column of fields) column.fill(0, 0, spans.count);
  columns.momentStart[0] = 0;
  const sample: SampleInHand = {
    bytes,
    view,
    fields,
    moments,
    index: 0,
    at: 0,
    firstMoment: 0,
    timestampCount: 0,
    valueCount: 0,
    hasNegative: false,
  };
  for (let from = 0; from < count; ) {
    if (from > 0) yield;
    const to = endOfRange(spans, from, sampleBytesPerStep);
    const isLong = bounds[2 * from + 1]! - bounds[2 * from]! > sampleBytesPerStep;
    if (isLong) yield* readLongSample(sample, from, bounds, target);
    else readSampleRange(sample, { bounds, from, to }, target);
    from = to;
  }
  columns.count = sample.at;
}

function readSampleRange(sample: SampleInHand, { bounds, from, to }: EntryRange, target: SampleTarget): void {
  for (let i = from; i < to; i++) {
    beginSample(sample, i);
    readSample(sample, bounds[2 * i]!, bounds[2 * i + 1]!, bounds[2 * i + 1]!);
    endSample(sample, target);
  }
}

/** Reads one sample in parts. */
function* readLongSample(sample: SampleInHand, index: number, bounds: Uint32Array, target: SampleTarget): Steps<void> {
  const end = bounds[2 * index + 1]!;
  beginSample(sample, index);
  for (let p = bounds[2 * index]!; p < end; ) {
    p = readSample(sample, p, Math.min(end, p + sampleBytesPerStep), end);
    if (p < end) yield;
  }
  endSample(sample, target);
}

function beginSample(sample: SampleInHand, index: number): void {
  sample.index = index;
  sample.timestampCount = 0;
  sample.valueCount = 0;
}

function endSample(sample: SampleInHand, target: SampleTarget): void {
  if (!isTaken(sample, target)) {
    for (const column of sample.fields) column[sample.at] = 0;
    sample.hasNegative = false;
    return;
  }
  const { position, momentStart } = target.columns;
  position[sample.at] = sample.index;
  sample.firstMoment += sample.timestampCount;
  sample.at++;
  momentStart[sample.at] = sample.firstMoment;
}

/** Columns of the fields 1 to 8 by their numbers; nothing is read into the one with number 0. */
function fieldColumns(columns: SampleArrays): Uint32Array[] {
  const { stack, process, profileType, threadId, threadName, cpuPlusOne, link, labelSet } = columns;
  return [noColumn, stack, process, profileType, threadId, threadName, cpuPlusOne, link, labelSet];
}

const noColumn = new Uint32Array(0);

/** The sample that is being read. One object for all samples of a batch: an object a sample would be most of the garbage of decoding. */
interface SampleInHand {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly fields: readonly Uint32Array[];
  readonly moments: MomentArrays;
  /** Position in the message. */
  index: number;
  /** Position in the columns. */
  at: number;
  firstMoment: number;
  timestampCount: number;
  valueCount: number;
  /** True when a value of the sample is negative. */
  hasNegative: boolean;
}

/** Reads the fields that begin from `start` on and before `stop`, of a sample that ends at `end`; returns the position after them. */
function readSample(sample: SampleInHand, start: number, stop: number, end: number): number {
  const { bytes, fields, at } = sample;
  let p = start;
  while (p < stop) {
    const tag = bytes[p++]!;
    if ((tag & 7) !== 0 || tag === 0 || tag > lastScalarTag) {
      // Nearly every sample has one timestamp.
      if (tag === packedTimestampsTag && bytes[p] === 8 && p + 9 <= end) p = readTimestamp(sample, p + 1);
      else p = readList(sample, tag, p, end);
      continue;
    }
    let value = bytes[p++]!;
    if (!(value < 128)) {
      const second = bytes[p]!;
      if (second < 128) {
        value = (value & 127) | (second << 7);
        p++;
      } else {
        value = longVarint(bytes, p - 1, end);
        if (!(value <= 0xffffffff)) throw badVarint(pathOf(sampleFields, sample.index, tag >>> 3), value);
        p = endOfVarint(bytes, p - 1);
      }
    }
    fields[tag >>> 3]![at] = value;
  }
  if (p > end) throw truncated(pathOf(sampleFields, sample.index, 0));
  return p;
}

/** Reads timestamps or values, or skips a field that is not known, whose tag ends at `p`; returns the position after it. */
function readList(sample: SampleInHand, tag: number, p: number, end: number): number {
  const { bytes, index } = sample;
  if (tag === packedTimestampsTag) return readTimestamps(sample, p, end);
  if (tag === packedValuesTag) return readValues(sample, p, end);
  if (tag === valueTag) return readValue(sample, p, end);
  if (tag !== timestampTag) return skipField(bytes, p - 1, end, sampleFields, index);
  if (p + 8 > end) throw truncated(pathOf(sampleFields, index, timestampsField));
  return readTimestamp(sample, p);
}

const lastScalarTag = 8 << 3;
const valueTag = valuesField << 3;
const timestampTag = (timestampsField << 3) | 1;
const packedTimestampsTag = (timestampsField << 3) | 2;
const packedValuesTag = (valuesField << 3) | 2;

function readTimestamps(sample: SampleInHand, start: number, end: number): number {
  const size = longVarint(sample.bytes, start, end);
  if (Number.isNaN(size)) throw truncated(pathOf(sampleFields, sample.index, timestampsField));
  let p = endOfVarint(sample.bytes, start);
  const stop = p + size;
  if (stop > end || size % 8 !== 0) throw truncated(pathOf(sampleFields, sample.index, timestampsField));
  while (p < stop) p = readTimestamp(sample, p);
  return p;
}

function readTimestamp(sample: SampleInHand, p: number): number {
  const { view, moments, timestampCount: count } = sample;
  if (count === mostMomentsInSample) throw tooManyMoments(sample.index, timestampsField);
  const words = moments.timestampWords;
  const at = 2 * (sample.firstMoment + count);
  words[at + lowAt] = view.getUint32(p, true);
  words[at + highAt] = view.getUint32(p + 4, true);
  sample.timestampCount = count + 1;
  return p + 8;
}

function readValues(sample: SampleInHand, start: number, end: number): number {
  const size = longVarint(sample.bytes, start, end);
  if (Number.isNaN(size)) throw truncated(pathOf(sampleFields, sample.index, valuesField));
  let p = endOfVarint(sample.bytes, start);
  const stop = p + size;
  if (stop > end) throw truncated(pathOf(sampleFields, sample.index, valuesField));
  while (p < stop) p = readValue(sample, p, stop);
  return p;
}

function readValue(sample: SampleInHand, start: number, end: number): number {
  const { bytes, moments, index, valueCount: count } = sample;
  if (count === mostMomentsInSample) throw tooManyMoments(index, valuesField);
  const p = readVarint64(bytes, start, end, halves);
  if (Number.isNaN(p)) throw truncated(pathOf(sampleFields, index, valuesField));
  const at = 2 * (sample.firstMoment + count);
  moments.valueWords[at + lowAt] = halves[0]!;
  moments.valueWords[at + highAt] = halves[1]!;
  if (halves[1]! > 0x7fffffff) sample.hasNegative = true;
  sample.valueCount = count + 1;
  return p;
}

const halves = new Uint32Array(2);

function tooManyMoments(index: number, field: number): InvalidMessage {
  const problem = `more than ${mostMomentsInSample} entries`;
  return new InvalidMessage(pathOf(sampleFields, index, field), problem, 'split the sample');
}

/** Bounds and tables that samples are checked against. */
export interface SampleChecks {
  readonly moments: MomentArrays;
  readonly sizes: TableSizes;
  readonly time: SampleTime;
  readonly rejections: Rejections;
}

/**
 * Checks references, values and times of a sample that has been read. A faulty sample is reported to
 * `rejections`. Turns its timestamps into Unix nanoseconds and writes the values that it left out.
 */
function isTaken(sample: SampleInHand, checks: SampleChecks & { readonly columns: SampleArrays }): boolean {
  const { index, at, firstMoment, timestampCount, valueCount } = sample;
  const { columns, moments, sizes, time, rejections } = checks;
  const stack = columns.stack[at]!;
  const process = columns.process[at]!;
  const profileType = columns.profileType[at]!;
  const threadName = columns.threadName[at]!;
  const link = columns.link[at]!;
  const labelSet = columns.labelSet[at]!;
  if (stack === 0 || stack > sizes.stacks) return rejectIndex(rejections, index, 'stack', stack, 1, sizes.stacks);
  if (process === 0 || process > sizes.processes) {
    return rejectIndex(rejections, index, 'process', process, 1, sizes.processes);
  }
  if (profileType === 0 || profileType > sizes.profileTypes) {
    return rejectIndex(rejections, index, 'profile_type', profileType, 1, sizes.profileTypes);
  }
  if (threadName > sizes.strings) return rejectIndex(rejections, index, 'thread_name', threadName, 0, sizes.strings);
  if (link > sizes.links) return rejectIndex(rejections, index, 'link', link, 0, sizes.links);
  if (labelSet > sizes.labelSets) return rejectIndex(rejections, index, 'label_set', labelSet, 0, sizes.labelSets);
  if (timestampCount === 0) {
    rejections.addSample(index, 'timestamps', 'timestamps', () => 'empty; send the time of the sample');
    return false;
  }
  if (valueCount === 0) fillOnes(moments.valueWords, firstMoment, firstMoment + timestampCount);
  else if (valueCount !== timestampCount || sample.hasNegative) return rejectValues(rejections, sample);
  const far = time.convert(moments.timestampWords, firstMoment, firstMoment + timestampCount);
  return far < 0 || rejectTime(checks, index, far - firstMoment, moments.timestampsUnixNano[far]!);
}

/** Sets elements `start .. end` of a column of 64-bit numbers, given as its words, to 1. */
function fillOnes(words: Uint32Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    words[2 * i + lowAt] = 1;
    words[2 * i + highAt] = 0;
  }
}

function rejectIndex(
  rejections: Rejections,
  index: number,
  field: RejectionCause,
  value: number,
  least: 0 | 1,
  count: number,
): false {
  rejections.addSample(index, field, field, () => {
    const { problem, remedy } = outOfRange(value, least, count);
    return `${problem}; ${remedy}`;
  });
  return false;
}

function rejectValues(rejections: Rejections, { index, timestampCount, valueCount }: SampleInHand): false {
  rejections.addSample(index, 'values', 'values', () =>
    valueCount !== timestampCount
      ? `${valueCount} values for ${timestampCount} timestamps; send one a timestamp, or none where each counts 1`
      : 'a value is negative; send values of at least 0',
  );
  return false;
}

function rejectTime({ time, rejections }: SampleChecks, index: number, position: number, timestamp: bigint): false {
  const field = `timestamps[${position}]`;
  const now = `the service's time is ${time.nowUnixNano}`;
  const isLate = timestamp > time.latestUnixNano;
  rejections.addSample(index, field, isLate ? 'in_future' : 'too_old', () =>
    isLate
      ? `${timestamp} lies further in the future than max_future allows, ${now}; check the collector's clock and anchors`
      : `${timestamp} is older than max_age allows, ${now}; check the collector's clock and anchors`,
  );
  return false;
}
