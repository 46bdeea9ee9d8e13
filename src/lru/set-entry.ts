// hot

import type { RecencyOrder } from './recency-order.ts';
import type { SlotIndex } from './slot-index.ts';
import { tagHighMask, tagMask, takenBit } from './slot-index.ts';
import { hashKey, keyWord, noSlot, segmentMask, segmentOrder, stampWord, timeWord } from './slot-pool.ts';
import type { StampedSlots } from './use-entry.ts';

// Not imported, so that V8 folds them into the code (see use-entry.ts).
const hashOf = hashKey;
const none = noSlot;
const segmentShift = segmentOrder;
const placeMask = segmentMask;
const timeAt = timeWord;
const stampAt = stampWord;
const keyAt = keyWord;
const key1At = keyWord + 1;
const key2At = keyWord + 2;
const key3At = keyWord + 3;
const tagBits = tagMask;
const tagHigh = tagHighMask;
const taken = takenBit;

/** ChangingSlots is the part of a `RecencyTable` that sets entries. */
interface ChangingSlots<V> extends StampedSlots<V> {
  readonly order: RecencyOrder<V> | undefined;
  readonly count: number;
  readonly capacity: number;
  /** Slot of the entry that was used longest ago; ranked where there is an order. */
  readonly oldest: number;
  add(value: V, hash: number, key0: number, key1: number, key2: number, key3: number): void;
  take(slot: number): void;
  setCapacity(capacity: number): void;
  tendOrder(): void;
}

/**
 * Gives a key a value and makes it the newest; returns the value that it had. A full table takes the place of its oldest
 * entry, or doubles when that one was used within `growWithin`.
 *
 * Written out like `useEntry`, for a table with an index: what is looked up in table, index and pool serves for the key that comes and for
 * the one that leaves, and the cell at which the search for the one has ended is where it goes. In methods of the table, each of which
 * looks all of that up, it takes 1.4 times as long.
 */
export function setEntry<V>(
  table: ChangingSlots<V>,
  value: V,
  key0: number,
  key1: number,
  key2: number,
  key3: number,
): V | undefined {
  const { index } = table;
  if (index === undefined || index.isMoving) return setSlowly(table, value, key0, key1, key2, key3);
  const { cells, mask, words, stride, keyWords } = index;
  const hash = hashOf(index, key0, key1, key2, key3);
  const tag = (hash << 28) | ((hash >>> 4) & tagHigh) | taken;
  let free = hash & mask;
  for (let cell = cells[free]!; cell !== 0; cell = cells[free]!) {
    const slot = cell ^ tag;
    free = (free + 1) & mask;
    if ((slot & tagBits) !== 0) continue;
    const own = words[slot >>> segmentShift]!;
    const at = Math.imul(slot & placeMask, stride);
    if (own[(at + key1At) | 0] !== key1 || own[(at + keyAt) | 0] !== key0) continue;
    if (keyWords === 2 || (own[(at + key2At) | 0] === key2 && own[(at + key3At) | 0] === key3)) {
      return update(table, slot, value);
    }
  }
  if (table.count < table.capacity) {
    table.family.counters.inserts++;
    table.add(value, hash, key0, key1, key2, key3);
    return undefined;
  }
  const slot = table.oldest;
  const own = words[slot >>> segmentShift]!;
  const at = Math.imul(slot & placeMask, stride);
  const mark = own[(at + timeAt) | 0]!;
  const time = mark < 0 ? own[(at + stampAt) | 0]! : mark;
  if (!evicts(table, slot, time)) return setSlowly(table, value, key0, key1, key2, key3);
  table.family.counters.inserts++;
  index.exchange(slot, hashIn(index, own, at), hash, free);
  index.values[slot >>> segmentShift]![slot & placeMask] = value;
  own[(at + timeAt) | 0] = table.family.now;
  own[(at + stampAt) | 0] = table.clock;
  own[(at + keyAt) | 0] = key0;
  own[(at + key1At) | 0] = key1;
  if (keyWords !== 2) {
    own[(at + key2At) | 0] = key2;
    own[(at + key3At) | 0] = key3;
  }
  table.clock = (table.clock + 1) | 0;
  if (mark < 0) table.order!.evict(mark);
  else table.tendOrder();
  return undefined;
}

/** True if the oldest entry of a full table, last used at `time`, has to leave, which is announced; else the table has doubled. */
function evicts<V>(table: ChangingSlots<V>, slot: number, time: number): boolean {
  const { family, capacity } = table;
  const { growWithin, maxCapacity } = family.options;
  if (capacity < maxCapacity && family.now - time <= growWithin) {
    family.counters.grows++;
    table.setCapacity(Math.min(capacity * 2, maxCapacity));
    return false;
  }
  family.announceRemoval(slot, time < family.liveSince ? 'expired' : 'evicted');
  return true;
}

function hashIn<V>(index: SlotIndex<V>, own: Int32Array, at: number): number {
  const key0 = own[(at + keyAt) | 0]!;
  const key1 = own[(at + key1At) | 0]!;
  if (index.keyWords === 2) return hashOf(index, key0, key1, 0, 0);
  return hashOf(index, key0, key1, own[(at + key2At) | 0]!, own[(at + key3At) | 0]!);
}

/** The same for a table without an index, or one whose keys are moving in it. */
function setSlowly<V>(
  table: ChangingSlots<V>,
  value: V,
  key0: number,
  key1: number,
  key2: number,
  key3: number,
): V | undefined {
  const { pool, counters } = table.family;
  const hash = pool.hash(key0, key1, key2, key3);
  const slot = table.find(hash, key0, key1, key2, key3);
  if (slot !== none) return update(table, slot, value);
  if (table.count === table.capacity) {
    const { oldest } = table;
    if (evicts(table, oldest, pool.timeAt(oldest))) table.take(oldest);
  }
  counters.inserts++;
  table.add(value, hash, key0, key1, key2, key3);
  return undefined;
}

function update<V>(table: ChangingSlots<V>, slot: number, value: V): V | undefined {
  const { pool, counters } = table.family;
  const previous = pool.value(slot);
  pool.setValue(slot, value);
  table.makeNewest(slot);
  counters.updates++;
  return previous;
}
