// hot

import type { LruFamily, RemovalReason } from './lru-family.ts';
import { maxCapacityLimit } from './lru-family.ts';
import { RecencyTable } from './recency-table.ts';
import { setEntry } from './set-entry.ts';
import { noSlot } from './slot-pool.ts';
import { useEntry } from './use-entry.ts';

// Folded into the code by V8, unlike what is imported.
const use = useEntry;
const put = setEntry;
const none = noSlot;

/**
 * Least-recently-used map from a 64-bit or 128-bit key to `V` whose capacity can change at any time.
 * Keys are two or four 32-bit words, most significant first, signed or unsigned; equality is on all of them. O(1) a
 * call; nothing is allocated but when the table grows. `get`, `set` and `touch` make an entry the newest and stamp it
 * with the family's time.
 *
 * Because each use refreshes place and time together and time never goes back, the times of the entries from oldest to
 * newest never decrease: recency order is expiry order. So `purgeExpired` may stop at the first live entry and has
 * still seen every expired one.
 */
export class ResizableLru<V> {
  readonly #table: RecencyTable<V>;
  #wasSparse = false;

  constructor(family: LruFamily<V>) {
    this.#table = new RecencyTable(family, family.options.initialCapacity);
  }

  /** Entries, with those that have expired and were not purged yet. */
  get count(): number {
    return this.#table.count;
  }

  get capacity(): number {
    return this.#table.capacity;
  }

  /** Slot of the entry that was used longest ago; `noSlot` when there is none. */
  get oldest(): number {
    return this.#table.oldest;
  }

  /** Slot of the entry that was used next after that of `slot`, which the walk came by: see `RecencyTable`. */
  newerThan(slot: number): number {
    return this.#table.newerThan(slot);
  }

  /** Slot of the entry at `place`, 0..count-1: places are no order, and change when entries leave. */
  slotAt(place: number): number {
    return this.#table.slotAt(place);
  }

  /** Slot of a key, expired or not; `noSlot` when it is not there. Leaves no trace. */
  slotOf(key0: number, key1: number, key2 = 0, key3 = 0): number {
    return this.#find(key0 | 0, key1 | 0, key2 | 0, key3 | 0);
  }

  /** The value, which is the newest now; `undefined` when the key is not there or has expired. */
  get(key0: number, key1: number, key2 = 0, key3 = 0): V | undefined {
    return use(this.#table, key0 | 0, key1 | 0, key2 | 0, key3 | 0);
  }

  /** The value without a trace: neither the order nor a counter changes. */
  peek(key0: number, key1: number, key2 = 0, key3 = 0): V | undefined {
    const { family } = this.#table;
    const slot = this.#find(key0 | 0, key1 | 0, key2 | 0, key3 | 0);
    return slot === none || family.isExpired(slot) ? undefined : family.pool.value(slot);
  }

  /** True if the key has expired and was not purged yet. */
  holdsExpired(key0: number, key1: number, key2 = 0, key3 = 0): boolean {
    const slot = this.#find(key0 | 0, key1 | 0, key2 | 0, key3 | 0);
    return slot !== none && this.#table.family.isExpired(slot);
  }

  /** Makes an entry the newest; false when the key is not there or has expired. */
  touch(key0: number, key1: number, key2 = 0, key3 = 0): boolean {
    const slot = this.#find(key0 | 0, key1 | 0, key2 | 0, key3 | 0);
    if (slot === none || this.#table.family.isExpired(slot)) return false;
    this.#table.makeNewest(slot);
    return true;
  }

  /**
   * Adds an entry or gives it another value, and makes it the newest. Returns the value that it had, expired or not.
   * A full table takes the place of its oldest entry, or doubles when that one was used within `growWithin`.
   */
  set(value: V, key0: number, key1: number, key2 = 0, key3 = 0): V | undefined {
    return put(this.#table, value, key0 | 0, key1 | 0, key2 | 0, key3 | 0);
  }

  /** Takes an entry out and returns its value, expired or not. */
  delete(key0: number, key1: number, key2 = 0, key3 = 0): V | undefined {
    const slot = this.#find(key0 | 0, key1 | 0, key2 | 0, key3 | 0);
    if (slot === none) return undefined;
    const value = this.#table.family.pool.value(slot);
    this.#table.take(slot);
    return value;
  }

  /** Takes the oldest entry out; false when there is none. */
  evictOldest(): boolean {
    if (this.#table.count === 0) return false;
    this.#remove(this.#table.oldest, 'evicted');
    return true;
  }

  /** Takes at most `limit` expired entries out, oldest first; returns how many. */
  purgeExpired(limit: number): number {
    const table = this.#table;
    table.tendOrder();
    for (let purged = 0; purged < limit; purged++) {
      const { oldest } = table;
      if (oldest === none || !table.family.isExpired(oldest)) return purged;
      this.#remove(oldest, 'expired');
    }
    return limit;
  }

  /**
   * Changes the capacity. Going below the number of entries evicts the oldest. O(entries that leave), and O(512) for
   * what stays. @throws RangeError unless it is a whole number from 1 to 2^23.
   */
  resize(capacity: number): void {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > maxCapacityLimit) {
      throw new RangeError(`capacity: is ${capacity}; use a whole number from 1 to ${maxCapacityLimit}`);
    }
    const table = this.#table;
    while (table.count > capacity) this.#remove(table.oldest, 'evicted');
    if (capacity > table.capacity) table.family.counters.grows++;
    else if (capacity < table.capacity) table.family.counters.shrinks++;
    table.setCapacity(capacity);
  }

  /**
   * Halves the capacity when at most a quarter was in use at this call and at the one before. Called once a while, it
   * shrinks a table whose occupancy stays low and leaves one alone that was emptied for a moment.
   */
  tend(): void {
    const { count, capacity, family } = this.#table;
    const { initialCapacity } = family.options;
    const isSparse = count * 4 <= capacity && capacity > initialCapacity;
    if (isSparse && this.#wasSparse) this.resize(Math.max(initialCapacity, capacity >>> 1));
    this.#wasSparse = isSparse;
  }

  /** Halves the capacity for as long as the entries fit; false when they do not fit into half of it. */
  trim(): boolean {
    const { count, capacity, family } = this.#table;
    let trimmed = capacity;
    while (trimmed > family.options.initialCapacity && count <= trimmed >>> 1) trimmed >>>= 1;
    if (trimmed === capacity) return false;
    this.resize(Math.max(trimmed, family.options.initialCapacity));
    return true;
  }

  /** Empties the table for good without telling the listener; its memory goes back to the pool. Do not `set` after. */
  dispose(): void {
    this.#table.dispose();
  }

  #find(key0: number, key1: number, key2: number, key3: number): number {
    const table = this.#table;
    return table.find(table.family.pool.hash(key0, key1, key2, key3), key0, key1, key2, key3);
  }

  #remove(slot: number, reason: RemovalReason): void {
    this.#table.family.announceRemoval(slot, reason);
    this.#table.take(slot);
  }
}
