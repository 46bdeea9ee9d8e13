// hot
import { grown, withRoom } from '../support/grown-column.ts';
import { mixWord } from '../support/mix-words.ts';
import { tables } from './passable/dictionary-columns.ts';
import { PairHash } from './passable/pair-hash.ts';
import type { Entries } from './profiles-data.ts';
import { eachEntry, noBytes, placeOf } from './profiles-data.ts';

/** Words of a text, and what they are: its place in the bytes, and the hash of its bytes. */
const textWords = 3;
const endAt = 1;
const hashAt = 2;

const noWords = new Int32Array(0);

/**
 * Texts as places in bytes, in UTF-8: those of a message as they lie in it, others in memory of the table. A string is made when
 * somebody asks for it, and kept. Texts are found by a hash of their bytes, which is the same in all tables of this process.
 */
export class StringColumns implements Entries<string> {
  #buffer: Buffer;
  #view: DataView;
  /** True once the bytes belong to the table: it may write behind `#used`. */
  #isOwn = false;
  #used: number;
  #words: Int32Array = noWords;
  #length = 0;
  readonly #texts: (string | undefined)[] = [];

  /** `bytes` is what the places of `addPlace` are in; it must not change. */
  constructor(bytes: Uint8Array = noBytes) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = viewOf(this.#buffer);
    this.#used = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of memory, with the message's. */
  get sizeBytes(): number {
    return this.#buffer.length + this.#words.byteLength;
  }

  /** Bytes of all texts, if they follow one another in order with no more than a head before each. */
  get textBytes(): number {
    return this.#length === 0 ? 0 : this.end(this.#length - 1) - this.start(0);
  }

  /** The bytes in which texts lie, until one is added. */
  get bytes(): Buffer {
    return this.#buffer;
  }

  /** Makes room for as many texts in all, and for bytes of those to come. */
  reserve(texts: number, sizeBytes: number): void {
    this.#words = withRoom(this.#words, textWords * texts);
    if (sizeBytes > 0) this.#allocate(this.#used + sizeBytes);
  }

  start(index: number): number {
    return this.#words[textWords * index]!;
  }

  end(index: number): number {
    return this.#words[textWords * index + endAt]!;
  }

  hash(index: number): number {
    return this.#words[textWords * index + hashAt]!;
  }

  /** Adds a text by its place. Returns whether it is ASCII; any other may be no UTF-8. */
  addPlace(start: number, end: number): boolean {
    hasher.start(tables.string);
    const isAscii = hasher.bytes(this.#buffer, this.#view, start, end);
    this.#push(start, end, mixWord(hasher.a, hasher.b));
    return isAscii;
  }

  /** Adds a text of the message by its place, with the hash that `addPlace` would make. */
  addHashed(start: number, end: number, hash: number): void {
    this.#push(start, end, hash);
  }

  /** A lone surrogate becomes U+FFFD. */
  add(text: string): void {
    const start = this.#used;
    if (text.length > shortTextLength || !this.#writeAscii(text)) {
      this.#reserve(Buffer.byteLength(text));
      this.#used += this.#buffer.write(text, start, 'utf8');
    }
    this.addPlace(start, this.#used);
  }

  /** Adds a text of another table. */
  addFrom(source: StringColumns, index: number): void {
    const start = source.start(index);
    const sizeBytes = source.end(index) - start;
    this.#reserve(sizeBytes);
    const own = this.#used;
    copyBytes(source.#buffer, start, this.#buffer, own, sizeBytes);
    this.#used += sizeBytes;
    this.#push(own, this.#used, source.hash(index));
  }

  /** Forgets the last text, and the memory that it took behind all others. */
  removeLast(): void {
    const index = --this.#length;
    if (this.#isOwn && this.end(index) === this.#used) this.#used = this.start(index);
    if (this.#texts.length > index) this.#texts.length = index;
  }

  /** True when a text has the same bytes as one of `source`. */
  equals(index: number, source: StringColumns, other: number): boolean {
    const start = this.start(index);
    const otherStart = source.start(other);
    const sizeBytes = this.end(index) - start;
    if (sizeBytes !== source.end(other) - otherStart) return false;
    const [view, otherView] = [this.#view, source.#view];
    let i = 0;
    for (; i + 4 <= sizeBytes; i += 4) {
      if (view.getInt32(start + i, true) !== otherView.getInt32(otherStart + i, true)) return false;
    }
    for (; i < sizeBytes; i++) if (this.#buffer[start + i] !== source.#buffer[otherStart + i]) return false;
    return true;
  }

  at(index: number): string | undefined {
    const place = placeOf(this, index);
    return place < 0 ? undefined : this.text(place);
  }

  /** The text at an index that is there. */
  text(index: number): string {
    let text = this.#texts[index];
    if (text === undefined) {
      text = this.#buffer.toString('utf8', this.start(index), this.end(index));
      this.#texts[index] = text;
    }
    return text;
  }

  [Symbol.iterator](): Generator<string, void, undefined> {
    return eachEntry(this.#length, (index) => this.text(index));
  }

  entries(): Generator<[number, string], void, undefined> {
    return eachEntry(this.#length, (index) => [index, this.text(index)]);
  }

  #push(start: number, end: number, hash: number): void {
    const at = textWords * this.#length++;
    if (at + textWords > this.#words.length) this.#words = grown(this.#words, at + textWords);
    const words = this.#words;
    words[at] = start;
    words[at + endAt] = end;
    words[at + hashAt] = hash;
  }

  /** Writes short text without leaving JavaScript; writes nothing and says `false` when a character needs two bytes. */
  #writeAscii(text: string): boolean {
    this.#reserve(text.length);
    const buffer = this.#buffer;
    const start = this.#used;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[start + i] = code;
    }
    this.#used = start + text.length;
    return true;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#used + sizeBytes;
    if (!this.#isOwn || needed > this.#buffer.length) this.#allocate(Math.max(leastBytes, 2 * needed));
  }

  #allocate(sizeBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(sizeBytes);
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
    this.#view = viewOf(larger);
    this.#isOwn = true;
  }
}

/** The texts as columns; a list of strings is copied. */
export function stringColumnsOf(table: Entries<string>): StringColumns {
  if (table instanceof StringColumns) return table;
  const columns = new StringColumns();
  for (const text of table) columns.add(text);
  return columns;
}

/** Copies bytes; a call of the runtime costs more than a loop over this many. */
function copyBytes(source: Buffer, start: number, target: Buffer, at: number, sizeBytes: number): void {
  if (sizeBytes > shortCopyBytes) source.copy(target, at, start, start + sizeBytes);
  else for (let i = 0; i < sizeBytes; i++) target[at + i] = source[start + i]!;
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

// A call into the runtime's UTF-8 encoder costs more than a loop over this many characters.
const shortTextLength = 48;
const shortCopyBytes = 64;
const leastBytes = 256;

const hasher = new PairHash();
