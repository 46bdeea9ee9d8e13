// hot
import { errorCodes, Http2Fault } from './frames.ts';
import type { HeaderFault } from './header-rules.ts';
import { isPseudo, isSoundField, joined } from './header-rules.ts';
import type { HeaderField } from './header-table.ts';
import { defaultTableBytes, HeaderTable, sizeOf } from './header-table.ts';
import { decodeHuffman } from './huffman.ts';

/** Headers by their names, in lower case. Values of one name that came several times are joined by commas. */
export type Headers = Readonly<Record<string, string>>;

// Forms of a field (RFC 7541, 6).
const indexed = 0x80;
const added = 0x40;
const sizeUpdate = 0x20;
const neverIndexed = 0x10;

/** Headers to send, in this order behind those of the protocol (`:path`); several values are several fields. */
export type OutgoingHeaders = Readonly<Record<string, string | readonly string[]>>;

/** Names of headers whose values must not stay in a table. */
const secretNames: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Of one block, decoded: a request says who calls what, and a receiver tells a status, which is a line or two. */
export const maxDecodedBytes: number = 65_536;

/** Writes header blocks of one connection (RFC 7541). Texts are not Huffman-coded: those that come again are a byte. */
export class HeaderEncoder {
  readonly #table = new HeaderTable(true);
  /** The smallest size that was set since the last block; `undefined` where none was. */
  #smallestBytes: number | undefined;

  /** The peer decodes with a table of `maxBytes` from now on. */
  setMaxBytes(maxBytes: number): void {
    const allowed = Math.min(maxBytes, defaultTableBytes);
    if (allowed === this.#table.maxBytes) return;
    this.#smallestBytes = Math.min(this.#smallestBytes ?? allowed, allowed);
    this.#table.setMaxBytes(allowed);
  }

  /** The block of `headers`, behind `before` bytes that are left free. */
  encode(headers: OutgoingHeaders, before: number): Buffer {
    let mostBytes = before + mostNumbersBytes;
    for (const name in headers) mostBytes += mostBytesOf(name, headers[name]!);
    const block = Buffer.allocUnsafe(mostBytes);
    let at = this.#writeSizes(block, before);
    // Objects have keys of digits before all others, and fields of the protocol come first (RFC 9113, 8.3).
    for (const name in headers) if (isPseudo(name)) at = this.#writeValues(block, at, name, headers[name]!);
    for (const name in headers) if (!isPseudo(name)) at = this.#writeValues(block, at, name, headers[name]!);
    return block.subarray(0, at);
  }

  #writeValues(block: Buffer, at: number, name: string, values: string | readonly string[]): number {
    if (typeof values === 'string') return this.#writeField(block, at, name, values);
    return values.reduce((end, value) => this.#writeField(block, end, name, value), at);
  }

  #writeSizes(block: Buffer, at: number): number {
    const smallest = this.#smallestBytes;
    if (smallest === undefined) return at;
    this.#smallestBytes = undefined;
    const last = this.#table.maxBytes;
    const end = smallest < last ? writeNumber(block, at, sizeUpdate, 5, smallest) : at;
    return writeNumber(block, end, sizeUpdate, 5, last);
  }

  #writeField(block: Buffer, at: number, name: string, value: string): number {
    const table = this.#table;
    const isSecret = secretNames.has(name);
    const index = isSecret ? 0 : table.find(name, value);
    if (index > 0) return writeNumber(block, at, indexed, 7, index);
    const nameIndex = table.findName(name);
    const field = { name, value };
    // A field that fills much of the table would drive out those that come again.
    const isKept = !isSecret && 4 * sizeOf(field) <= table.maxBytes;
    let end = isKept
      ? writeNumber(block, at, added, 6, nameIndex)
      : writeNumber(block, at, isSecret ? neverIndexed : 0, 4, nameIndex);
    if (nameIndex === 0) end = writeText(block, end, name);
    end = writeText(block, end, value);
    if (isKept) table.add(field);
    return end;
  }
}

/** Reads header blocks of one connection, in their order. */
export class HeaderDecoder {
  readonly #table = new HeaderTable(false);
  #block: Buffer = Buffer.alloc(0);
  #at = 0;
  #decodedBytes = 0;
  #hasRegular = false;
  #fault: HeaderFault | undefined;

  /** Rule that the last block breaks, for whom that matters. */
  get fault(): HeaderFault | undefined {
    return this.#fault;
  }

  /** Headers up to the first fault; all of the block goes into the table. @throws Http2Fault for a block that cannot be read */
  decode(block: Buffer): Headers {
    const headers: Record<string, string> = Object.create(null);
    this.#decodedBytes = 0;
    this.#hasRegular = false;
    this.#fault = undefined;
    this.#block = block;
    this.#at = 0;
    while (this.#at < block.length) {
      const field = this.#readField(block[this.#at]!);
      if (field !== undefined) this.#take(field, headers);
    }
    return headers;
  }

  #take(field: HeaderField, headers: Record<string, string>): void {
    const { name, value } = field;
    this.#decodedBytes += sizeOf(field);
    if (this.#decodedBytes > maxDecodedBytes) {
      this.#fault = 'too_large';
      return;
    }
    if (field.isBad || (this.#hasRegular && isPseudo(name))) this.#fault ??= 'malformed';
    this.#hasRegular ||= !isPseudo(name);
    const known = headers[name];
    const whole = known === undefined ? value : joined(name, known, value);
    if (whole === undefined) this.#fault ??= 'malformed';
    else headers[name] = whole;
  }

  /** `undefined` for a change of the table's size. */
  #readField(first: number): HeaderField | undefined {
    if ((first & indexed) !== 0) return this.#fieldAt(this.#readNumber(7));
    if ((first & added) === 0 && (first & sizeUpdate) !== 0) {
      const maxBytes = this.#readNumber(5);
      // Before the first field alone (RFC 7541, 4.2).
      if (maxBytes > defaultTableBytes || this.#decodedBytes > 0) throw unreadable();
      this.#table.setMaxBytes(maxBytes);
      return undefined;
    }
    const isAdded = (first & added) !== 0;
    const index = this.#readNumber(isAdded ? 6 : 4);
    const name = index === 0 ? this.#readText() : this.#fieldAt(index).name;
    const value = this.#readText();
    // Told once of a field that comes again.
    const field: HeaderField = isSoundField(name, value) ? { name, value } : { name, value, isBad: true };
    if (isAdded) this.#table.add(field);
    return field;
  }

  #fieldAt(index: number): HeaderField {
    const field = this.#table.at(index);
    if (field === undefined) throw unreadable();
    return field;
  }

  #readText(): string {
    const isCoded = (this.#block[this.#at]! & 0x80) !== 0;
    const size = this.#readNumber(7);
    const start = this.#at;
    const end = start + size;
    if (end > this.#block.length) throw unreadable();
    this.#at = end;
    return isCoded ? decodeHuffman(this.#block.subarray(start, end)) : this.#block.toString('latin1', start, end);
  }

  /** A number in the last `bits` of the next byte, and in those after it (RFC 7541, 5.1). */
  #readNumber(bits: number): number {
    const block = this.#block;
    const most = (1 << bits) - 1;
    let value = block[this.#at++]! & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = block[this.#at++];
      if (byte === undefined) throw unreadable();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw unreadable();
  }
}

/** Of an index and the lengths of two texts. */
const mostNumbersBytes = 16;

function mostBytesOf(name: string, value: string | readonly string[]): number {
  if (typeof value === 'string') return name.length + value.length + mostNumbersBytes;
  return value.reduce((sum, one) => sum + mostBytesOf(name, one), 0);
}

function writeNumber(target: Buffer, at: number, form: number, bits: number, value: number): number {
  const most = (1 << bits) - 1;
  let end = at;
  if (value < most) {
    target[end++] = form | value;
    return end;
  }
  target[end++] = form | most;
  let rest = value - most;
  for (; rest >= 0x80; rest >>>= 7) target[end++] = (rest & 0x7f) | 0x80;
  target[end++] = rest;
  return end;
}

function writeText(target: Buffer, at: number, text: string): number {
  const start = writeNumber(target, at, 0, 7, text.length);
  return start + target.write(text, start, 'latin1');
}

function unreadable(): Http2Fault {
  return new Http2Fault(errorCodes.COMPRESSION_ERROR, 'headers cannot be read');
}
