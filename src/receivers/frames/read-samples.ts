// hot
import { highWord, lowWord } from '../../model/frame-batch.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { MomentArrays, SampleArrays } from './batch-columns.ts';
import type { Spans } from './batch-spans.ts';
import type { TableSizes } from './read-frames.ts';
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

/** A sample may have happened at this many moments. */
export const mostMomentsInSample = 65_536;

const sampleFields: FieldNames = { list: 'samples', fields: sampleFieldNames };

export interface SampleTarget extends SampleChecks {
  readonly columns: SampleArrays;
}

/** Reads `Sample`s; one at fault is left out and told to the target's rejections. Returns how many were taken. */
export function readSamples(bytes: Uint8Array, spans: Spans, target: SampleTarget): number {
  const { columns, moments } = target;
  const { bounds } = spans;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Uint32Array(valuesField + 1);
  let count = 0;
  let momentCount = 0;
  columns.momentStart[0] = 0;
  const sample: SampleInHand = { bytes, view, index: 0, fields, moments, firstMoment: 0 };
  for (let i = 0; i < spans.count; i++) {
    sample.index = i;
    sample.firstMoment = momentCount;
    readSample(sample, bounds[2 * i]!, bounds[2 * i + 1]!);
    if (!isTaken(sample, target)) continue;
    columns.stack[count] = fields[1]!;
    columns.process[count] = fields[2]!;
    columns.profileType[count] = fields[3]!;
    columns.threadId[count] = fields[4]!;
    columns.threadName[count] = fields[5]!;
    columns.cpuPlusOne[count] = fields[6]!;
    columns.link[count] = fields[7]!;
    columns.labelSet[count] = fields[8]!;
    columns.position[count] = i;
    momentCount += fields[timestampsField]!;
    count++;
    columns.momentStart[count] = momentCount;
  }
  return count;
}

/**
 * The sample that is being read. `fields` has fields 1 to 8 by their numbers; elements 9 and 10 are how many
 * timestamps and values there are, and element 0 says whether a value is negative.
 * One object for all samples of a batch: an object a sample would be most of the garbage of decoding.
 */
interface SampleInHand {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly fields: Uint32Array;
  readonly moments: MomentArrays;
  index: number;
  firstMoment: number;
}

function readSample(sample: SampleInHand, start: number, end: number): void {
  const { bytes, fields, index } = sample;
  fields.fill(0);
  let p = start;
  while (p < end) {
    const tag = bytes[p++]!;
    const field = tag >>> 3;
    if ((tag & 7) !== 0 || field === 0 || field > valuesField) {
      if (tag === packedTimestampsTag) p = readTimestamps(sample, p, end);
      else if (tag === timestampTag && p + 8 <= end) p = readTimestamp(sample, p);
      else if (tag === timestampTag) throw truncated(pathOf(sampleFields, index, timestampsField));
      else if (tag === packedValuesTag) p = readValues(sample, p, end);
      else p = skipField(bytes, p - 1, end, sampleFields, index);
      continue;
    }
    if (field >= timestampsField) {
      if (field === timestampsField) skipField(bytes, p - 1, end, sampleFields, index);
      p = readValue(sample, p, end);
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
        if (!(value <= 0xffffffff)) throw badVarint(pathOf(sampleFields, index, field), value);
        p = endOfVarint(bytes, p - 1);
      }
    }
    fields[field] = value;
  }
  if (p > end) throw truncated(pathOf(sampleFields, index, 0));
}

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

function readTimestamp({ view, fields, moments, firstMoment, index }: SampleInHand, p: number): number {
  const count = fields[timestampsField]!;
  if (count === mostMomentsInSample) throw tooManyMoments(index, timestampsField);
  const words = moments.timestampWords;
  const at = 2 * (firstMoment + count);
  words[at + lowWord] = view.getUint32(p, true);
  words[at + highWord] = view.getUint32(p + 4, true);
  fields[timestampsField] = count + 1;
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

function readValue({ bytes, fields, moments, firstMoment, index }: SampleInHand, start: number, end: number): number {
  const count = fields[valuesField]!;
  if (count === mostMomentsInSample) throw tooManyMoments(index, valuesField);
  const p = readVarint64(bytes, start, end, halves);
  if (Number.isNaN(p)) throw truncated(pathOf(sampleFields, index, valuesField));
  const at = 2 * (firstMoment + count);
  moments.valueWords[at + lowWord] = halves[0]!;
  moments.valueWords[at + highWord] = halves[1]!;
  if (halves[1]! > 0x7fffffff) fields[0] = 1;
  fields[valuesField] = count + 1;
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

interface ReadSample {
  readonly fields: Uint32Array;
  readonly index: number;
  readonly firstMoment: number;
}

/**
 * Checks references, values and times of a sample that has been read. A faulty sample is reported to
 * `rejections`. Turns its timestamps into Unix nanoseconds and writes the values that it left out.
 */
function isTaken({ fields, index, firstMoment }: ReadSample, checks: SampleChecks): boolean {
  const { moments, sizes, time, rejections } = checks;
  const stack = fields[1]!;
  const process = fields[2]!;
  const profileType = fields[3]!;
  const count = fields[timestampsField]!;
  const valueCount = fields[valuesField]!;
  if (stack === 0 || stack > sizes.stacks) return rejectIndex(rejections, index, 'stack', stack, 1, sizes.stacks);
  if (process === 0 || process > sizes.processes) {
    return rejectIndex(rejections, index, 'process', process, 1, sizes.processes);
  }
  if (profileType === 0 || profileType > sizes.profileTypes) {
    return rejectIndex(rejections, index, 'profile_type', profileType, 1, sizes.profileTypes);
  }
  if (fields[5]! > sizes.strings) return rejectIndex(rejections, index, 'thread_name', fields[5]!, 0, sizes.strings);
  if (fields[7]! > sizes.links) return rejectIndex(rejections, index, 'link', fields[7]!, 0, sizes.links);
  if (fields[8]! > sizes.labelSets) return rejectIndex(rejections, index, 'label_set', fields[8]!, 0, sizes.labelSets);
  if (count === 0) {
    rejections.addSample(index, 'timestamps', 'timestamps', () => 'empty; send the time of the sample');
    return false;
  }
  if (valueCount === 0) moments.values.fill(1n, firstMoment, firstMoment + count);
  else if (valueCount !== count || fields[0] !== 0) return rejectValues(rejections, index, fields);
  const far = time.convert(moments.timestampWords, firstMoment, firstMoment + count);
  return far < 0 || rejectTime(checks, index, far - firstMoment, moments.timestampsUnixNano[far]!);
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

function rejectValues(rejections: Rejections, index: number, fields: Uint32Array): false {
  const values = fields[valuesField]!;
  const timestamps = fields[timestampsField]!;
  rejections.addSample(index, 'values', 'values', () =>
    values !== timestamps
      ? `${values} values for ${timestamps} timestamps; send one a timestamp, or none where each counts 1`
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
