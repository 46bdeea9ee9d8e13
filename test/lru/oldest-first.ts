import type { LruFamily } from '../../src/lru/lru-family.ts';
import { notYet } from '../../src/lru/recency-order.ts';
import type { ResizableLru } from '../../src/lru/resizable-lru.ts';
import { noSlot } from '../../src/lru/slot-pool.ts';

/** The slots of a table from the oldest entry to the newest, expired ones too. */
export function slotsOldestFirst<V>(table: ResizableLru<V>): number[] {
  const slots: number[] = [];
  for (let slot = table.oldest; slot !== noSlot; ) {
    slots.push(slot);
    const last = slot;
    do slot = table.newerThan(last);
    while (slot === notYet);
  }
  return slots;
}

export function valuesOldestFirst<V>(table: ResizableLru<V>, family: LruFamily<V>): V[] {
  return slotsOldestFirst(table).map((slot) => family.pool.value(slot)!);
}
