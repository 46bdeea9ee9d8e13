// hot
import type { Steps } from './steps.ts';

/** A list of unsigned 32-bit numbers that doubles when full: 4 bytes an element, no objects. */
export class Uint32List {
  #values: Uint32Array;
  #length = 0;

  constructor(capacity = 16) {
    this.#values = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The element at `index`; the caller has checked that it is below `length`. */
  at(index: number): number {
    return this.#values[index]!;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow(this.#length + 1);
    this.#values[this.#length++] = value;
  }

  /** Makes room for as many elements in all. */
  reserve(capacity: number): void {
    if (capacity > this.#values.length) this.#grow(capacity);
  }

  /** Appends `source[start .. end)`. */
  append(source: Int32Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#values.length) this.#grow(length);
    for (let i = start, j = this.#length; i < end; i++, j++) this.#values[j] = source[i]!;
    this.#length = length;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** The elements; a view that the next `push` may make stale. */
  toArray(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const grown = new Uint32Array(Math.max(needed, this.#values.length * 2));
    grown.set(this.#values);
    this.#values = grown;
  }
}

/** Words copied, and entries given slots, in one step. */
const wordsPerStep = 16_384;
const entriesPerStep = 2_048;

/** Finds slots for the entries `from .. to` of a table. */
type FillSlots = (slots: Int32Array, from: number, to: number) => void;

/** `length`, doubled until it is at least `needed`. */
export function doubledTo(needed: number, length: number): number {
  let doubled = length;
  while (doubled < needed) doubled *= 2;
  return doubled;
}

/** The records of a table, or a copy with room for as many words, made in steps; the records stay as they are between them. */
export function* recordsInSteps(records: Int32Array<ArrayBuffer>, words: number): Steps<Int32Array<ArrayBuffer>> {
  if (words <= records.length) return records;
  const longer = new Int32Array(doubledTo(words, records.length));
  for (let start = 0; start < records.length; start += wordsPerStep) {
    if (start > 0) yield;
    longer.set(records.subarray(start, start + wordsPerStep), start);
  }
  return longer;
}

/**
 * Slots of a hash table with open addressing in which entry `n` has the hash `hashes.at(n)`: the number of an entry plus one, or 0
 * for a free slot. `length` is a power of two above the number of entries.
 */
export function slotsOf(hashes: Uint32List, length: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(length);
  fillSlots(slots, hashes, 0, hashes.length);
  return slots;
}

/**
 * The slots of a table that has `count` entries, or longer ones, filled in steps, in which `needed` entries are a load of at most one
 * half; the entries stay as they are between the steps.
 */
export function* slotsInSteps(
  slots: Int32Array<ArrayBuffer>,
  count: number,
  needed: number,
  fill: FillSlots,
): Steps<Int32Array<ArrayBuffer>> {
  if (2 * needed <= slots.length) return slots;
  const longer = new Int32Array(doubledTo(2 * needed, slots.length));
  for (let from = 0; from < count; from += entriesPerStep) {
    if (from > 0) yield;
    fill(longer, from, Math.min(count, from + entriesPerStep));
  }
  return longer;
}

export function fillSlots(slots: Int32Array, hashes: Uint32List, from: number, to: number): void {
  const mask = slots.length - 1;
  for (let entry = from; entry < to; entry++) {
    let slot = hashes.at(entry) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = entry + 1;
  }
}
