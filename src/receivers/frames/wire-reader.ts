import { isUtf8 } from 'node:buffer';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { uint64Of } from '../../support/halves.ts';
import {
  endOfVarint,
  longVarint,
  readVarint64,
  skipValue,
  tooLarge,
  truncated,
  wireTypes,
  wrongWireType,
} from './wire.ts';

/** A longer text is no name of anything. */
const mostStringBytes = 65_535;

/**
 * Reads the messages that a batch has few of. Used as
 * `reader.open(…); while (reader.next()) switch (reader.field) { case 1: a = reader.uint32('a'); break; … default: reader.skip(); }`.
 * All methods throw `InvalidMessage` with the path of the field when the bytes are not what is asked for.
 */
export class WireReader {
  /** Number of the field that `next` has found. */
  field = 0;
  readonly repairs: TextRepairs = new TextRepairs();
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #nested: string[] = [];
  #list = '';
  #index = -1;
  #position = 0;
  #end = 0;
  #wireType = 0;

  /** `view` is of the same bytes. */
  constructor(bytes: Buffer, view: DataView) {
    this.#bytes = bytes;
    this.#view = view;
  }

  /** Goes to entry `index` of the batch's `list`, or to a message that is no list with index -1. */
  open(list: string, index: number, start: number, end: number): void {
    this.#list = list;
    this.#index = index;
    this.#position = start;
    this.#end = end;
    this.#nested.length = 0;
  }

  /** Moves to the next field and sets `field` to its number; false at the end of the message. */
  next(): boolean {
    if (this.#position >= this.#end) return false;
    const tag = this.#varint('');
    if (tag > 0xffffffff) throw tooLarge(this.path(''));
    this.field = Math.floor(tag / 8);
    this.#wireType = tag & 7;
    if (this.field === 0) {
      throw new InvalidMessage(this.path(''), 'field number 0', 'send messages of framekeeper/frames/v1/frames.proto');
    }
    return true;
  }

  skip(): void {
    this.#position = skipValue(this.#bytes, this.#position, this.#end, this.#wireType, this.path(''));
  }

  uint32(name: string): number {
    this.#expect(wireTypes.varint, name);
    const value = this.#varint(name);
    if (value > 0xffffffff) throw tooLarge(this.path(name));
    return value;
  }

  /** An enumeration's number or a truth value: any varint, inexact beyond 2^53. */
  integer(name: string): number {
    this.#expect(wireTypes.varint, name);
    return this.#varint(name);
  }

  uint64(name: string): bigint {
    this.#expect(wireTypes.varint, name);
    const next = readVarint64(this.#bytes, this.#position, this.#end, varintHalves);
    if (Number.isNaN(next)) throw truncated(this.path(name));
    this.#position = next;
    return uint64Of(varintHalves[1]!, varintHalves[0]!);
  }

  fixed64(name: string): bigint {
    this.#expect(wireTypes.fixed64, name);
    if (this.#position + 8 > this.#end) throw truncated(this.path(name));
    const value = this.#view.getBigUint64(this.#position, true);
    this.#position += 8;
    return value;
  }

  /** The same as halves, which take no memory: low, high. */
  fixed64Halves(name: string, halves: Uint32Array): void {
    this.#expect(wireTypes.fixed64, name);
    if (this.#position + 8 > this.#end) throw truncated(this.path(name));
    halves[0] = this.#view.getUint32(this.#position, true);
    halves[1] = this.#view.getUint32(this.#position + 4, true);
    this.#position += 8;
  }

  /** The bytes of the message, not a copy. */
  bytes(name: string): Buffer {
    const end = this.#endOfBytes(name);
    const value = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return value;
  }

  string(name: string): string {
    const end = this.#endOfBytes(name);
    const text = readString(this.#bytes, this.#position, end, this.repairs);
    this.#position = end;
    return text;
  }

  /** Goes into the nested message `name`, and returns what `leave` needs to come back. */
  enter(name: string): number {
    const end = this.#endOfBytes(name);
    const outerEnd = this.#end;
    this.#end = end;
    this.#nested.push(name);
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.#position = this.#end;
    this.#end = outerEnd;
    this.#nested.pop();
  }

  /** `batch.processes[2].labels[0].key`; the last part is left out when `name` is empty. */
  path(name: string): string {
    const entry = `batch.${this.#list}${this.#index < 0 ? '' : `[${this.#index}]`}`;
    return [entry, ...this.#nested, ...(name === '' ? [] : [name])].join('.');
  }

  #expect(wireType: number, name: string): void {
    if (this.#wireType !== wireType) throw wrongWireType(this.path(name), this.#wireType);
  }

  #varint(name: string): number {
    const value = longVarint(this.#bytes, this.#position, this.#end);
    if (Number.isNaN(value)) throw truncated(this.path(name));
    this.#position = endOfVarint(this.#bytes, this.#position);
    return value;
  }

  /** Moves to the start of the bytes and returns their end. */
  #endOfBytes(name: string): number {
    this.#expect(wireTypes.bytes, name);
    const size = this.#varint(name);
    const end = this.#position + size;
    if (end > this.#end) throw truncated(this.path(name));
    return end;
  }
}

const varintHalves = new Uint32Array(2);
const replacement = '\ufffd';

/** Texts of one batch that are not as they were sent. */
export class TextRepairs {
  /** Texts that were not UTF-8: each wrong byte became U+FFFD. */
  mendedCount = 0;
  /** Texts of more than 65,535 bytes, which lost their ends. */
  cutCount = 0;
}

/** The text of bytes `start..end`, as far as it is UTF-8 and not too long; `repairs` counts what it was not. */
export function readString(bytes: Buffer, start: number, end: number, repairs: TextRepairs): string {
  let stop = end;
  if (end - start > mostStringBytes) {
    stop = start + mostStringBytes;
    // Not inside of a character.
    while (stop > start && (bytes[stop]! & 0xc0) === 0x80) stop--;
    repairs.cutCount++;
  }
  const text = bytes.toString('utf8', start, stop);
  // Only a decoder that met a fault, or a text that has the character itself, gives a replacement character.
  if (text.includes(replacement) && !isUtf8(bytes.subarray(start, stop))) repairs.mendedCount++;
  return text;
}
