// hot

import type { LruFamily } from './lru-family.ts';
import type { SlotIndex } from './slot-index.ts';
import { tagHighMask, tagMask, takenBit } from './slot-index.ts';
import { hashKey, keyWord, noSlot, segmentMask, segmentOrder, stampWord, timeWord } from './slot-pool.ts';

// V8 reads what is imported or exported from its module at each use, and folds a constant that is neither into the code.
const hashOf = hashKey;
const none = noSlot;
const order = segmentOrder;
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

/** StampedSlots is the part of a `RecencyTable` that a use reads and changes. */
export interface StampedSlots<V> {
  readonly family: LruFamily<V>;
  readonly index: SlotIndex<V> | undefined;
  clock: number;
  find(hash: number, key0: number, key1: number, key2: number, key3: number): number;
  /** Makes a slot the newest, whatever its stamp is now. */
  makeNewest(slot: number): void;
}

/**
 * The value of a key, which is the newest now; `undefined` when the key is not there or has expired.
 *
 * A hit waits for memory, and the fewer instructions it takes the sooner the processor comes to the memory that the
 * next hit waits for. So this is `SlotIndex.find` written out, and each function here and `SlotPool.hash` are small
 * enough (460 bytes of bytecode, 920 together) for V8 to inline all of them into their caller. Nearly always the entry is a recent
 * one, and to make it the newest is to write the next stamp beside its key (see `RecencyOrder`).
 */
export function useEntry<V>(
  table: StampedSlots<V>,
  key0: number,
  key1: number,
  key2: number,
  key3: number,
): V | undefined {
  const { index } = table;
  if (index !== undefined) {
    const { cells, mask, words, stride, keyWords } = index;
    const hash = hashOf(index, key0, key1, key2, key3);
    const tag = (hash << 28) | ((hash >>> 4) & tagHigh) | taken;
    for (let probe = hash & mask; ; probe = (probe + 1) & mask) {
      const cell = cells[probe]!;
      const slot = cell ^ tag;
      if ((slot & tagBits) !== 0) {
        if (cell === 0) break;
        continue;
      }
      const own = words[slot >>> order]!;
      const at = Math.imul(slot & placeMask, stride);
      if (own[(at + key1At) | 0] !== key1 || own[(at + keyAt) | 0] !== key0) continue;
      if (keyWords !== 2 && (own[(at + key2At) | 0] !== key2 || own[(at + key3At) | 0] !== key3)) continue;
      const { family } = table;
      if (own[(at + timeAt) | 0]! < family.liveSince) return useOld(table, slot);
      own[(at + timeAt) | 0] = family.now;
      own[(at + stampAt) | 0] = table.clock;
      table.clock = (table.clock + 1) | 0;
      family.counters.hits++;
      return index.values[slot >>> order]![slot & placeMask];
    }
    if (!index.isMoving) {
      table.family.counters.misses++;
      return undefined;
    }
  }
  return useSlowly(table, key0, key1, key2, key3);
}

/** The same where there is no index, or a key may be in the part of it that is still moving. */
function useSlowly<V>(table: StampedSlots<V>, key0: number, key1: number, key2: number, key3: number): V | undefined {
  const { family } = table;
  const slot = table.find(family.pool.hash(key0, key1, key2, key3), key0, key1, key2, key3);
  if (slot !== none) return useOld(table, slot);
  family.counters.misses++;
  return undefined;
}

/** Uses an entry that is expired, or ranked: marks are lower than any time. */
function useOld<V>(table: StampedSlots<V>, slot: number): V | undefined {
  const { family } = table;
  if (family.isExpired(slot)) {
    family.counters.misses++;
    return undefined;
  }
  family.counters.hits++;
  table.makeNewest(slot);
  return family.pool.value(slot);
}
