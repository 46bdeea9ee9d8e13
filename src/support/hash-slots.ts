// hot
import { doubledTo, slotsOf, Uint32List } from './uint32-list.ts';

/**
 * Finds entries 0, 1, 2 … of columns by a hash of what they say; whoever asks compares the entries themselves, and adds a new one
 * where none is equal:
 *
 *     for (let entry = slots.first(hash); entry >= 0; entry = slots.next()) if (isEqual(entry)) return entry;
 *     return slots.add();
 *
 * Open addressing with linear probing at a load of at most one half: 12 to 24 bytes an entry.
 */
export class HashSlots {
  readonly #hashes = new Uint32List();
  /** Number of the entry plus one; 0 is a free slot. The length is a power of two. */
  #slots = new Int32Array(32);
  /** Of the entry that is looked for. */
  #hash = 0;
  #slot = 0;

  get count(): number {
    return this.#hashes.length;
  }

  get sizeBytes(): number {
    return 4 * this.#slots.length + 8 * this.#hashes.length;
  }

  /** Makes room for as many entries in all. */
  reserve(entries: number): void {
    this.#hashes.reserve(entries);
    const length = doubledTo(2 * entries, this.#slots.length);
    if (length > this.#slots.length) this.#slots = slotsOf(this.#hashes, length);
  }

  /** The first entry with this hash of 32 bits; -1 when there is none. */
  first(hash: number): number {
    this.#hash = hash >>> 0;
    this.#slot = hash & (this.#slots.length - 1);
    return this.#seek();
  }

  /** The next entry with the same hash; -1 when there is none. */
  next(): number {
    this.#slot = (this.#slot + 1) & (this.#slots.length - 1);
    return this.#seek();
  }

  #seek(): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#slot;
    for (;;) {
      const entry = slots[slot]!;
      if (entry === 0 || this.#hashes.at(entry - 1) === this.#hash) {
        this.#slot = slot;
        return entry - 1;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** Adds an entry with the hash that was looked for to the end; returns its number. */
  add(): number {
    this.#hashes.push(this.#hash);
    const { count } = this;
    this.#slots[this.#slot] = count;
    if (2 * count > this.#slots.length) this.#slots = slotsOf(this.#hashes, 2 * this.#slots.length);
    return count - 1;
  }
}
