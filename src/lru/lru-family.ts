import { SlotPool } from './slot-pool.ts';

/** Reason why an entry left: unused for longer than the lifetime, or room was needed. */
export type RemovalReason = 'expired' | 'evicted';

/** Called before an entry leaves by itself; its key can be read at `slot`. Must not change a table of the family. */
export type RemovalListener<V> = (value: V, reason: RemovalReason, slot: number) => void;

export interface LruOptions<V> {
  /** Words of a key: two for a 64-bit address, four for a 128-bit file ID. */
  readonly keyWords: 2 | 4;
  /** An entry that was last used longer ago than this has expired. */
  readonly lifetime: number;
  /**
   * A full table whose oldest entry was used at most this long ago doubles instead of evicting it: the length of a
   * cycle, or the lifetime where only a budget may take entries away. 0..lifetime.
   */
  readonly growWithin: number;
  /** Slots of a new table; a table shrinks to no fewer. */
  readonly initialCapacity: number;
  /** Slots beyond which a table evicts whatever the age of its oldest entry. */
  readonly maxCapacity: number;
  /** Makes places in the index unpredictable to who chooses the keys; any 32-bit number. */
  readonly seed?: number;
  readonly onRemove?: RemovalListener<V>;
}

/** Counters of all tables of a family since it was made. */
export interface LruCounters {
  hits: number;
  misses: number;
  inserts: number;
  /** Values set for keys that were there. */
  updates: number;
  evictions: number;
  expirations: number;
  grows: number;
  shrinks: number;
}

/** Present usage of the tables of a family. */
export interface LruSize {
  readonly tables: number;
  readonly entries: number;
  /** Sum of the tables' capacities. */
  readonly slots: number;
  readonly bytes: number;
}

/** Measured: a ResizableLru and its RecencyTable, without block and index. */
const tableObjectBytes = 144;
/** Measured: a RecencyOrder and the typed arrays that it owns, without their elements. */
const orderObjectBytes = 700;
/**
 * The order of a large table takes 4 bytes an entry where evictions go in the order of insertion and after a walk, less than one where
 * entries are used mostly, and up to 20 while a walk has them ranked. A part of a slot is counted for it, so that a walk over a
 * store near its budget evicts nothing.
 */
const orderBytesPerSlot = 4;
/** Measured: a SlotIndex and the typed array that it owns, without the cells. */
const indexObjectBytes = 300;

/** The largest time and the largest number of entries. */
const maxTime: number = 2 ** 31 - 1;
export const maxCapacityLimit: number = 2 ** 23;

/**
 * Tables that share memory, settings, counters and the time. Time is a whole number of any unit that the owner likes,
 * 0..2^31-1; it is told once a batch with `advance`, so that no operation reads a clock.
 */
export class LruFamily<V> {
  readonly options: LruOptions<V>;
  readonly pool: SlotPool<V>;
  readonly counters: LruCounters = {
    hits: 0,
    misses: 0,
    inserts: 0,
    updates: 0,
    evictions: 0,
    expirations: 0,
    grows: 0,
    shrinks: 0,
  };
  /** Kept by the tables. */
  tables = 0;
  entries = 0;
  slots = 0;
  indices = 0;
  indexBytes = 0;
  orders = 0;
  now = 0;
  /** An entry that was last used before this has expired. */
  liveSince = 0;

  /** @throws RangeError when an option is out of its bounds. */
  constructor(options: LruOptions<V>) {
    check('lifetime', options.lifetime, 1, maxTime);
    check('growWithin', options.growWithin, 0, options.lifetime);
    check('maxCapacity', options.maxCapacity, 1, maxCapacityLimit);
    check('initialCapacity', options.initialCapacity, 1, options.maxCapacity);
    this.options = options;
    this.pool = new SlotPool<V>(options.keyWords, options.seed ?? 0);
  }

  /** Moves the time on; a time in the past is taken as the present. @throws RangeError for one beyond 2^31-1. */
  advance(now: number): void {
    if (now > this.now) this.setTime(now);
    else check('now', now, 0, maxTime);
  }

  /**
   * Sets the time to any other, for filling empty tables with entries that were last used in the past, oldest first:
   * the times of the entries of a table must not decrease. @throws RangeError for one outside of 0..2^31-1.
   */
  setTime(now: number): void {
    check('now', now, 0, maxTime);
    this.now = now;
    this.liveSince = Math.max(0, now - this.options.lifetime);
  }

  /** True if the entry at `slot` was last used longer ago than the lifetime. */
  isExpired(slot: number): boolean {
    return this.pool.timeAt(slot) < this.liveSince;
  }

  /** Counts the entry at `slot`, which is about to leave, and tells the listener. */
  announceRemoval(slot: number, reason: RemovalReason): void {
    if (reason === 'expired') this.counters.expirations++;
    else this.counters.evictions++;
    this.options.onRemove?.(this.pool.value(slot)!, reason, slot);
  }

  /** Blocks, indices, orders and objects of the tables; not the values that they refer to. */
  get bytes(): number {
    const objectBytes =
      this.tables * tableObjectBytes + this.indices * indexObjectBytes + this.orders * orderObjectBytes;
    return this.pool.allocatedSlots * (this.pool.slotBytes + orderBytesPerSlot) + this.indexBytes + objectBytes;
  }

  size(): LruSize {
    const { tables, entries, slots, bytes } = this;
    return { tables, entries, slots, bytes };
  }
}

function check(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`${name}: is ${value}; use a whole number from ${min} to ${max}`);
}
