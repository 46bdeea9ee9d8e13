// hot
import { grown, withRoom } from '../support/grown-column.ts';
import { highHalf, lowHalf, uint64Of } from '../support/halves.ts';
import type { Entries, FunctionEntry } from './profiles-data.ts';
import { eachEntry, placeOf } from './profiles-data.ts';

/** Words of a function, and what they are. */
const functionWords = 5;
const systemNameAt = 1;
const filenameAt = 2;
const startLowAt = 3;
const startHighAt = 4;

const noWords = new Int32Array(0);

/** Functions as five words each: three indices, and the halves of the start line. */
export class FunctionColumns implements Entries<FunctionEntry> {
  #words: Int32Array = noWords;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  /** Makes room for as many functions in all. */
  reserve(count: number): void {
    this.#words = withRoom(this.#words, functionWords * count);
  }

  /** Adds a function whose start line has these halves. */
  push(name: number, systemName: number, filename: number, startLow: number, startHigh: number): void {
    const at = functionWords * this.#length++;
    if (at === this.#words.length) this.#words = grown(this.#words, at + functionWords);
    const words = this.#words;
    words[at] = name;
    words[at + systemNameAt] = systemName;
    words[at + filenameAt] = filename;
    words[at + startLowAt] = startLow;
    words[at + startHighAt] = startHigh;
  }

  add({ nameStrindex, systemNameStrindex, filenameStrindex, startLine }: FunctionEntry): void {
    this.push(nameStrindex, systemNameStrindex, filenameStrindex, lowHalf(startLine), highHalf(startLine));
  }

  removeLast(): void {
    this.#length--;
  }

  name(index: number): number {
    return this.#words[functionWords * index]!;
  }

  systemName(index: number): number {
    return this.#words[functionWords * index + systemNameAt]!;
  }

  filename(index: number): number {
    return this.#words[functionWords * index + filenameAt]!;
  }

  /** Halves of the start line, signed. */
  startLow(index: number): number {
    return this.#words[functionWords * index + startLowAt]!;
  }

  startHigh(index: number): number {
    return this.#words[functionWords * index + startHighAt]!;
  }

  at(index: number): FunctionEntry | undefined {
    const place = placeOf(this, index);
    return place < 0 ? undefined : this.#entry(place);
  }

  #entry(index: number): FunctionEntry {
    return {
      nameStrindex: this.name(index),
      systemNameStrindex: this.systemName(index),
      filenameStrindex: this.filename(index),
      startLine: BigInt.asIntN(64, uint64Of(this.startHigh(index) >>> 0, this.startLow(index) >>> 0)),
    };
  }

  [Symbol.iterator](): Generator<FunctionEntry, void, undefined> {
    return eachEntry(this.length, (index) => this.#entry(index));
  }

  entries(): Generator<[number, FunctionEntry], void, undefined> {
    return eachEntry(this.length, (index) => [index, this.#entry(index)]);
  }
}

/** The functions as columns; a list of objects is copied. */
export function functionColumnsOf(table: Entries<FunctionEntry>): FunctionColumns {
  if (table instanceof FunctionColumns) return table;
  const columns = new FunctionColumns();
  for (const entry of table) columns.add(entry);
  return columns;
}
