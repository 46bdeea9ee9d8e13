// hot
import { isUtf8 } from 'node:buffer';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { append, noBytes, noElements } from '../profiles-data.ts';
import type { StringColumns } from '../string-columns.ts';

/**
 * Reads protobuf that somebody else wrote. No length and no end is taken on trust: every fault is an `InvalidMessage` with the
 * path of the message, the number of the field and the position of the byte. `context` is what readers of fields
 * need besides the bytes.
 */
export class ProtobufReader<Context> {
  readonly context: Context;
  /** Texts that were not UTF-8: each wrong byte became U+FFFD. */
  mendedTexts = 0;
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #position = 0;
  #end: number;
  #tag = 0;
  #depth = 0;
  // Halves of the last varint.
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, context: Context) {
    this.context = context;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** Field number and wire type of the next field of this message (`number << 3 | type`); 0 at its end. */
  nextTag(): number {
    if (this.#position === this.#end) return 0;
    const byte = this.#bytes[this.#position]!;
    if (byte > 0x07 && byte < 0x80) {
      this.#position++;
      this.#tag = byte;
      return byte;
    }
    this.#tag = 0;
    this.#varint();
    if (this.#high !== 0) throw this.#fault('has a field number beyond 29 bits');
    if (this.#low >>> 3 === 0) throw this.#fault('has field number 0');
    this.#tag = this.#low >>> 0;
    return this.#tag;
  }

  /** Passes over the value of a field that the schema does not know, or knows with another wire type. */
  skip(): void {
    this.#skip(this.#tag, 0);
  }

  /** Reads a nested message into `draft`; what an earlier occurrence of the field wrote stays, as protobuf merges. */
  message<Draft>(name: string, draft: Draft, read: (reader: this, draft: Draft) => void, index = -1): void {
    const end = this.#enter();
    try {
      read(this, draft);
    } catch (error) {
      if (!(error instanceof InvalidMessage)) throw error;
      throw error.within(index < 0 ? name : `${name}[${index}]`);
    }
    this.#leave(end);
  }

  /** Reads a nested message into `draft` and gives the list with it at its end. */
  element<T, Draft extends T>(
    name: string,
    list: readonly T[],
    draft: Draft,
    read: (reader: this, draft: Draft) => void,
  ): readonly T[] {
    this.message(name, draft, read, list.length);
    return append(list, draft);
  }

  int32(): number {
    const byte = this.#bytes[this.#position]!;
    if (byte < 0x80 && this.#position < this.#end) {
      this.#position++;
      return byte;
    }
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  int64(): bigint {
    this.#varint();
    if (this.#high === 0) return smallIntegers[this.#low] ?? BigInt(this.#low >>> 0);
    return this.#scratch().getBigInt64(0, true);
  }

  uint64(): bigint {
    this.#varint();
    if (this.#high === 0) return smallIntegers[this.#low] ?? BigInt(this.#low >>> 0);
    return this.#scratch().getBigUint64(0, true);
  }

  fixed64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** Reads a varint, whose halves `low` and `high` have afterwards. */
  int64Words(): void {
    this.#varint();
  }

  /** Reads eight bytes, whose halves `low` and `high` have afterwards. */
  fixed64Words(): void {
    const start = this.#take(8);
    this.#low = this.#view.getInt32(start, true);
    this.#high = this.#view.getInt32(start + 4, true);
  }

  /** Lower 32 bits, signed, of the last number of 64 bits. */
  get low(): number {
    return this.#low;
  }

  /** Upper 32 bits, signed. */
  get high(): number {
    return this.#high;
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  text(): string {
    const sizeBytes = this.#length();
    const start = this.#take(sizeBytes);
    const text = this.#buffer.toString('utf8', start, this.#position);
    // The decoder puts U+FFFD where bytes are wrong; a sender may also mean that character.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, this.#position))) this.mendedTexts++;
    return text;
  }

  /** Reads a text into columns over the bytes that are read: as its place in them, unless it is no UTF-8. */
  textInto(columns: StringColumns): void {
    const sizeBytes = this.#length();
    const start = this.#take(sizeBytes);
    if (columns.addPlace(start, this.#position) || isUtf8(this.#bytes.subarray(start, this.#position))) return;
    columns.removeLast();
    columns.add(this.#buffer.toString('utf8', start, this.#position));
    this.mendedTexts++;
  }

  /** A copy: what is kept of a message must not keep the whole message. */
  bytes(): Uint8Array {
    const sizeBytes = this.#length();
    if (sizeBytes === 0) return noBytes;
    const start = this.#take(sizeBytes);
    return this.#bytes.slice(start, this.#position);
  }

  packedInt32(list: readonly number[]): readonly number[] {
    const end = this.#enter();
    const values = list === noElements ? [] : (list as number[]);
    while (this.#position < this.#end) values.push(this.int32());
    this.#leave(end);
    return values;
  }

  /** Reads a packed list, one element a call of `read`. */
  packed<Target>(target: Target, read: (reader: this, target: Target) => void): void {
    const end = this.#enter();
    while (this.#position < this.#end) read(this, target);
    this.#leave(end);
  }

  packedInt64(list: readonly bigint[]): readonly bigint[] {
    const end = this.#enter();
    const values = list === noElements ? [] : (list as bigint[]);
    while (this.#position < this.#end) values.push(this.int64());
    this.#leave(end);
    return values;
  }

  /** Begins a length-delimited field; returns the end of the message around it. */
  #enter(): number {
    const sizeBytes = this.#length();
    if (sizeBytes > this.#end - this.#position) throw this.#fault(`has length ${sizeBytes} beyond its message`);
    if (++this.#depth > maxDepth) throw this.#fault(`is nested deeper than ${maxDepth} messages`);
    const end = this.#end;
    this.#end = this.#position + sizeBytes;
    return end;
  }

  #leave(end: number): void {
    this.#end = end;
    this.#depth--;
  }

  #length(): number {
    this.#varint();
    if (this.#high !== 0) throw this.#fault('has a length beyond 32 bits');
    return this.#low >>> 0;
  }

  /** Moves on by `sizeBytes`; returns where they begin. */
  #take(sizeBytes: number): number {
    const start = this.#position;
    if (sizeBytes > this.#end - start) throw this.#fault(`has length ${sizeBytes} beyond its message`);
    this.#position = start + sizeBytes;
    return start;
  }

  #skip(tag: number, depth: number): void {
    const type = tag & 7;
    if (type === 0) this.#varint();
    else if (type === 1) this.#take(8);
    else if (type === 2) this.#take(this.#length());
    else if (type === 3) this.#skipGroup(tag >>> 3, depth + 1);
    else if (type === 5) this.#take(4);
    else throw this.#fault(`has wire type ${type}, which does not begin a field`);
  }

  #skipGroup(number: number, depth: number): void {
    if (depth > maxDepth) throw this.#fault(`is nested deeper than ${maxDepth} groups`);
    for (let tag = this.nextTag(); tag !== 0; tag = this.nextTag()) {
      if ((tag & 7) !== 4) this.#skip(tag, depth);
      else if (tag >>> 3 === number) return;
      else throw this.#fault(`ends group ${tag >>> 3} inside group ${number}`);
    }
    throw this.#fault('begins a group that does not end');
  }

  #varint(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let position = this.#position;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= end) throw this.#fault('ends inside a number');
      const byte = bytes[position++]!;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift > 28) high |= (byte & 0x7f) << (shift - 32);
      else {
        low |= byte << 28;
        high = (byte & 0x7f) >>> 4;
      }
      if (byte < 0x80) {
        this.#position = position;
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw this.#fault('has a number of more than 10 bytes');
  }

  /** Puts a bigint together without bigint arithmetic. */
  #scratch(): DataView {
    scratch.setInt32(0, this.#low, true);
    scratch.setInt32(4, this.#high, true);
    return scratch;
  }

  #fault(problem: string): InvalidMessage {
    return new InvalidMessage(this.#tag === 0 ? '' : `field ${this.#tag >>> 3}`, `${problem} (byte ${this.#position})`);
  }
}

// The bound of protobuf's own implementations.
const maxDepth = 100;

/** Counts, lines and columns: worth not allocating again and again. */
const smallIntegers: readonly bigint[] = Array.from({ length: 1024 }, (_, index) => BigInt(index));

const scratch = new DataView(new ArrayBuffer(8));
