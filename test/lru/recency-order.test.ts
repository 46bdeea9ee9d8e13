import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LruFamily } from '../../src/lru/lru-family.ts';
import { RecencyOrder } from '../../src/lru/recency-order.ts';
import { RecencyTable } from '../../src/lru/recency-table.ts';
import { RecencyWalk } from '../../src/lru/recency-walk.ts';
import { ResizableLru } from '../../src/lru/resizable-lru.ts';
import { noSlot } from '../../src/lru/slot-pool.ts';
import { useEntry } from '../../src/lru/use-entry.ts';
import { heldBytes } from '../bench/memory.ts';
import { valuesOldestFirst } from './oldest-first.ts';

/** More on demand: PROPERTY_RUNS=10000 node --test test/lru/recency-order.test.ts */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 60);
const lifetime = 1000;
const options = { keyWords: 2, lifetime, growWithin: lifetime, initialCapacity: 1, maxCapacity: 4096 } as const;

interface Phase {
  readonly op:
    | 'hitAny'
    | 'hitHot'
    | 'hitOldest'
    | 'insert'
    | 'delete'
    | 'evict'
    | 'purge'
    | 'resize'
    | 'advance'
    | 'walk';
  readonly amount: number;
}

const phase: fc.Arbitrary<Phase> = fc.record({
  op: fc.constantFrom(
    ...([
      'hitAny',
      'hitHot',
      'hitOldest',
      'insert',
      'insert',
      'delete',
      'evict',
      'purge',
      'resize',
      'advance',
      'walk',
    ] as const),
  ),
  amount: fc.integer({ min: 1, max: 1500 }),
});

/** A large table beside a Map whose entries are deleted and set again at each use: oldest first, key → time of the last use. */
class Pair {
  readonly family = new LruFamily<number>(options);
  readonly lru = new ResizableLru(this.family);
  readonly model = new Map<number, number>();
  #random = 1;
  #nextKey = 0;

  constructor(seed: number) {
    this.#random = seed;
  }

  run({ op, amount }: Phase): void {
    if (op === 'advance') this.family.advance(this.family.now + amount);
    else if (op === 'purge') this.#purge(amount);
    else if (op === 'resize') this.#resize(Math.max(1, amount));
    else if (op === 'walk') this.#walk(amount);
    else for (let i = 0; i < amount; i++) this.#change(op);
  }

  /** The oldest first, until nothing is left. */
  drain(): void {
    while (this.model.size > 0) this.#change('evict');
    assert.equal(this.lru.count, 0);
  }

  #change(op: Phase['op']): void {
    const { lru, family, model } = this;
    if (op === 'insert') this.#insert(this.#nextKey++);
    else if (op === 'evict') {
      const oldest = model.keys().next();
      if (!oldest.done) assert.equal(family.pool.value(lru.oldest), oldest.value);
      assert.equal(lru.evictOldest(), !oldest.done);
      model.delete(oldest.value ?? -1);
    } else {
      const key = this.#pick(op);
      if (op === 'delete') assert.equal(lru.delete(0, key), model.delete(key) ? key : undefined);
      else this.#use(key);
    }
  }

  #pick(op: Phase['op']): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
    const random = (this.#random >>> 8) / 2 ** 24;
    if (op === 'hitOldest') return this.model.keys().next().value ?? 0;
    if (op === 'hitHot') return this.#nextKey - 1 - Math.floor(random * 40);
    return Math.floor(random * this.#nextKey);
  }

  #insert(key: number): void {
    const { lru, family, model } = this;
    const oldest = model.entries().next().value;
    if (model.size === lru.capacity && oldest !== undefined) {
      const isInUse = family.now - oldest[1] <= lifetime;
      if (!isInUse || lru.capacity === options.maxCapacity) model.delete(oldest[0]);
    }
    lru.set(key, 0, key);
    model.set(key, family.now);
  }

  #use(key: number): void {
    const { lru, family, model } = this;
    const usedAt = model.get(key);
    const isLive = usedAt !== undefined && family.now - usedAt <= lifetime;
    assert.equal(lru.get(0, key), isLive ? key : undefined);
    if (!isLive) return;
    model.delete(key);
    model.set(key, family.now);
  }

  #purge(limit: number): void {
    const expired = [...this.model].filter(([, usedAt]) => this.family.now - usedAt > lifetime).slice(0, limit);
    assert.equal(this.lru.purgeExpired(limit), expired.length);
    for (const [key] of expired) this.model.delete(key);
  }

  #resize(capacity: number): void {
    this.lru.resize(capacity);
    for (const key of [...this.model.keys()].slice(0, Math.max(0, this.model.size - capacity))) this.model.delete(key);
  }

  /** The beginning of a walk, which has the table rank on. */
  #walk(limit: number): void {
    const walk = new RecencyWalk(this.lru, this.family);
    const expected = this.model.keys();
    for (let i = 0; i < limit; i++) {
      const slot = walk.next();
      if (slot === noSlot) assert.equal(expected.next().done, true);
      if (slot === noSlot) return;
      if (slot >= 0) assert.equal(this.family.pool.value(slot), expected.next().value);
    }
  }
}

test('a large table evicts exactly what was used longest ago, whatever it was used for', () => {
  const property = fc.property(
    fc.integer(),
    fc.array(phase, { minLength: 1, maxLength: 40, size: 'max' }),
    (seed, phases) => {
      const pair = new Pair(seed);
      pair.run({ op: 'insert', amount: 1500 });
      for (const each of phases) pair.run(each);
      assert.equal(pair.lru.count, pair.model.size);
      for (const [key, usedAt] of pair.model) {
        assert.equal(pair.family.pool.timeAt(pair.lru.slotOf(0, key)), usedAt);
      }
      pair.drain();
    },
  );
  fc.assert(property, { numRuns });
});

for (const { name, first } of [
  { name: 'the largest number of 31 bits', first: 2 ** 31 - 3000 },
  { name: 'all numbers of 32 bits', first: -3000 },
]) {
  test(`the order of uses holds while their count goes beyond ${name}`, () => {
    const family = new LruFamily<number>(options);
    const table = new RecencyTable(family, 4096);
    const model = new Map<number, number>();
    const hash = (key: number): number => family.pool.hash(0, key, 0, 0);
    const add = (key: number): void => {
      table.add(key, hash(key), 0, key, 0, 0);
      model.set(key, key);
    };
    for (let key = 0; key < 2000; key++) add(key);
    table.clock = first;
    let random = 7;
    for (let key = 2000; key < 3000; key++) {
      for (let i = 0; i < 8; i++) {
        random = (Math.imul(random, 1664525) + 1013904223) | 0;
        const used = (random >>> 8) % key;
        assert.equal(useEntry(table, 0, used, 0, 0), model.get(used));
        if (model.delete(used)) model.set(used, used);
      }
      add(key);
      assert.equal(family.pool.value(table.oldest), model.keys().next().value);
      table.take(table.oldest);
      model.delete(model.keys().next().value!);
    }
    for (const key of model.keys()) {
      assert.equal(family.pool.value(table.oldest), key);
      table.take(table.oldest);
    }
  });
}

test('a small table counts anew after 2^30 uses and keeps its order', () => {
  const family = new LruFamily<number>(options);
  const table = new RecencyTable(family, 128);
  for (let key = 0; key < 100; key++) table.add(key, family.pool.hash(0, key, 0, 0), 0, key, 0, 0);
  table.clock = 2 ** 30;
  for (let key = 0; key < 100; key += 2) useEntry(table, 0, key, 0, 0);
  table.tendOrder();
  assert.equal(table.clock, 100);
  useEntry(table, 0, 1, 0, 0);
  const expected = [
    ...odd(3),
    ...odd(0)
      .map((key) => key - 1)
      .slice(0),
    1,
  ];
  for (const key of expected) {
    assert.equal(family.pool.value(table.oldest), key);
    table.take(table.oldest);
  }
});

/** Odd numbers below 100, those from `from` on. */
function odd(from: number): number[] {
  return Array.from({ length: 50 }, (_, i) => 2 * i + 1).filter((number) => number >= from);
}

test('a large table knows its oldest entry before it is asked, whatever it is used for', (context) => {
  const family = new LruFamily<number>({ ...options, maxCapacity: 20_000 });
  const lru = new ResizableLru(family);
  const ranking = context.mock.method(RecencyOrder.prototype, 'rankMore');
  let random = 7;
  const below = (limit: number): number => {
    random = (Math.imul(random, 1664525) + 1013904223) | 0;
    return (random >>> 8) % limit;
  };
  let next = 0;
  for (const use of [
    () => lru.set(next, 0, next++),
    () => lru.get(0, below(next)),
    () => lru.set(next, 0, next++),
    () => lru.get(0, next - 1 - below(20_000)),
    () => lru.get(0, family.pool.value(lru.oldest) ?? -1),
    () => (below(3) > 0 ? lru.get(0, next - 1 - below(20_000)) : lru.set(next, 0, next++)),
    () => lru.delete(0, next - 1 - below(20_000)),
    () => lru.evictOldest(),
  ]) {
    for (let i = 0; i < 30_000; i++) {
      use();
      // A small table ranks nothing.
      if (lru.count <= 128) continue;
      const before = ranking.mock.callCount();
      assert.notEqual(lru.oldest, noSlot);
      assert.equal(ranking.mock.callCount(), before);
    }
  }
  assert.equal(lru.count, 0);
});

test('no use of a large table looks at more than a small part of it', () => {
  const family = new LruFamily<number>({ ...options, maxCapacity: 40_000 });
  const table = new RecencyTable(family, 40_000);
  const runAt = table.runAt.bind(table);
  let looks = 0;
  table.runAt = (place) => {
    looks++;
    return Math.min(64, runAt(place));
  };
  let most = 0;
  let random = 7;
  for (let key = 0; key < 40_000; key++) {
    looks = 0;
    table.add(key, family.pool.hash(0, key, 0, 0), 0, key, 0, 0);
    most = Math.max(most, looks);
  }
  for (let i = 0; i < 200_000; i++) {
    looks = 0;
    random = (Math.imul(random, 1664525) + 1013904223) | 0;
    useEntry(table, 0, (random >>> 8) % 40_000, 0, 0);
    if (i % 3 === 0) table.makeNewest(table.oldest);
    most = Math.max(most, looks);
  }
  assert.ok(most <= 8, `${most} times 64 places`);
});

test('a walk over a large table that is used meanwhile is in order and comes to an end', () => {
  const family = new LruFamily<number>(options);
  const lru = new ResizableLru(family);
  for (let key = 0; key < 3000; key++) lru.set(key, 0, key);
  const { bytes } = family;
  const walk = new RecencyWalk(lru, family);
  const visited = new Set<number>();
  let lastTime = 0;
  let parts = 0;
  for (let isDone = false; !isDone; parts++) {
    for (let i = 0; i < 100 && !isDone; i++) {
      const slot = walk.next();
      isDone = slot === noSlot;
      if (slot < 0) continue;
      visited.add(family.pool.value(slot)!);
      assert.ok(family.pool.timeAt(slot) >= lastTime);
      lastTime = family.pool.timeAt(slot);
    }
    walk.pause();
    if (parts < 50) for (let i = 0; i < 20; i++) lru.get(0, (parts * 997 + i * 131) % 3000);
  }
  assert.equal(visited.size, 3000);
  assert.equal(family.bytes, bytes);
  assert.equal(valuesOldestFirst(lru, family).length, 3000);
});

test('what a table holds for its order is in its bytes after a walk, whatever its entries were used for', () => {
  const count = 4 * 8192;
  const family = new LruFamily<number>({ ...options, maxCapacity: count });
  const lru = new ResizableLru(family);
  heldBytes();
  const before = process.memoryUsage().arrayBuffers;
  for (let key = 0; key < count; key++) lru.set(key, 0, key);
  let random = 7;
  for (let i = 0; i < 3 * count; i++) {
    random = (Math.imul(random, 1664525) + 1013904223) | 0;
    lru.get(0, (random >>> 8) % count);
  }
  const walk = new RecencyWalk(lru, family);
  let visited = 0;
  for (let slot = walk.next(); slot !== noSlot; slot = walk.next()) if (slot >= 0) visited++;
  assert.equal(visited, count);
  heldBytes();
  const held = process.memoryUsage().arrayBuffers - before;
  // Values are no array buffers, and the pool has a byte of its own for each slot.
  assert.equal(lru.count, count);
  assert.ok(held < family.bytes - 7 * count + 50_000, `${held} of ${family.bytes}`);
});
