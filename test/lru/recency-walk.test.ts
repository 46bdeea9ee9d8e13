import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LruFamily } from '../../src/lru/lru-family.ts';
import { notYet } from '../../src/lru/recency-order.ts';
import { RecencyWalk } from '../../src/lru/recency-walk.ts';
import { ResizableLru } from '../../src/lru/resizable-lru.ts';
import { noSlot } from '../../src/lru/slot-pool.ts';
import { valuesOldestFirst } from './oldest-first.ts';

const numRuns = Number(process.env.PROPERTY_RUNS ?? 300);
const lifetime = 1_000_000;

function createTable(): { table: ResizableLru<number>; family: LruFamily<number> } {
  const family = new LruFamily<number>({
    keyWords: 2,
    lifetime,
    growWithin: lifetime,
    initialCapacity: 1,
    maxCapacity: 2 ** 20,
  });
  return { table: new ResizableLru(family), family };
}

/** Visits at most `limit` entries; tells their values and times. */
function visit(
  walk: RecencyWalk<number>,
  family: LruFamily<number>,
  limit: number,
): { values: number[]; times: number[] } {
  const values: number[] = [];
  const times: number[] = [];
  while (values.length < limit) {
    const slot = walk.next();
    if (slot === noSlot) break;
    if (slot === notYet) continue;
    values.push(family.pool.value(slot)!);
    times.push(family.pool.timeAt(slot));
  }
  walk.pause();
  return { values, times };
}

test('a walk over a table that rests is in order of last use, each entry once, in parts of any size', () => {
  for (const limit of [1, 7, 600, 5000]) {
    const { table, family } = createTable();
    for (let i = 0; i < 2000; i++) table.set(i, 0, i);
    for (let i = 0; i < 2000; i += 3) table.get(0, i);
    const expected = valuesOldestFirst(table, family);
    const walk = new RecencyWalk(table, family);
    const visited: number[] = [];
    for (let part = visit(walk, family, limit); part.values.length > 0; part = visit(walk, family, limit)) {
      visited.push(...part.values);
    }
    assert.deepEqual(visited, expected);
  }
});

interface Change {
  readonly op: 'get' | 'set' | 'delete' | 'evict' | 'advance' | 'touchNext';
  readonly key: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  op: fc.constantFrom('get', 'get', 'get', 'set', 'delete', 'evict', 'advance', 'touchNext'),
  key: fc.nat(99),
});

test('a walk misses nothing that stays, and times never decrease, whatever happens between its parts', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 12 }),
    fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 60 }),
    (limit, pauses) => {
      const { table, family } = createTable();
      for (let i = 0; i < 80; i++) {
        if (i % 20 === 0) family.advance(family.now + 1);
        table.set(i, 0, i);
      }
      const staying = new Set(Array.from({ length: 80 }, (_, i) => i));
      const visited = new Set<number>();
      const walk = new RecencyWalk(table, family);
      let lastTime = 0;
      for (let i = 0; ; i++) {
        const { values, times } = visit(walk, family, limit);
        if (values.length === 0) break;
        for (const value of values) visited.add(value);
        for (const time of times) {
          assert.ok(time >= lastTime);
          lastTime = time;
        }
        for (const { op, key } of pauses[i] ?? []) {
          if (op === 'get') table.get(0, key);
          if (op === 'set') table.set(key, 0, key);
          if (op === 'advance') family.advance(family.now + 1);
          if (op === 'delete' && key < 20) table.delete(0, key);
          if (op === 'evict' && key < 20) staying.delete(family.pool.value(table.oldest) ?? -1);
          if (op === 'evict' && key < 20) table.evictOldest();
          if (op === 'delete' && key < 20) staying.delete(key);
          // The entries around the place of the walk, which a replayed stack would use one after the other.
          if (op === 'touchNext') for (const value of values) table.touch(0, value);
        }
      }
      assert.deepEqual(
        [...staying].filter((key) => !visited.has(key)),
        [],
      );
    },
  );
  fc.assert(property, { numRuns });
});

test('a walk over a table that was emptied or given up ends', () => {
  const { table, family } = createTable();
  for (let i = 0; i < 100; i++) table.set(i, 0, i);
  const walk = new RecencyWalk(table, family);
  visit(walk, family, 10);
  table.dispose();
  assert.deepEqual(visit(walk, family, 10).values, []);
});
