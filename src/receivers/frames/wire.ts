// hot
import { InvalidMessage } from '../../model/invalid-message.ts';

/**
 * Protobuf's wire format, the parts that every reader of frames.proto shares
 * (https://protobuf.dev/programming-guides/encoding/). Hot loops read varints of one and two bytes in place and come
 * here for the rest.
 */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The list that a reader is in, and the names of the message's fields by number; there is none with number 0. */
export interface FieldNames {
  readonly list: string;
  readonly fields: readonly string[];
}

const maxVarintBytes = 10;

/** Value of the varint at `start`, exact up to 2^53; `NaN` when it has no end before `end` or within ten bytes. */
export function longVarint(bytes: Uint8Array, start: number, end: number): number {
  // Four bytes fit a small integer, which costs no memory to return.
  let value = 0;
  let p = start;
  for (let shift = 0; shift < 28; shift += 7) {
    if (p >= end) return Number.NaN;
    const byte = bytes[p++]!;
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  return largeVarint(bytes, start, end);
}

function largeVarint(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  let scale = 1;
  for (let p = start; p < end && p < start + maxVarintBytes; p++) {
    const byte = bytes[p]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    scale *= 128;
  }
  return Number.NaN;
}

/** Position after the varint at `start`, which `longVarint` has found to be well formed. */
export function endOfVarint(bytes: Uint8Array, start: number): number {
  let p = start;
  while (bytes[p]! >= 128) p++;
  return p + 1;
}

/**
 * Position after the field at `start`, which the reader does not know.
 * @throws InvalidMessage when it does know it, so that the wire type is wrong, and when the bytes are no field.
 */
export function skipField(bytes: Uint8Array, start: number, end: number, names: FieldNames, index: number): number {
  const tag = longVarint(bytes, start, end);
  if (!(tag <= 0xffffffff)) throw truncated(pathOf(names, index, 0));
  const field = Math.floor(tag / 8);
  const wireType = tag & 7;
  const path = pathOf(names, index, field);
  if (field === 0) throw new InvalidMessage(path, 'field number 0', sendSchema);
  if (names.fields[field] !== undefined) throw wrongWireType(path, wireType);
  return skipValue(bytes, endOfVarint(bytes, start), end, wireType, path);
}

/** Position after a value of `wireType` at `start`. @throws InvalidMessage when it does not end before `end`. */
export function skipValue(bytes: Uint8Array, start: number, end: number, wireType: number, path: string): number {
  let p = Number.NaN;
  if (wireType === wireTypes.fixed64) p = start + 8;
  else if (wireType === wireTypes.fixed32) p = start + 4;
  else if (wireType === wireTypes.varint || wireType === wireTypes.bytes) {
    const value = longVarint(bytes, start, end);
    if (!Number.isNaN(value)) p = endOfVarint(bytes, start) + (wireType === wireTypes.bytes ? value : 0);
  } else throw new InvalidMessage(path, `wire type ${wireType}`, sendSchema);
  if (!(p <= end)) throw truncated(path);
  return p;
}

/** `batch.frames[12].file_id`; the position is left out when it is -1, the field where it has no name. */
export function pathOf(names: FieldNames, index: number, field: number): string {
  const name = names.fields[field];
  const entry = names.list === '' ? 'batch' : `batch.${names.list}${index < 0 ? '' : `[${index}]`}`;
  return name === undefined || name === '' ? entry : `${entry}.${name}`;
}

const sendSchema = 'send messages of framekeeper/frames/v1/frames.proto';

export function truncated(path: string): InvalidMessage {
  return new InvalidMessage(path, 'the bytes end in the middle of a value', 'send the whole message');
}

export function wrongWireType(path: string, wireType: number): InvalidMessage {
  return new InvalidMessage(path, `wire type ${wireType} does not belong to this field`, sendSchema);
}

export function tooLarge(path: string): InvalidMessage {
  return new InvalidMessage(path, 'the value is larger than 32 bits', 'send a number below 4294967296');
}

/** A varint that a 32-bit field cannot hold: without an end (`NaN`), or too large. */
export function badVarint(path: string, value: number): InvalidMessage {
  return Number.isNaN(value) ? truncated(path) : tooLarge(path);
}

/** Problem and remedy of an index outside `least..count`. */
export function outOfRange(index: number, least: 0 | 1, count: number): { problem: string; remedy: string } {
  return {
    problem:
      count < least ? `index ${index}, and the table is empty` : `index ${index} is out of range [${least}..${count}]`,
    remedy: 'refer to an entry of the table of the same batch, counted from 1',
  };
}

export function indexError(path: string, index: number, least: 0 | 1, count: number): InvalidMessage {
  const { problem, remedy } = outOfRange(index, least, count);
  return new InvalidMessage(path, problem, remedy);
}

/**
 * Reads the varint at `start` into `halves` (low, high), exact to 64 bits, and returns the position after it; `NaN`
 * when it has no end before `end`, or is longer than 64 bits.
 */
export function readVarint64(bytes: Uint8Array, start: number, end: number, halves: Uint32Array): number {
  let p = start;
  let low = 0;
  let high = 0;
  let byte = 128;
  for (let shift = 0; byte >= 128; shift += 7) {
    if (p >= end || shift > 63) return Number.NaN;
    byte = bytes[p++]!;
    const bits = byte & 127;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >>> 4;
    } else if (shift === 63) {
      if (bits > 1) return Number.NaN;
      high |= bits << 31;
    } else high |= bits << (shift - 32);
  }
  halves[0] = low;
  halves[1] = high;
  return p;
}
