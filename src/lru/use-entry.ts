// hot

import type { LruFamily } from './lru-family.ts';
import type { SlotIndex } from './slot-index.ts';
import { slotMask, tagMask } from './slot-index.ts';
import { keyWord, newerWord, noSlot, olderWord, segmentMask, segmentOrder, timeWord } from './slot-pool.ts';

// V8 reads an imported or exported constant from its module at each use, and folds one that is neither into the code.
const none = noSlot;
const order = segmentOrder;
const placeMask = segmentMask;
const newerAt = newerWord;
const olderAt = olderWord;
const timeAt = timeWord;
const keyAt = keyWord;
const key1At = keyWord + 1;
const key2At = keyWord + 2;
const key3At = keyWord + 3;
const slotBits = slotMask;
const tagBits = tagMask;
/** See `tagOf` of the index. */
const tagHigh = 0x0f00_0000;

/** LinkedSlots is the part of a `RecencyTable` that a use reads and changes. */
interface LinkedSlots<V> {
  readonly family: LruFamily<V>;
  readonly index: SlotIndex<V> | undefined;
  newest: number;
  oldest: number;
  find(hash: number, key0: number, key1: number, key2: number, key3: number): number;
}

/**
 * The value of a key, which is the newest now; `undefined` when the key is not there or has expired.
 *
 * A hit waits for memory, and the fewer instructions it takes the sooner the processor comes to the memory that the
 * next hit waits for. So this is `SlotIndex.find` written out, and each function here and `SlotPool.hash` are small
 * enough (460 bytes of bytecode, 920 together) for V8 to inline all of them into their caller.
 */
export function useEntry<V>(
  table: LinkedSlots<V>,
  key0: number,
  key1: number,
  key2: number,
  key3: number,
): V | undefined {
  const { index } = table;
  if (index !== undefined) {
    const { pool, liveSince } = table.family;
    const { words, stride, keyWords } = pool;
    const { cells } = index;
    const mask = cells.length - 1;
    const hash = pool.hash(key0, key1, key2, key3);
    const tag = (hash << 28) | ((hash >>> 4) & tagHigh);
    for (let probe = hash & mask; ; probe = (probe + 1) & mask) {
      const cell = cells[probe]!;
      if (cell === 0) break;
      if (((cell ^ tag) & tagBits) !== 0) continue;
      const slot = (cell & slotBits) - 1;
      const own = words[slot >>> order]!;
      const at = ((slot & placeMask) * stride) | 0;
      if (own[at + key1At] !== key1 || own[at + keyAt] !== key0) continue;
      if (keyWords !== 2 && (own[at + key2At] !== key2 || own[at + key3At] !== key3)) continue;
      if (own[at + timeAt]! < liveSince) return undefined;
      makeNewest(table, slot, own, at);
      return pool.values[slot >>> order]![slot & placeMask];
    }
    if (!index.isMoving) return undefined;
  }
  return useSlowly(table, key0, key1, key2, key3);
}

/** The same where there is no index, or a key may be in the part of it that is still moving. */
function useSlowly<V>(table: LinkedSlots<V>, key0: number, key1: number, key2: number, key3: number): V | undefined {
  const hash = table.family.pool.hash(key0, key1, key2, key3);
  const slot = table.find(hash, key0, key1, key2, key3);
  if (slot === none || !refreshSlot(table, slot, table.family.liveSince)) return undefined;
  return table.family.pool.value(slot);
}

/** Makes a slot the newest and stamps it; false, and nothing of that, when it was last used before `since`. */
export function refreshSlot<V>(table: LinkedSlots<V>, slot: number, since: number): boolean {
  const { words, stride } = table.family.pool;
  const own = words[slot >>> order]!;
  const at = ((slot & placeMask) * stride) | 0;
  if (own[at + timeAt]! < since) return false;
  makeNewest(table, slot, own, at);
  return true;
}

/** `own` and `at`: where the slot's words are. */
function makeNewest<V>(table: LinkedSlots<V>, slot: number, own: Int32Array, at: number): void {
  const { pool, now } = table.family;
  const { words, stride } = pool;
  own[at + timeAt] = now;
  const { newest } = table;
  if (slot === newest) return;
  const newer = own[at + newerAt]!;
  const older = own[at + olderAt]!;
  words[newer >>> order]![((newer & placeMask) * stride + olderAt) | 0] = older;
  if (older === none) table.oldest = newer;
  else words[older >>> order]![((older & placeMask) * stride + newerAt) | 0] = newer;
  own[at + newerAt] = none;
  own[at + olderAt] = newest;
  words[newest >>> order]![((newest & placeMask) * stride + newerAt) | 0] = slot;
  table.newest = slot;
}
