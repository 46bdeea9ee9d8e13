// hot
import { noBytes } from '../profiles-data.ts';
import { notPassable } from './not-passable.ts';

/**
 * A position in protobuf that was scanned, or that our encoder wrote: field numbers are below 16, lists are packed, and indices are not
 * negative. `end` is where the message at hand ends, and lies within the bytes; no method moves the position behind it.
 */
export class ByteWalk {
  bytes: Uint8Array = noBytes;
  view: DataView = new DataView(noBytes.buffer);
  position = 0;

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
    return first < 0x80 ? first : this.#longer(first, end);
  }

  /** The end of a length-delimited field whose length begins here. */
  fieldEnd(end: number): number {
    const sizeBytes = this.index(end);
    const fieldEnd = this.position + sizeBytes;
    if (fieldEnd > end) throw notPassable('encoding');
    return fieldEnd;
  }

  /** Passes over a varint. */
  skipVarint(end: number): void {
    const { bytes } = this;
    while (this.position < end) if (bytes[this.position++]! < 0x80) return;
    throw notPassable('encoding');
  }

  /** Passes over `sizeBytes`. */
  skip(sizeBytes: number, end: number): void {
    this.position += sizeBytes;
    if (this.position > end) throw notPassable('encoding');
  }

  #longer(first: number, end: number): number {
    const { bytes } = this;
    let value = first & 0x7f;
    for (let shift = 7; shift < 35 && this.position < end; shift += 7) {
      const byte = bytes[this.position++]!;
      if (shift === 28 && byte > 0x07) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw notPassable('encoding');
  }
}
