import type { LruFamily } from '../../src/lru/lru-family.ts';
import type { ResizableLru } from '../../src/lru/resizable-lru.ts';
import { newerWord, noSlot } from '../../src/lru/slot-pool.ts';

/** The slots of a table from the oldest entry to the newest, expired ones too. */
export function slotsOldestFirst<V>(table: ResizableLru<V>, { pool }: LruFamily<V>): number[] {
  const slots: number[] = [];
  for (let slot = table.oldest; slot !== noSlot; slot = pool.link(slot, newerWord)) slots.push(slot);
  return slots;
}

export function valuesOldestFirst<V>(table: ResizableLru<V>, family: LruFamily<V>): V[] {
  return slotsOldestFirst(table, family).map((slot) => family.pool.value(slot)!);
}
