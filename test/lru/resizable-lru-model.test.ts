import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LruOptions } from '../../src/lru/lru-family.ts';
import { LruFamily } from '../../src/lru/lru-family.ts';
import { ResizableLru } from '../../src/lru/resizable-lru.ts';
import { collidingKeys } from './colliding-keys.ts';
import { slotsOldestFirst } from './oldest-first.ts';
import { PlainLru } from './plain-lru.ts';

/** More on demand: PROPERTY_RUNS=100000 node --test test/lru/resizable-lru-model.test.ts */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 100);

type Key = readonly [number, number, number, number];

type Step =
  | { readonly op: 'get' | 'peek' | 'touch' | 'set' | 'delete'; readonly key: number }
  | { readonly op: 'purge' | 'resize' | 'advance' | 'setMany' | 'getMany'; readonly amount: number }
  | { readonly op: 'tend' | 'trim' | 'evictOldest' };

const keyed = fc.record({
  op: fc.constantFrom('get', 'get', 'peek', 'touch', 'set', 'set', 'set', 'delete'),
  key: fc.nat(99),
}) as fc.Arbitrary<Step>;
const counted = fc.oneof(
  fc.record({ op: fc.constant('advance'), amount: fc.constantFrom(1, 1, 5, 10, 11, 40, 1000) }),
  fc.record({ op: fc.constant('purge'), amount: fc.constantFrom(1, 3, 1000) }),
  fc.record({ op: fc.constant('resize'), amount: fc.integer({ min: 1, max: 130 }) }),
  fc.record({ op: fc.constantFrom('setMany', 'getMany'), amount: fc.integer({ min: 1, max: 60 }) }),
) as fc.Arbitrary<Step>;
const plain = fc.record({ op: fc.constantFrom('tend', 'tend', 'trim', 'evictOldest') }) as fc.Arbitrary<Step>;
const steps = fc.array(fc.oneof({ weight: 6, arbitrary: keyed }, { weight: 2, arbitrary: counted }, plain), {
  maxLength: 160,
  size: 'max',
});

const settings = fc
  .record({
    lifetime: fc.constantFrom(1, 10, 2000),
    growFraction: fc.constantFrom(0, 0.5, 1),
    initialCapacity: fc.integer({ min: 1, max: 8 }),
    maxCapacity: fc.constantFrom(8, 17, 64, 128),
    seed: fc.integer(),
  })
  .map(({ growFraction, ...rest }) => ({ ...rest, growWithin: Math.floor(rest.lifetime * growFraction) }));

for (const { name, keyWords, keysFor } of [
  { name: '64-bit keys', keyWords: 2 as const, keysFor: () => spreadKeys(2) },
  { name: '128-bit keys', keyWords: 4 as const, keysFor: () => spreadKeys(4) },
  {
    name: '64-bit keys that all collide',
    keyWords: 2 as const,
    keysFor: (seed: number) => collidingKeys(2, 100, seed),
  },
  {
    name: '128-bit keys that all collide',
    keyWords: 4 as const,
    keysFor: (seed: number) => collidingKeys(4, 100, seed),
  },
]) {
  test(`ResizableLru does what the plain model does, with ${name}`, () => {
    const property = fc.property(settings, steps, (options, script) => {
      run({ ...options, keyWords }, keysFor(options.seed), script);
    });
    fc.assert(property, { numRuns });
  });
}

function run(options: LruOptions<number>, keys: readonly Key[], script: readonly Step[]): void {
  const removed: string[] = [];
  const family = new LruFamily<number>({
    ...options,
    onRemove: (_value, reason, slot) => removed.push(`${nameAt(slot)} ${reason}`),
  });
  const nameAt = (slot: number): string => nameOf(family, slot);
  const real = new ResizableLru(family);
  const model = new PlainLru<number>(options);
  const names = keys.map((key) => key.slice(0, options.keyWords).join());
  for (const [i, step] of script.entries()) {
    assert.deepEqual(apply(real, family, keys, step, i), applyPlain(model, names, step, i));
    assert.deepEqual(
      slotsOldestFirst(real).map((slot) => `${nameAt(slot)}=${family.pool.value(slot)}`),
      model.entries.map(({ key, value }) => `${key}=${value}`),
    );
    assert.deepEqual({ ...family.counters, capacity: real.capacity }, { ...model.counters, capacity: model.capacity });
    assert.equal(family.size().entries, model.entries.length);
    assert.equal(family.size().slots, model.capacity);
  }
  assert.deepEqual(removed, model.removed);
}

function apply(lru: ResizableLru<number>, family: LruFamily<number>, keys: readonly Key[], step: Step, value: number) {
  switch (step.op) {
    case 'set':
      return lru.set(value, ...keys[step.key]!);
    case 'get':
    case 'peek':
    case 'touch':
    case 'delete':
      return lru[step.op](...keys[step.key]!);
    case 'setMany':
      return keys.slice(0, step.amount).map((key) => lru.set(value, ...key));
    case 'getMany':
      return keys.slice(0, step.amount).map((key) => lru.get(...key));
    case 'purge':
      return lru.purgeExpired(step.amount);
    case 'resize':
      return lru.resize(step.amount);
    case 'advance':
      return family.advance(family.now + step.amount);
    default:
      return lru[step.op]();
  }
}

function applyPlain(lru: PlainLru<number>, names: readonly string[], step: Step, value: number) {
  switch (step.op) {
    case 'set':
      return lru.set(value, names[step.key]!);
    case 'get':
    case 'peek':
    case 'touch':
    case 'delete':
      return lru[step.op](names[step.key]!);
    case 'setMany':
      return names.slice(0, step.amount).map((name) => lru.set(value, name));
    case 'getMany':
      return names.slice(0, step.amount).map((name) => lru.get(name));
    case 'purge':
      return lru.purgeExpired(step.amount);
    case 'resize':
      return lru.resize(step.amount);
    case 'advance':
      lru.now += step.amount;
      return undefined;
    default:
      return lru[step.op]();
  }
}

function nameOf(family: LruFamily<number>, slot: number): string {
  const words = Array.from({ length: family.options.keyWords }, (_, i) => family.pool.keyWord(slot, i));
  return words.join();
}

/** Keys that differ in one word only, and with words of both signs. */
function spreadKeys(keyWords: 2 | 4): Key[] {
  return Array.from({ length: 100 }, (_, i) => {
    const key: [number, number, number, number] = [-1, 0x7fff_ffff, 0, 0];
    key[i % keyWords] = (Math.floor(i / keyWords) * 0x1000_0001) | 0;
    return key;
  });
}
