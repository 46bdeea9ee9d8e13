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
const wordsPerStep = 65_536;
const entriesPerStep = 8_192;

/** Copies `source` to the beginning of `target` in steps. */
export function* copyInSteps(source: Uint32Array | Int32Array, target: Uint32Array | Int32Array): Steps<void> {
  for (let start = 0; start < source.length; start += wordsPerStep) {
    if (start > 0) yield;
    target.set(source.subarray(start, start + wordsPerStep), start);
  }
}

/**
 * Slots of a hash table with open addressing in which entry `n` has the hash `hashes.at(n)`: the number of an entry plus one, or 0
 * for a free slot. `length` is a power of two above the number of entries.
 */
export function slotsOf(hashes: Uint32List, length: number): Uint32Array<ArrayBuffer> {
  const slots = new Uint32Array(length);
  fillSlots(slots, hashes, 0, hashes.length);
  return slots;
}

/** The same in steps; `hashes` stays as it is between them. */
export function* slotsInSteps(hashes: Uint32List, length: number): Steps<Uint32Array<ArrayBuffer>> {
  const slots = new Uint32Array(length);
  for (let entry = 0; entry < hashes.length; entry += entriesPerStep) {
    if (entry > 0) yield;
    fillSlots(slots, hashes, entry, Math.min(hashes.length, entry + entriesPerStep));
  }
  return slots;
}

function fillSlots(slots: Uint32Array, hashes: Uint32List, from: number, to: number): void {
  const mask = slots.length - 1;
  for (let entry = from; entry < to; entry++) {
    let slot = hashes.at(entry) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = entry + 1;
  }
}
