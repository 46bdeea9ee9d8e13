// hot

import { noElements } from '../../otlp/profiles-data.ts';
import { hashSeed, mixWord } from '../../support/mix-words.ts';
import { slotsOf, Uint32List } from '../../support/uint32-list.ts';

/**
 * Numbers distinct lists of indices 0, 1, 2 … in the order of their first appearance; the empty list is 0 from the start.
 * Lists are compared element by element, never by their hash alone; one that is new is copied. 8 to 12 bytes a list beside the list itself.
 */
export class ListIndex {
  readonly #lists: (readonly number[])[] = [];
  readonly #hashes = new Uint32List();
  /** Number of the list plus one; 0 is a free slot. The length is a power of two, at least twice the number of lists. */
  #slots = new Uint32Array(32);

  constructor() {
    this.intern([]);
  }

  get count(): number {
    return this.#lists.length;
  }

  get sizeBytes(): number {
    return 4 * this.#slots.length + bytesPerList * this.count;
  }

  /** The list with a number; not to be changed. */
  list(index: number): readonly number[] {
    return this.#lists[index]!;
  }

  /** Adds the list or finds it. It was new when `count` has grown. */
  intern(list: readonly number[]): number {
    let hash = hashSeed;
    for (let i = 0; i < list.length; i++) hash = mixWord(hash, list[i]!);
    hash >>>= 0;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = this.#slots[slot]!;
      if (entry === 0) break;
      if (this.#hashes.at(entry - 1) === hash && isEqual(this.#lists[entry - 1]!, list)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    this.#hashes.push(hash);
    this.#slots[slot] = this.#lists.push(list.length === 0 ? noElements : list.slice());
    if (2 * this.count > this.#slots.length) this.#slots = slotsOf(this.#hashes, 2 * this.#slots.length);
    return this.count - 1;
  }
}

/** The hash, and the reference to the list. */
const bytesPerList = 12;

function isEqual(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
