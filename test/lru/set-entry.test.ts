import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LruFamily } from '../../src/lru/lru-family.ts';
import { RankList } from '../../src/lru/rank-list.ts';
import { RecencyTable } from '../../src/lru/recency-table.ts';
import { ResizableLru } from '../../src/lru/resizable-lru.ts';
import { setEntry } from '../../src/lru/set-entry.ts';
import { timeWord } from '../../src/lru/slot-pool.ts';
import { useEntry } from '../../src/lru/use-entry.ts';
import { heldBytes } from '../bench/memory.ts';

const options = { keyWords: 2, lifetime: 1000, growWithin: 1000, initialCapacity: 1, maxCapacity: 100 } as const;

/** The same numbers in every run, below 2^24. */
function randomNumbers(): () => number {
  let random = 7;
  return () => {
    random = (Math.imul(random, 1664525) + 1013904223) | 0;
    return random >>> 8;
  };
}

for (const { name, cells, homes, keyWords } of [
  { name: 'far from each other', cells: 256, homes: 256, keyWords: 2 as const },
  { name: 'in two runs of cells', cells: 256, homes: 24, keyWords: 2 as const },
  { name: 'at few homes, and of 128 bits', cells: 256, homes: 3, keyWords: 4 as const },
  { name: 'around the end of the index', cells: 256, homes: -20, keyWords: 2 as const },
]) {
  test(`a full table finds each key while others take the places of the oldest, whose keys lie ${name}`, () => {
    const family = new LruFamily<number>({ ...options, keyWords });
    const lru = new ResizableLru(family);
    // Homes of a table of 100 entries, which has 256 cells; with a negative number those on both sides of the last one.
    const isHome = (home: number): boolean =>
      homes > 0 ? home % (cells / 2) < homes || homes === cells : home < -homes || home > cells + homes;
    const keys: number[] = [];
    for (let key = 0; keys.length < 300; key++) {
      if (isHome(family.pool.hash(key, 1, 2, key) & (cells - 1))) keys.push(key);
    }
    const model = new Map<number, number>();
    const next = randomNumbers();
    for (let i = 0; i < 20_000; i++) {
      const key = keys[next() % keys.length]!;
      const oldest = model.keys().next().value!;
      if (next() % 4 === 0) {
        const value = model.get(key);
        assert.equal(lru.get(key, 1, 2, key), value);
        if (value === undefined) continue;
        model.delete(key);
        model.set(key, value);
        continue;
      }
      assert.equal(lru.set(i, key, 1, 2, key), model.get(key));
      if (!model.delete(key) && model.size === 100) model.delete(oldest);
      model.set(key, i);
      if (i % 50 === 0) for (const each of keys) assert.equal(lru.peek(each, 1, 2, each), model.get(each));
    }
    assert.equal(lru.count, 100);
    const { inserts, evictions } = family.counters;
    assert.equal(inserts - evictions, 100);
  });
}

test('a table whose entries only come and go looks at the place of each once for it to leave', (context) => {
  const count = 20_000;
  const { table, set } = createFullTable(count);
  for (let key = count; key < 5 * count; key++) set(key);
  const gathering = context.mock.method(RankList.prototype, 'gather');
  for (let key = 5 * count; key < 15 * count; key++) set(key);
  assert.equal(table.count, count);
  const places = gathering.mock.calls.reduce((sum, call) => sum + call.arguments[3], 0);
  assert.ok(places < 12 * count, `${places} places for ${10 * count} entries that left`);
});

test('no entry that takes the place of the oldest has a large table looked at but for a small part', (context) => {
  const count = 40_000;
  const { family, table, set } = createFullTable(count);
  const gathering = context.mock.method(RankList.prototype, 'gather');
  const next = randomNumbers();
  let most = 0;
  for (let key = count; key < 6 * count; key++) {
    set(key);
    // For a while some are used, so that the list has to be sorted.
    if (key % (2 * count) > count && key % 40 === 0) table.makeNewest(table.slotAt(next() % count));
    const places = gathering.mock.calls.reduce((sum, call) => sum + call.arguments[3], 0);
    most = Math.max(most, places);
    gathering.mock.resetCalls();
  }
  assert.equal(family.counters.evictions, 5 * count);
  assert.ok(most > 0 && most <= 512, `${most} places`);
});

/** A table of `count` entries that has no room for more, and how another one is set. */
function createFullTable(count: number): {
  family: LruFamily<number>;
  table: RecencyTable<number>;
  set: (key: number) => void;
} {
  const family = new LruFamily<number>({ ...options, maxCapacity: count });
  const table = new RecencyTable(family, count);
  const set = (key: number): void => {
    setEntry(table, key, 0, key, 0, 0);
  };
  for (let key = 0; key < count; key++) set(key);
  return { family, table, set };
}

test('what a table in which entries only come and go holds for their order is in its bytes', () => {
  const count = 12 * 8192;
  const family = new LruFamily<number>({ ...options, maxCapacity: count });
  const lru = new ResizableLru(family);
  heldBytes();
  const before = process.memoryUsage().arrayBuffers;
  let key = 0;
  for (const turns of [1.5, 2.5, 3.5, 4.5]) {
    for (; key < turns * count; key++) lru.set(0, 0, key);
    heldBytes();
    const held = process.memoryUsage().arrayBuffers - before;
    // Values are no array buffers, and the pool has a byte of its own for each slot.
    assert.ok(held < family.bytes - 7 * count + 50_000, `${held} of ${family.bytes} after ${turns} turns`);
  }
  assert.equal(lru.count, count);
});

test('a table whose entries are used as often as they leave has no more than two thirds of them ranked', () => {
  const count = 20_000;
  const { family, table, set } = createFullTable(count);
  const next = randomNumbers();
  for (let key = count; key < 6 * count; key++) {
    set(key);
    useEntry(table, 0, key - (next() % count), 0, 0);
    if (key % 1000 !== 0) continue;
    let ranked = 0;
    for (let place = 0; place < count; place++) if (family.pool.word(table.slotAt(place), timeWord) < 0) ranked++;
    assert.ok(ranked > 0 && ranked < (2 / 3) * count, `${ranked} are ranked`);
  }
});

test('a full small table counts anew after 2^30 uses', () => {
  const { table, set } = createFullTable(100);
  table.clock = 2 ** 30;
  set(100);
  assert.equal(table.clock, 100);
  for (let key = 1; key <= 100; key++) {
    assert.equal(table.family.pool.value(table.oldest), key);
    table.take(table.oldest);
  }
});
