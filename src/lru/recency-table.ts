// hot
import type { LruFamily } from './lru-family.ts';
import { RecencyOrder } from './recency-order.ts';
import { SlotIndex } from './slot-index.ts';
import { maxBlockOrder, noSlot, segmentMask, segmentOrder, stampWord, timeWord } from './slot-pool.ts';

// Not imported, so that V8 folds them into the code (see use-entry.ts).
const segmentShift = segmentOrder;
const placeMask = segmentMask;
const stampAt = stampWord;
const timeAt = timeWord;
const none = noSlot;
const blockOrder = maxBlockOrder;

/** Below this many entries a table is searched from end to end, which is as fast as an index and costs no memory. */
const maxScannedEntries = 16;
/** Up to this many entries the oldest is found by a look at all stamps, which costs no memory and takes 0.1 microseconds. */
const maxComparedStamps = 128;
/** Uses after which a small table begins to count anew. */
const maxClock = 2 ** 30;
const chunkSlots = 1 << blockOrder;

/**
 * Entries of one table: where they lie, how they are found, which was used before which. Knows nothing of lifetimes and
 * evictions.
 *
 * Entries lie densely: in one block of the pool up to 512 slots, in a list of blocks of 512 beyond, so that a large
 * table grows without moving anything. Each use has a number, its stamp; a small table compares them, a larger one has a
 * `RecencyOrder` of them.
 */
export class RecencyTable<V> {
  readonly family: LruFamily<V>;
  #capacity: number;
  #count = 0;
  /** Stamp of the next use. */
  clock = 0;
  /** Set beyond 128 entries. */
  order: RecencyOrder<V> | undefined;
  /** First slot of the first block; `noSlot` before the first entry. */
  #block = none;
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

  /** Slot of the entry that was used longest ago; `noSlot` when there is none. */
  get oldest(): number {
    if (this.order === undefined) return this.#newerThanStamp(-1);
    return this.#count === 0 ? none : this.order.oldest;
  }

  /**
   * Slot of the entry that was used next after that of `slot`; `noSlot` behind the newest. In a large table the entry at
   * `slot` must be one that was reached in this way from the oldest; may be `notYet`, and is another time.
   */
  newerThan(slot: number): number {
    if (this.order === undefined) return this.#newerThanStamp(this.family.pool.word(slot, stampAt));
    return this.order.newerThan(slot);
  }

  slotAt(place: number): number {
    if (this.#chunks === undefined) return this.#block + place;
    return this.#chunks[place >>> blockOrder]! + (place & (chunkSlots - 1));
  }

  /** Number of slots that follow each other, from `slotAt(place)` on. */
  runAt(place: number): number {
    const run = this.#chunks === undefined ? this.#count - place : chunkSlots - (place & (chunkSlots - 1));
    return Math.min(run, this.#count - place);
  }

  /** `hash` is the pool's of the key. */
  find(hash: number, key0: number, key1: number, key2: number, key3: number): number {
    if (this.index !== undefined) return this.index.find(hash, key0, key1, key2, key3);
    const { pool } = this.family;
    const end = this.#block + this.#count;
    for (let slot = this.#block; slot < end; slot++) {
      if (pool.holds(slot, key0, key1, key2, key3)) return slot;
    }
    return none;
  }

  /** Adds a key that is not there, as the newest; there must be room. */
  add(value: V, hash: number, key0: number, key1: number, key2: number, key3: number): void {
    const { pool, now } = this.family;
    const slot = this.#append();
    pool.setKey(slot, key0, key1, key2, key3);
    pool.setValue(slot, value);
    pool.setWord(slot, timeAt, now);
    pool.setWord(slot, stampAt, this.#nextStamp());
    if (this.index !== undefined) this.index.add(hash, slot, this.#count);
    else this.#buildIndex();
    if (this.#count > maxComparedStamps) this.order ??= new RecencyOrder(this, 0);
    this.tendOrder();
  }

  /** Keeps the order of large tables known, and stamps from running out. To be called at least once in 2^30 uses. */
  tendOrder(): void {
    if (this.order !== undefined) this.order.tend();
    else if (this.clock > maxClock) this.#numberFromZero();
  }

  /** Makes the entry at `slot` the newest, used now. */
  makeNewest(slot: number): void {
    const { pool, now } = this.family;
    const own = pool.words[slot >>> segmentShift]!;
    const at = Math.imul(slot & placeMask, pool.stride);
    const mark = own[(at + timeAt) | 0]!;
    if (mark < 0) this.order!.leave(mark, false);
    own[(at + timeAt) | 0] = now;
    own[(at + stampAt) | 0] = this.#nextStamp();
    this.tendOrder();
  }

  /** Takes a slot out of order, index and count, and fills its place with the last one. */
  take(slot: number): void {
    const { pool } = this.family;
    this.index?.remove(pool.hashAt(slot), slot, this.#count - 1);
    const mark = pool.word(slot, timeAt);
    if (mark < 0) this.order!.leave(mark, true);
    const last = this.slotAt(this.#count - 1);
    if (last === slot) pool.setValue(slot, undefined);
    else this.#moveEntry(last, slot);
    this.#count--;
    this.family.entries--;
    if (this.index !== undefined && this.#count * 2 < maxScannedEntries) this.#dropIndex();
    if (this.order !== undefined && this.#count * 2 < maxComparedStamps) this.#endOrder();
    this.#freeSpareChunk(this.#count + (chunkSlots >>> 1));
    this.order?.tend();
  }

  /** At least `count`. Up to 512 slots the entries move to a block of another size; beyond, nothing moves. */
  setCapacity(capacity: number): void {
    const from = orderFor(this.#capacity);
    const to = orderFor(capacity);
    this.family.slots += capacity - this.#capacity;
    this.#capacity = capacity;
    this.#freeSpareChunk(capacity);
    if (from === to || this.#block === none) return;
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
    this.order?.dispose();
    this.order = undefined;
    this.#freeBlocks();
    this.#capacity = 0;
  }

  /** Slot with the lowest stamp above `stamp`, by a look at all. */
  #newerThanStamp(stamp: number): number {
    const { words, stride } = this.family.pool;
    const own = words[this.#block >>> segmentShift];
    let found = none;
    let lowest = Number.POSITIVE_INFINITY;
    const end = this.#block + this.#count;
    for (let slot = this.#block; slot < end; slot++) {
      const other = own![(slot & placeMask) * stride + stampAt]!;
      if (other <= stamp || other >= lowest) continue;
      lowest = other;
      found = slot;
    }
    return found;
  }

  #nextStamp(): number {
    const stamp = this.clock;
    this.clock = (stamp + 1) | 0;
    return stamp;
  }

  #numberFromZero(): void {
    const { pool } = this.family;
    const slots = Array.from({ length: this.#count }, (_, place) => this.slotAt(place));
    slots.sort((a, b) => pool.word(a, stampAt) - pool.word(b, stampAt));
    for (const [stamp, slot] of slots.entries()) pool.setWord(slot, stampAt, stamp);
    this.clock = this.#count;
  }

  /** Stamps take the place of marks. */
  #endOrder(): void {
    const { pool } = this.family;
    const order = this.order!;
    order.rankAll();
    for (this.clock = 0; this.clock < this.#count; this.clock++) {
      const slot = order.oldest;
      order.leave(pool.word(slot, timeAt), true);
      pool.setWord(slot, timeAt, pool.word(slot, stampAt));
      pool.setWord(slot, stampAt, this.clock);
    }
    order.dispose();
    this.order = undefined;
  }

  #moveEntry(from: number, to: number): void {
    const { pool } = this.family;
    pool.move(from, to);
    this.order?.moved(to);
    this.index?.replace(pool.hashAt(to), from, to);
  }

  #append(): number {
    const { pool } = this.family;
    if (this.#block === none) this.#block = pool.allocate(orderFor(this.#capacity));
    const place = this.#count++;
    this.family.entries++;
    if (place >= chunkSlots) {
      this.#chunks ??= [this.#block];
      if (place >>> blockOrder === this.#chunks.length) this.#chunks.push(pool.allocate(blockOrder));
    }
    return this.slotAt(place);
  }

  #freeSpareChunk(needed: number): void {
    const chunks = this.#chunks;
    if (chunks === undefined || needed > (chunks.length - 1) * chunkSlots) return;
    this.family.pool.free(chunks.pop()!, blockOrder);
    if (chunks.length === 1) this.#chunks = undefined;
  }

  #freeBlocks(): void {
    const { pool } = this.family;
    for (const chunk of this.#chunks ?? []) pool.free(chunk, blockOrder);
    if (this.#chunks === undefined && this.#block !== none) pool.free(this.#block, orderFor(this.#capacity));
    this.#chunks = undefined;
    this.#block = none;
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
  return Math.min(blockOrder, 32 - Math.clz32(capacity - 1));
}
