// hot
import type { ByteSource } from './byte-source.ts';
import { release, UnreadableBytes } from './byte-source.ts';

/** Longer texts in debug information are damage: the longest C++ names that compilers write have some ten thousand bytes. */
export const maxTextBytes = 65_536;

/**
 * Reads little-endian values one after the other from a source, through a window of fixed size: memory does not grow with
 * the source. Every read checks its bound.
 *
 *     source  ┆........[ window: base … base + limit )..........┆ end
 *                            ↑ base + at: the position
 *
 * @throws UnreadableBytes from every read that would go past the end
 */
export class ByteCursor {
  readonly #source: ByteSource;
  readonly #window: Uint8Array<ArrayBuffer>;
  #base = 0;
  #at = 0;
  #limit = 0;
  #end: number;

  /** `windowBytes`: large for reading in sequence, small for single values here and there. */
  constructor(source: ByteSource, windowBytes = 65_536) {
    this.#source = source;
    this.#window = new Uint8Array(Math.max(16, Math.min(windowBytes, source.sizeBytes)));
    this.#end = source.sizeBytes;
  }

  get position(): number {
    return this.#base + this.#at;
  }

  /** The position after the last byte that may be read. */
  get end(): number {
    return this.#end;
  }

  get isAtEnd(): boolean {
    return this.#base + this.#at >= this.#end;
  }

  /** Goes to a position; nothing at or after `end` is read from then on. */
  seek(position: number, end: number = this.#source.sizeBytes): void {
    if (!(position >= 0 && position <= end && end <= this.#source.sizeBytes)) {
      throw new UnreadableBytes(`position ${position} is outside of [0..${this.#source.sizeBytes}]`);
    }
    this.#end = end;
    if (position >= this.#base && position <= this.#base + this.#limit) {
      this.#at = position - this.#base;
    } else {
      this.#base = position;
      this.#at = 0;
      this.#limit = 0;
    }
    // The window may hold bytes past a new, earlier end.
    if (this.#base + this.#limit > end) this.#limit = end - this.#base;
  }

  skip(count: number): void {
    const position = this.#base + this.#at + count;
    if (!(count >= 0 && position <= this.#end)) throw this.#pastEnd(count);
    if (this.#at + count <= this.#limit) this.#at += count;
    else {
      this.#base = position;
      this.#at = 0;
      this.#limit = 0;
    }
  }

  u8(): number {
    if (this.#at >= this.#limit) this.#fill(1);
    return this.#window[this.#at++]!;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    if (this.#at + 2 > this.#limit) this.#fill(2);
    const at = this.#at;
    this.#at = at + 2;
    return this.#window[at]! | (this.#window[at + 1]! << 8);
  }

  u24(): number {
    const low = this.u16();
    return low | (this.u8() << 16);
  }

  u32(): number {
    if (this.#at + 4 > this.#limit) this.#fill(4);
    const at = this.#at;
    const bytes = this.#window;
    this.#at = at + 4;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** Exact below 2^53; above, close enough to fail every check of a bound. */
  u64(): number {
    const low = this.u32();
    return low + this.u32() * 0x1_0000_0000;
  }

  /** 2, 4 or 8 bytes, or 1. */
  unsigned(sizeBytes: number): number {
    switch (sizeBytes) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 4:
        return this.u32();
      case 8:
        return this.u64();
      default:
        throw new UnreadableBytes(`there are no numbers of ${sizeBytes} bytes`);
    }
  }

  /**
   * An unsigned LEB128 number of at most ten bytes. Those from 2^53 on come as the signed number of the same 64 bits: linkers
   * write differences that wrap (Go 1.26 in range lists), and as addends both mean the same.
   */
  uleb(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 0x80;
    for (let count = 1; count < 7; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    return Number(this.#longLeb(value, false));
  }

  /** A signed LEB128 number of at most ten bytes. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 7; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - scale;
    }
    return Number(this.#longLeb(value, true));
  }

  /** Skips one LEB128 number. */
  skipLeb(): void {
    for (let count = 0; count < 16; count++) if (this.u8() < 0x80) return;
    throw new UnreadableBytes(`the LEB128 number before ${this.position} does not end`);
  }

  /** Bytes up to a zero, which is skipped; as Latin-1 where they are no UTF-8. @throws UnreadableBytes beyond `maxTextBytes` */
  text(): string {
    let text = '';
    for (let left = maxTextBytes; left > 0; ) {
      if (this.#at >= this.#limit) this.#fill(1);
      const zero = this.#window.indexOf(0, this.#at);
      const stop = zero < 0 || zero >= this.#limit ? this.#limit : zero;
      const last = Math.min(stop, this.#at + left);
      text += asLatin1(this.#window, this.#at, last);
      left -= last - this.#at;
      this.#at = last;
      if (last === stop && stop < this.#limit) {
        this.#at++;
        return fromLatin1(text);
      }
    }
    throw new UnreadableBytes(`the text before ${this.position} is longer than ${maxTextBytes} bytes`);
  }

  /** Skips bytes up to a zero and the zero. */
  skipText(): void {
    for (;;) {
      if (this.#at >= this.#limit) this.#fill(1);
      const zero = this.#window.indexOf(0, this.#at);
      if (zero >= 0 && zero < this.#limit) {
        this.#at = zero + 1;
        return;
      }
      this.#at = this.#limit;
    }
  }

  /** A copy of the next bytes; the caller has a bound for their number. */
  bytes(count: number): Uint8Array {
    if (!(this.position + count <= this.#end)) throw this.#pastEnd(count);
    const copy = new Uint8Array(count);
    this.#source.read(copy, this.position);
    this.skip(count);
    return copy;
  }

  /** The rest of a LEB128 number whose first seven bytes said `low`. */
  #longLeb(low: number, isSigned: boolean): bigint {
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      const hasSign = isSigned && (byte & 0x40) !== 0 && shift < 57n;
      return BigInt.asIntN(64, hasSign ? value - (1n << (shift + 7n)) : value);
    }
    throw new UnreadableBytes(`the LEB128 number before ${this.position} does not end`);
  }

  /** Gives the window back. Nothing may be read from then on. */
  close(): void {
    release(this.#window);
    this.#limit = 0;
    this.#at = 0;
    this.#end = 0;
    this.#base = 0;
  }

  /** Moves the window so that it begins at the position and holds at least `count` bytes. */
  #fill(count: number): void {
    const position = this.#base + this.#at;
    const available = this.#end - position;
    if (available < count) throw this.#pastEnd(count);
    const size = Math.min(this.#window.length, available);
    this.#limit = 0;
    this.#source.read(size === this.#window.length ? this.#window : this.#window.subarray(0, size), position);
    this.#base = position;
    this.#at = 0;
    this.#limit = size;
  }

  #pastEnd(count: number): UnreadableBytes {
    return new UnreadableBytes(`${count} bytes at ${this.position} go past the end, ${this.#end}`);
  }
}

function asLatin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** Texts are decoded as a whole: a window may end within a character. */
function fromLatin1(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x80) continue;
    const bytes = Buffer.from(text, 'latin1');
    const decoded = bytes.toString('utf8');
    return decoded.includes('�') ? text : decoded;
  }
  return text;
}
