// hot
import { noBytes } from '../profiles-data.ts';
import { notPassable } from './not-passable.ts';

/**
 * A position in protobuf whose field numbers are below 16, whose lists are packed, and whose indices are not negative, as every
 * known encoder writes it. Anything else is `NotPassable`: the decoder knows more, and says what is wrong. `end`
 * is where the message at hand ends, and lies within the bytes; no method moves the position behind it.
 */
export class ByteWalk {
  bytes: Uint8Array = noBytes;
  view: DataView = new DataView(noBytes.buffer);
  position = 0;
  /** Halves of the last 64-bit varint, signed: what does not fit a small integer would be an object each time. */
  low = 0;
  high = 0;

  start(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
  }

  /** Number and wire type of the next field (`number << 3 | type`); the message must not have ended. */
  tag(): number {
    return this.bytes[this.position++]!;
  }

  /** A number below 2^31. */
  index(end: number): number {
    const { bytes, position } = this;
    const byte = bytes[position]!;
    if (byte < 0x80 && position < end) {
      this.position = position + 1;
      return byte;
    }
    const next = bytes[position + 1]!;
    if (next < 0x80 && position + 1 < end) {
      this.position = position + 2;
      return (byte & 0x7f) | (next << 7);
    }
    return this.#longIndex(end);
  }

  /** The end of a length-delimited field whose length begins here. */
  fieldEnd(end: number): number {
    const sizeBytes = this.index(end);
    const fieldEnd = this.position + sizeBytes;
    if (fieldEnd > end) throw notPassable('encoding');
    return fieldEnd;
  }

  /** Reads 64 bits into `low` and `high`. */
  words(end: number): void {
    const { bytes } = this;
    let position = this.position;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[position++]!;
      if (position > end) break;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift > 28) high |= (byte & 0x7f) << (shift - 32);
      else {
        low |= byte << 28;
        high = (byte & 0x7f) >>> 4;
      }
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) break;
        this.position = position;
        this.low = low;
        this.high = high;
        return;
      }
    }
    throw notPassable('encoding');
  }

  /** Passes over varints of at most 64 bits up to `end`; returns their number. */
  skipVarints(end: number): number {
    const { bytes } = this;
    let count = 0;
    let size = 0;
    for (let position = this.position; position < end; position++) {
      const byte = bytes[position]!;
      if (byte < 0x80) {
        size = 0;
        count++;
      } else if (++size === 10) throw notPassable('encoding');
    }
    if (size !== 0) throw notPassable('encoding');
    this.position = end;
    return count;
  }

  /** Passes over `sizeBytes`. */
  skip(sizeBytes: number, end: number): void {
    this.position += sizeBytes;
    if (this.position > end) throw notPassable('encoding');
  }

  #longIndex(end: number): number {
    const { bytes } = this;
    let position = this.position;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[position++]!;
      if (position > end) break;
      if (shift === 28 && byte > 0x07) throw notPassable('reference');
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      this.position = position;
      return value;
    }
    throw notPassable('encoding');
  }
}

/**
 * Adds a field to those of its message that were met so far, a bit for each number.
 * @throws NotPassable when it is there already: encoders write it once, and protobuf merges two in ways of its own
 */
export function once(seen: number, tag: number): number {
  const bit = 1 << (tag >>> 3);
  if ((seen & bit) !== 0) throw notPassable('encoding');
  return seen | bit;
}
