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
    if (this.position >= end) throw notPassable('encoding');
    const first = this.bytes[this.position++]!;
    return first < 0x80 ? first : this.longer(first, this.position, end);
  }

  /**
   * A number below 2^31 of which `first`, the byte before `position`, is not the last. Loops over many entries read that byte
   * themselves and keep their place in a variable: the walk's own position, which this moves, costs a store and a load each time.
   */
  longer(first: number, position: number, end: number): number {
    if (position < end) {
      const next = this.bytes[position]!;
      if (next < 0x80) {
        this.position = position + 1;
        return (first & 0x7f) | (next << 7);
      }
    }
    return this.#longest(first, position, end);
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
    this.position = this.wordsAt(this.position, end);
  }

  /** Reads the 64 bits at `position` into `low` and `high`; returns the position behind them. */
  wordsAt(position: number, end: number): number {
    const { bytes } = this;
    let behind = position;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (behind >= end) throw notPassable('encoding');
      const byte = bytes[behind++]!;
      low |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      this.low = low;
      this.high = 0;
      return behind;
    }
    return this.#longWords(low, behind, end);
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

  #longest(first: number, position: number, end: number): number {
    const { bytes } = this;
    let value = first & 0x7f;
    for (let shift = 7, at = position; shift < 35 && at < end; shift += 7) {
      const byte = bytes[at++]!;
      if (shift === 28 && byte > 0x07) throw notPassable('reference');
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      this.position = at;
      return value;
    }
    throw notPassable('encoding');
  }

  /** The rest of 64 bits behind four bytes. */
  #longWords(lowest: number, position: number, end: number): number {
    const { bytes } = this;
    let low = lowest;
    let high = 0;
    for (let shift = 28, at = position; shift < 70 && at < end; shift += 7) {
      const byte = bytes[at++]!;
      if (shift === 28) {
        low |= byte << 28;
        high = (byte & 0x7f) >>> 4;
      } else high |= (byte & 0x7f) << (shift - 32);
      if (byte >= 0x80) continue;
      if (shift === 63 && byte > 1) break;
      this.low = low;
      this.high = high;
      return at;
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
