// hot
import type { LruFamily } from './lru-family.ts';
import { SlotIndex } from './slot-index.ts';
import { maxBlockOrder, newerWord, noSlot, olderWord, timeWord } from './slot-pool.ts';
import { refreshSlot } from './use-entry.ts';

/** Below this many entries a table is searched from end to end, which is as fast as an index and costs no memory. */
const maxScannedEntries = 16;
const chunkSlots = 1 << maxBlockOrder;

/**
 * Entries of one table in order of last use: where they lie, how they are found, how they are linked. Knows nothing of
 * lifetimes and evictions.
 *
 * Entries lie densely: in one block of the pool up to 512 slots, in a list of blocks of 512 beyond, so that a large
 * table grows without moving anything. Invariant: from `newest` the older links visit each of the `count` places once
 * and end at `oldest`.
 */
export class RecencyTable<V> {
  readonly family: LruFamily<V>;
  #capacity: number;
  #count = 0;
  /** Kept by the functions of this folder; `noSlot` when the table is empty. */
  newest: number = noSlot;
  oldest: number = noSlot;
  /** First slot of the first block; `noSlot` before the first entry. */
  #block = noSlot;
  /** First slots of all blocks, once there is more than one. */
  #chunks: number[] | undefined;
  /** Set beyond 16 entries; for reading by the functions of this folder. */
  index: SlotIndex<V> | undefined;

  constructor(family: LruFamily<V>, capacity: number) {
    this.family = family;
    this.#capacity = capacity;
    family.tables++;
    family.slots += capacity;
  }

  get count(): number {
    return this.#count;
  }

  get capacity(): number {
    return this.#capacity;
  }

  slotAt(place: number): number {
    if (this.#chunks === undefined) return this.#block + place;
    return this.#chunks[place >>> maxBlockOrder]! + (place & (chunkSlots - 1));
  }

  /** `hash` is the pool's of the key. */
  find(hash: number, key0: number, key1: number, key2: number, key3: number): number {
    if (this.index !== undefined) return this.index.find(hash, key0, key1, key2, key3);
    const { pool } = this.family;
    const end = this.#block + this.#count;
    for (let slot = this.#block; slot < end; slot++) {
      if (pool.holds(slot, key0, key1, key2, key3)) return slot;
    }
    return noSlot;
  }

  /** Adds a key that is not there, as the newest; there must be room. */
  add(value: V, hash: number, key0: number, key1: number, key2: number, key3: number): void {
    const { pool, now } = this.family;
    const slot = this.#append();
    pool.setKey(slot, key0, key1, key2, key3);
    pool.setValue(slot, value);
    pool.setLink(slot, timeWord, now);
    this.#linkNewest(slot);
    if (this.index !== undefined) this.index.add(hash, slot, this.#count);
    else this.#buildIndex();
  }

  /** Gives the place of the oldest entry to a key that is not there; cheaper than `take` and `add`. */
  replaceOldest(value: V, hash: number, key0: number, key1: number, key2: number, key3: number): void {
    const { pool } = this.family;
    const { index, oldest: slot } = this;
    if (index !== undefined) {
      index.remove(pool.hashAt(slot), slot, this.#count - 1);
      index.add(hash, slot, this.#count);
    }
    pool.setKey(slot, key0, key1, key2, key3);
    pool.setValue(slot, value);
    refreshSlot(this, slot, 0);
  }

  /** Takes a slot out of order, index and count, and fills its place with the last one. */
  take(slot: number): void {
    const { pool } = this.family;
    this.index?.remove(pool.hashAt(slot), slot, this.#count - 1);
    this.#unlink(slot);
    const last = this.slotAt(this.#count - 1);
    if (last === slot) pool.setValue(slot, undefined);
    else this.#moveEntry(last, slot);
    this.#count--;
    this.family.entries--;
    if (this.index !== undefined && this.#count * 2 < maxScannedEntries) this.#dropIndex();
    this.#freeSpareChunk(this.#count + (chunkSlots >>> 1));
  }

  /** At least `count`. Up to 512 slots the entries move to a block of another size; beyond, nothing moves. */
  setCapacity(capacity: number): void {
    const from = orderFor(this.#capacity);
    const to = orderFor(capacity);
    this.family.slots += capacity - this.#capacity;
    this.#capacity = capacity;
    this.#freeSpareChunk(capacity);
    if (from === to || this.#block === noSlot) return;
    const { pool } = this.family;
    const block = this.#block;
    this.#dropIndex();
    this.#block = pool.allocate(to);
    for (let place = 0; place < this.#count; place++) this.#moveEntry(block + place, this.#block + place);
    pool.free(block, from);
    this.#buildIndex();
  }

  /** Gives everything back to the pool; finds nothing after and must not be added to. */
  dispose(): void {
    if (this.#capacity === 0) return;
    const { family } = this;
    for (let place = 0; place < this.#count; place++) family.pool.setValue(this.slotAt(place), undefined);
    family.entries -= this.#count;
    family.slots -= this.#capacity;
    family.tables--;
    this.#count = 0;
    this.#dropIndex();
    this.#freeBlocks();
    this.newest = noSlot;
    this.oldest = noSlot;
    this.#capacity = 0;
  }

  #unlink(slot: number): void {
    const { pool } = this.family;
    const newer = pool.link(slot, newerWord);
    const older = pool.link(slot, olderWord);
    if (newer === noSlot) this.newest = older;
    else pool.setLink(newer, olderWord, older);
    if (older === noSlot) this.oldest = newer;
    else pool.setLink(older, newerWord, newer);
  }

  #linkNewest(slot: number): void {
    const { pool } = this.family;
    pool.setLink(slot, newerWord, noSlot);
    pool.setLink(slot, olderWord, this.newest);
    if (this.newest === noSlot) this.oldest = slot;
    else pool.setLink(this.newest, newerWord, slot);
    this.newest = slot;
  }

  #moveEntry(from: number, to: number): void {
    const { pool } = this.family;
    pool.move(from, to);
    const newer = pool.link(to, newerWord);
    const older = pool.link(to, olderWord);
    if (newer === noSlot) this.newest = to;
    else pool.setLink(newer, olderWord, to);
    if (older === noSlot) this.oldest = to;
    else pool.setLink(older, newerWord, to);
    this.index?.replace(pool.hashAt(to), from, to);
  }

  #append(): number {
    const { pool } = this.family;
    if (this.#block === noSlot) this.#block = pool.allocate(orderFor(this.#capacity));
    const place = this.#count++;
    this.family.entries++;
    if (place >= chunkSlots) {
      this.#chunks ??= [this.#block];
      if (place >>> maxBlockOrder === this.#chunks.length) this.#chunks.push(pool.allocate(maxBlockOrder));
    }
    return this.slotAt(place);
  }

  #freeSpareChunk(needed: number): void {
    const chunks = this.#chunks;
    if (chunks === undefined || needed > (chunks.length - 1) * chunkSlots) return;
    this.family.pool.free(chunks.pop()!, maxBlockOrder);
    if (chunks.length === 1) this.#chunks = undefined;
  }

  #freeBlocks(): void {
    const { pool } = this.family;
    for (const chunk of this.#chunks ?? []) pool.free(chunk, maxBlockOrder);
    if (this.#chunks === undefined && this.#block !== noSlot) pool.free(this.#block, orderFor(this.#capacity));
    this.#chunks = undefined;
    this.#block = noSlot;
  }

  #buildIndex(): void {
    if (this.#count <= maxScannedEntries) return;
    this.index = new SlotIndex(this.family.pool, this.family, this.#count);
    for (let place = 0; place < this.#count; place++) {
      const slot = this.slotAt(place);
      this.index.add(this.family.pool.hashAt(slot), slot, place + 1);
    }
  }

  #dropIndex(): void {
    this.index?.dispose();
    this.index = undefined;
  }
}

function orderFor(capacity: number): number {
  return Math.min(maxBlockOrder, 32 - Math.clz32(capacity - 1));
}
