import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LruOptions } from '../../src/lru/lru-family.ts';
import { LruFamily } from '../../src/lru/lru-family.ts';
import { ResizableLru } from '../../src/lru/resizable-lru.ts';
import { collidingKeys } from './colliding-keys.ts';
import { valuesOldestFirst } from './oldest-first.ts';

const defaults: LruOptions<number> = {
  keyWords: 2,
  lifetime: 100,
  growWithin: 100,
  initialCapacity: 1,
  maxCapacity: 2 ** 20,
};

function createLru(options: Partial<LruOptions<number>> = {}): {
  lru: ResizableLru<number>;
  family: LruFamily<number>;
} {
  const family = new LruFamily<number>({ ...defaults, ...options });
  return { lru: new ResizableLru(family), family };
}

// Around the sizes at which something changes: the index begins and ends, a block becomes a list of blocks, the index
// grows, a segment of the pool is full.
const boundaries = [
  1, 2, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 511, 512, 513, 767, 768, 1023, 1024, 1025, 8191, 8192, 8193,
];

for (const size of boundaries) {
  test(`a table of ${size} entries keeps all of them in order while it grows, empties and shrinks`, () => {
    const { lru, family } = createLru();
    for (let i = 0; i < size; i++) lru.set(i, i >>> 3, i);
    for (let i = 0; i < size; i++) assert.equal(lru.get(i >>> 3, i), i);
    assert.deepEqual(
      valuesOldestFirst(lru, family),
      Array.from({ length: size }, (_, i) => i),
    );
    for (let i = 0; i < size; i += 3) assert.equal(lru.delete(i >>> 3, i), i);
    for (let i = 0; i < size; i++) assert.equal(lru.peek(i >>> 3, i), i % 3 === 0 ? undefined : i);
    const rest = Array.from({ length: size }, (_, i) => i).filter((i) => i % 3 !== 0);
    assert.deepEqual(valuesOldestFirst(lru, family), rest);
    const half = Math.max(1, rest.length >>> 1);
    lru.resize(half);
    assert.deepEqual(valuesOldestFirst(lru, family), rest.slice(-half));
    while (lru.evictOldest());
    assert.equal(lru.count, 0);
    lru.dispose();
    const { tables, entries, slots, bytes } = family.size();
    assert.deepEqual({ tables, entries, slots, bytes }, { tables: 0, entries: 0, slots: 0, bytes: 0 });
  });

  test(`a table capped at ${size} entries evicts exactly the oldest`, () => {
    const { lru, family } = createLru({ maxCapacity: size });
    for (let i = 0; i < 2 * size + 1; i++) lru.set(i, 0, i);
    assert.deepEqual(
      valuesOldestFirst(lru, family),
      Array.from({ length: size }, (_, i) => i + size + 1),
    );
    assert.equal(family.counters.evictions, size + 1);
    assert.equal(family.size().entries, size);
  });
}

test('a large table does what a Map that is re-inserted into does', () => {
  const { lru, family } = createLru({ maxCapacity: 3000, seed: 7 });
  const model = new Map<number, number>();
  let random = 12345;
  for (let step = 0; step < 60_000; step++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const key = (random >>> 8) % 4000;
    const previous = model.get(key);
    model.delete(key);
    if (random % 16 < 3) {
      assert.equal(lru.delete(0, key), previous);
    } else {
      if (model.size === 3000) model.delete(model.keys().next().value!);
      model.set(key, step);
      assert.equal(lru.set(step, 0, key), previous);
    }
    if (step % 20_000 === 19_999) {
      const size = 200 + (step % 7);
      lru.resize(size);
      for (const stale of [...model.keys()].slice(0, Math.max(0, model.size - size))) model.delete(stale);
      assert.deepEqual(valuesOldestFirst(lru, family), [...model.values()]);
      lru.resize(3000);
    }
  }
  assert.deepEqual(valuesOldestFirst(lru, family), [...model.values()]);
  assert.equal(family.size().entries, model.size);
});

test('what leaves while the index is moving is not found in its older part', () => {
  for (const size of [33, 513, 4097]) {
    const { lru } = createLru();
    for (let i = 0; i < size; i++) lru.set(i, 0, i);
    for (let i = size - 1; i > size - size / 4; i--) {
      assert.equal(lru.delete(0, i), i);
      assert.equal(lru.touch(0, i), false);
    }
  }
});

test('two thousand keys with one hash are all told apart', () => {
  const { lru } = createLru({ seed: 99 });
  const keys = collidingKeys(2, 2000, 99);
  for (const [i, key] of keys.entries()) lru.set(i, ...key);
  for (const [i, key] of keys.entries()) if (i % 2 === 0) lru.delete(...key);
  for (const [i, key] of keys.entries()) assert.equal(lru.peek(...key), i % 2 === 0 ? undefined : i);
});

test('a full table doubles for entries of this cycle and evicts those of an earlier one', () => {
  const { lru, family } = createLru({ growWithin: 5, initialCapacity: 2 });
  lru.set(1, 0, 1);
  lru.set(2, 0, 2);
  family.advance(5);
  lru.set(3, 0, 3);
  assert.equal(lru.capacity, 4);
  lru.set(4, 0, 4);
  family.advance(6);
  lru.set(5, 0, 5);
  assert.deepEqual([lru.capacity, ...valuesOldestFirst(lru, family)], [4, 2, 3, 4, 5]);
});

test('a lifetime runs from the last use, read or write', () => {
  const { lru, family } = createLru();
  lru.set(1, 0, 1);
  lru.set(2, 0, 2);
  lru.set(3, 0, 3);
  family.advance(60);
  lru.get(0, 1);
  lru.set(20, 0, 2);
  family.advance(101);
  assert.deepEqual([lru.peek(0, 1), lru.peek(0, 2), lru.get(0, 3)], [1, 20, undefined]);
  assert.equal(lru.purgeExpired(10), 1);
  assert.equal(lru.count, 2);
});

test('an expired entry is not revived by reading it', () => {
  const { lru, family } = createLru();
  lru.set(1, 0, 1);
  family.advance(101);
  assert.deepEqual([lru.get(0, 1), lru.touch(0, 1), lru.holdsExpired(0, 1)], [undefined, false, true]);
  assert.equal(lru.purgeExpired(10), 1);
});

test('purgeExpired takes no more than its limit and in the end everything that has expired', () => {
  const { lru, family } = createLru();
  for (let i = 0; i < 100; i++) {
    family.advance(i);
    lru.set(i, 0, i);
  }
  family.advance(150);
  assert.deepEqual([lru.purgeExpired(30), lru.purgeExpired(30), lru.purgeExpired(30)], [30, 20, 0]);
  assert.equal(lru.count, 50);
});

test('time that goes back is taken as standing still', () => {
  const { lru, family } = createLru();
  family.advance(500);
  lru.set(1, 0, 1);
  family.advance(3);
  lru.set(2, 0, 2);
  family.advance(600);
  assert.deepEqual([lru.peek(0, 1), lru.peek(0, 2)], [1, 2]);
});

test('a table shrinks only when it is sparse twice in a row', () => {
  const { lru } = createLru({ initialCapacity: 2 });
  for (let i = 0; i < 16; i++) lru.set(i, 0, i);
  for (let i = 0; i < 13; i++) lru.delete(0, i);
  lru.tend();
  assert.equal(lru.capacity, 16);
  lru.set(1, 0, 1);
  lru.set(2, 0, 2);
  lru.tend();
  lru.delete(0, 1);
  lru.tend();
  assert.equal(lru.capacity, 16);
  lru.tend();
  assert.deepEqual([lru.capacity, lru.count], [8, 4]);
});

test('memory that tables leave is used again and goes back to the system', () => {
  const family = new LruFamily<number>({ ...defaults, keyWords: 4 });
  const heldBytes: number[] = [];
  for (let round = 0; round < 5; round++) {
    const tables = Array.from({ length: 3000 }, () => new ResizableLru(family));
    for (const [i, table] of tables.entries()) for (let k = 0; k < i % 40; k++) table.set(k, 1, 2, 3, k);
    heldBytes.push(family.pool.heldBytes);
    for (const table of tables) table.dispose();
    assert.equal(family.size().bytes, 0);
  }
  assert.ok(Math.max(...heldBytes) <= heldBytes[0]!, `held ${heldBytes}`);
  assert.ok(family.pool.heldBytes < heldBytes[0]! / 4, 'all but a spare segment is given back');
});

for (const { name, options } of [
  { name: 'a lifetime of 0', options: { lifetime: 0, growWithin: 0 } },
  { name: 'growWithin beyond the lifetime', options: { growWithin: 101 } },
  { name: 'a fraction of a slot', options: { initialCapacity: 1.5 } },
  { name: 'an initial capacity above the largest one', options: { maxCapacity: 4, initialCapacity: 8 } },
  { name: 'more than 2^23 slots', options: { maxCapacity: 2 ** 23 + 1 } },
]) {
  test(`LruFamily refuses ${name}`, () => {
    assert.throws(() => createLru(options), { name: 'RangeError', message: /: is .*; use a whole number from / });
  });
}

test('resize refuses what is no capacity and changes nothing', () => {
  const { lru } = createLru();
  lru.set(1, 0, 1);
  for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 24]) assert.throws(() => lru.resize(capacity), RangeError);
  assert.deepEqual([lru.capacity, lru.count], [1, 1]);
});
