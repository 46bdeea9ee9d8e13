// hot

import { endianness } from 'node:os';
import { gatherBytes } from '../../support/gather-bytes.ts';
import type { Steps } from '../../support/steps.ts';

/**
 * Writes protobuf from the last byte to the first: the length of a message is known when its head is written, so nothing
 * is measured beforehand or moved afterwards. Callers write the fields of a message, and the elements of a list, in
 * reverse. Methods leave out the zero value, as proto3 does; those that begin with `explicit` write it.
 * Integers outside 64 (32) bits lose their upper bits.
 */
export class ProtobufWriter {
  #buffer: Buffer;
  #view: DataView;
  #position: number;

  /** `capacityBytes` is a guess; the buffer doubles when it is too small. */
  constructor(capacityBytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(capacityBytes, 64));
    this.#view = viewOf(this.#buffer);
    this.#position = this.#buffer.length;
  }

  /** Number of bytes written so far: the mark to take before the last field of a message, and to give to `message`. */
  get length(): number {
    return this.#buffer.length - this.#position;
  }

  /** The bytes written. A request may wait in a queue for long, so at most a quarter of the memory that it holds is unused. */
  finish(): Uint8Array {
    const { buffer, byteOffset, length } = this.#buffer.subarray(this.#position);
    const bytes = new Uint8Array(buffer, byteOffset, length);
    return 4 * this.#position <= buffer.byteLength ? bytes : bytes.slice();
  }

  /** The same; what has to be copied for it is copied in steps. */
  *finishInSteps(): Steps<Uint8Array> {
    const bytes = this.#buffer.subarray(this.#position);
    if (4 * this.#position <= this.#buffer.length) return this.finish();
    return new Uint8Array((yield* gatherBytes([bytes])).buffer);
  }

  /** The bytes written, as a text of one character a byte: a key by which equal messages are found. */
  latin1(): string {
    return this.#buffer.toString('latin1', this.#position);
  }

  /** Forgets what was written since `mark`: to measure a message is to write it and to go back. */
  rewind(mark: number): void {
    this.#position = this.#buffer.length - mark;
  }

  /** Puts the head of a message in front of all that was written since `mark`; an empty message is written too. Only here `field` may exceed 15. */
  message(field: number, mark: number): void {
    this.#varint32(this.length - mark);
    this.#varint32((field << 3) | lengthDelimited);
  }

  /** Messages of a repeated field, each written by `write`: the last one first. */
  messages<Entry>(field: number, entries: readonly Entry[], write: (entry: Entry) => void): void {
    for (let i = entries.length - 1; i >= 0; i--) {
      const mark = this.length;
      write(entries[i]!);
      this.message(field, mark);
    }
  }

  int32(field: number, value: number): void {
    if (value === 0) return;
    if (value < 0) this.#varint64(value >>> 0, 0xffffffff);
    else this.#varint32(value);
    this.#byte(field << 3);
  }

  uint32(field: number, value: number): void {
    if (value === 0) return;
    this.#varint32(value >>> 0);
    this.#byte(field << 3);
  }

  /** Signed or unsigned: the bits are the same. */
  int64(field: number, value: bigint): void {
    scratch.setBigInt64(0, value, true);
    const low = scratch.getUint32(0, true);
    const high = scratch.getUint32(4, true);
    if (low === 0 && high === 0) return;
    this.#varint64(low, high);
    this.#byte(field << 3);
  }

  /** The same of its halves, signed or unsigned. */
  int64Words(field: number, low: number, high: number): void {
    if (high === 0) {
      if (low === 0) return;
      this.#varint32(low >>> 0);
    } else this.#varint64(low >>> 0, high >>> 0);
    this.#byte(field << 3);
  }

  fixed64(field: number, value: bigint): void {
    scratch.setBigInt64(0, value, true);
    if (scratch.getUint32(0, true) === 0 && scratch.getUint32(4, true) === 0) return;
    this.#fixed64(value);
    this.#byte((field << 3) | fixed64Bits);
  }

  text(field: number, value: string): void {
    if (value.length > 0) this.explicitText(field, value);
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.explicitBytes(field, value);
  }

  packedInt32(field: number, values: ArrayLike<number>, start = 0, end: number = values.length): void {
    if (start === end) return;
    const mark = this.length;
    for (let i = end - 1; i >= start; i--) {
      const value = values[i]!;
      if (value < 0) this.#varint64(value >>> 0, 0xffffffff);
      else this.#varint32(value);
    }
    this.message(field, mark);
  }

  packedInt64(field: number, values: readonly bigint[]): void {
    if (values.length === 0) return;
    const mark = this.length;
    for (let i = values.length - 1; i >= 0; i--) {
      scratch.setBigInt64(0, values[i]!, true);
      this.#varint64(scratch.getUint32(0, true), scratch.getUint32(4, true));
    }
    this.message(field, mark);
  }

  packedFixed64(field: number, values: readonly bigint[]): void {
    if (values.length === 0) return;
    const mark = this.length;
    for (let i = values.length - 1; i >= 0; i--) this.#fixed64(values[i]!);
    this.message(field, mark);
  }

  /** The 64-bit integers `start .. end` of a column, each the two words of its lower and upper half. */
  packedInt64Words(field: number, words: Uint32Array, start: number, end: number): void {
    if (start === end) return;
    const mark = this.length;
    for (let i = end - 1; i >= start; i--) this.#varint64(words[2 * i]!, words[2 * i + 1]!);
    this.message(field, mark);
  }

  /** The same as eight bytes each. */
  packedFixed64Words(field: number, words: Uint32Array, start: number, end: number): void {
    if (start === end) return;
    const sizeBytes = 8 * (end - start);
    this.#reserve(sizeBytes);
    this.#position -= sizeBytes;
    if (isLittleEndian && sizeBytes >= copiedBytes) {
      this.#buffer.set(new Uint8Array(words.buffer, words.byteOffset + 8 * start, sizeBytes), this.#position);
    } else {
      const view = this.#view;
      for (let i = 2 * start, at = this.#position; i < 2 * end; i++, at += 4) view.setUint32(at, words[i]!, true);
    }
    this.#varint32(sizeBytes);
    this.#varint32((field << 3) | lengthDelimited);
  }

  /** A lone surrogate becomes U+FFFD: what is written is always valid UTF-8. */
  explicitText(field: number, value: string): void {
    const mark = this.length;
    if (value.length > shortTextLength || !this.#ascii(value)) {
      const sizeBytes = Buffer.byteLength(value);
      this.#reserve(sizeBytes);
      this.#position -= sizeBytes;
      this.#buffer.write(value, this.#position, sizeBytes, 'utf8');
    }
    this.message(field, mark);
  }

  explicitBytes(field: number, value: Uint8Array): void {
    const mark = this.length;
    this.copy(value);
    this.message(field, mark);
  }

  /** Bytes `start .. end` of a buffer. */
  explicitBytesOf(field: number, source: Buffer, start: number, end: number): void {
    this.copyOf(source, start, end);
    this.#varint32(end - start);
    this.#varint32((field << 3) | lengthDelimited);
  }

  /** The same without a head: fields that somebody else has written. */
  copyOf(source: Buffer, start: number, end: number): void {
    const sizeBytes = end - start;
    this.#reserve(sizeBytes);
    const to = this.#position - sizeBytes;
    this.#position = to;
    const buffer = this.#buffer;
    if (sizeBytes > shortTextLength) source.copy(buffer, to, start, end);
    else for (let i = 0; i < sizeBytes; i++) buffer[to + i] = source[start + i]!;
  }

  /** Bytes as they are: fields that somebody else has written. */
  copy(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#position -= fields.length;
    this.#buffer.set(fields, this.#position);
  }

  /** The same in steps. */
  *copyInSteps(fields: Uint8Array): Steps<void> {
    for (let end = fields.length; end > 0; end -= bytesACopy) {
      this.copy(fields.subarray(Math.max(0, end - bytesACopy), end));
      if (end > bytesACopy) yield;
    }
  }

  explicitBool(field: number, value: boolean): void {
    this.#byte(value ? 1 : 0);
    this.#byte(field << 3);
  }

  explicitInt64(field: number, value: bigint): void {
    scratch.setBigInt64(0, value, true);
    this.#varint64(scratch.getUint32(0, true), scratch.getUint32(4, true));
    this.#byte(field << 3);
  }

  explicitDouble(field: number, value: number): void {
    this.#reserve(8);
    this.#position -= 8;
    this.#view.setFloat64(this.#position, value, true);
    this.#byte((field << 3) | fixed64Bits);
  }

  /** Writes short text without leaving JavaScript; writes nothing and says `false` when a character needs two bytes. */
  #ascii(value: string): boolean {
    this.#reserve(value.length);
    const buffer = this.#buffer;
    const start = this.#position - value.length;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[start + i] = code;
    }
    this.#position = start;
    return true;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[--this.#position] = value;
  }

  #fixed64(value: bigint): void {
    this.#reserve(8);
    this.#position -= 8;
    this.#view.setBigInt64(this.#position, value, true);
  }

  #varint32(value: number): void {
    if (value < 0x80) {
      this.#byte(value);
    } else if (value < 0x4000) {
      // Most indices and lengths.
      this.#byte(value >>> 7);
      this.#byte((value & 0x7f) | 0x80);
    } else {
      this.#varint64(value, 0);
    }
  }

  /** Two unsigned halves. */
  #varint64(lowHalf: number, highHalf: number): void {
    this.#reserve(10);
    let low = lowHalf;
    let high = highHalf;
    const bits = high === 0 ? 32 - Math.clz32(low | 1) : 64 - Math.clz32(high);
    const sizeBytes = ((bits + 6) / 7) | 0;
    const buffer = this.#buffer;
    let position = this.#position - sizeBytes;
    this.#position = position;
    while (high !== 0 || low > 0x7f) {
      buffer[position++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    buffer[position] = low;
  }

  #reserve(sizeBytes: number): void {
    if (this.#position < sizeBytes) this.#grow(sizeBytes);
  }

  #grow(sizeBytes: number): void {
    const { length } = this;
    const buffer = Buffer.allocUnsafeSlow(2 * (this.#buffer.length + sizeBytes));
    buffer.set(this.#buffer.subarray(this.#position), buffer.length - length);
    this.#position = buffer.length - length;
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
  }
}

/** Some 100 µs, with the page faults of new memory. */
const bytesACopy = 256 * 1024;

const fixed64Bits = 1;
const lengthDelimited = 2;

// A call into the runtime's UTF-8 encoder costs more than a loop over this many characters.
const shortTextLength = 32;

/** Bytes from which on a copy at once is worth the view that it needs. */
const copiedBytes = 256;

/** Order of bytes in a word of this machine; that of protobuf is little-endian. */
const isLittleEndian = endianness() === 'LE';

/** Takes a bigint apart without bigint arithmetic. */
const scratch = new DataView(new ArrayBuffer(8));

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
