// hot
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { MomentArrays, SampleArrays } from './batch-columns.ts';
import type { Spans } from './batch-spans.ts';
import type { SampleChecks } from './check-sample.ts';
import { isTaken, sampleFieldNames, timestampsField, valuesField } from './check-sample.ts';
import { highWord, lowWord } from './sample-time.ts';
import { readVarint64 } from './varint64.ts';
import type { Place } from './wire.ts';
import { badVarint, endOfVarint, longVarint, pathOf, skipField, truncated } from './wire.ts';

/** A sample may have happened at this many moments. */
export const mostMomentsInSample = 65_536;

const place: Place = { list: 'samples', fields: sampleFieldNames };

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
      else if (tag === timestampTag) throw truncated(pathOf(place, index, timestampsField));
      else if (tag === packedValuesTag) p = readValues(sample, p, end);
      else p = skipField(bytes, p - 1, end, place, index);
      continue;
    }
    if (field >= timestampsField) {
      if (field === timestampsField) skipField(bytes, p - 1, end, place, index);
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
        if (!(value <= 0xffffffff)) throw badVarint(pathOf(place, index, field), value);
        p = endOfVarint(bytes, p - 1);
      }
    }
    fields[field] = value;
  }
  if (p > end) throw truncated(pathOf(place, index, 0));
}

const timestampTag = (timestampsField << 3) | 1;
const packedTimestampsTag = (timestampsField << 3) | 2;
const packedValuesTag = (valuesField << 3) | 2;

function readTimestamps(sample: SampleInHand, start: number, end: number): number {
  const size = longVarint(sample.bytes, start, end);
  if (Number.isNaN(size)) throw truncated(pathOf(place, sample.index, timestampsField));
  let p = endOfVarint(sample.bytes, start);
  const stop = p + size;
  if (stop > end || size % 8 !== 0) throw truncated(pathOf(place, sample.index, timestampsField));
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
  if (Number.isNaN(size)) throw truncated(pathOf(place, sample.index, valuesField));
  let p = endOfVarint(sample.bytes, start);
  const stop = p + size;
  if (stop > end) throw truncated(pathOf(place, sample.index, valuesField));
  while (p < stop) p = readValue(sample, p, stop);
  return p;
}

function readValue({ bytes, fields, moments, firstMoment, index }: SampleInHand, start: number, end: number): number {
  const count = fields[valuesField]!;
  if (count === mostMomentsInSample) throw tooManyMoments(index, valuesField);
  const p = readVarint64(bytes, start, end, halves);
  if (Number.isNaN(p)) throw truncated(pathOf(place, index, valuesField));
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
  return new InvalidMessage(pathOf(place, index, field), problem, 'split the sample');
}
