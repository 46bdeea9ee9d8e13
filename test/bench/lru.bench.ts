import assert from 'node:assert/strict';
import { LruFamily } from '../../src/lru/lru-family.ts';
import { ResizableLru } from '../../src/lru/resizable-lru.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds, quantile } from './bench.ts';
import type { CacheContender } from './lru-contenders.ts';
import { lruCache, plainMap, reinsertingMap, resizableLru } from './lru-contenders.ts';
import { heldBytes, measureBytes } from './memory.ts';
import { zipfTrace } from './zipf.ts';

const sizes = [10_000, 100_000, 1_000_000];
const traceLength = 1 << 16;
const growthRounds = 5;

/** The least-recently-used table against the usual choice and against the floor. */
export const suite: BenchSuite = {
  name: 'lru',
  async run({ rounds }) {
    const rows: BenchRow[] = [];
    for (const size of sizes) rows.push(...(await compareAt(size, rounds)));
    rows.push(
      ...(await bytesPerEntry(1_000_000)),
      ...bytesPerTable(),
      ...longestStops(1_000_000),
      ...resizing(1_000_000),
    );
    return rows;
  },
};

async function compareAt(size: number, rounds: number): Promise<BenchRow[]> {
  const contenders = await contendersOf(size);
  for (const { addAll } of contenders) addAll(0, size);
  const trace = zipfTrace(size, traceLength);
  const strangers = trace.map((number) => number + size);
  const label = `${size / 1000}k`;
  for (const { what, getAll } of contenders) {
    assert.deepEqual([getAll(trace), getAll(strangers)], [traceLength, 0], what);
  }
  const perKey = { unit: 'ns', rounds, runsPerRound: 1, convert: (nanoseconds: number) => nanoseconds / traceLength };
  const reading = (verb: string, keys: Uint32Array): BenchRow[] =>
    compareInRounds(
      contenders.map(({ what, getAll }) => ({ what: `${verb} ${label}: ${what}`, run: () => getAll(keys) })),
      perKey,
    );
  const rows = [...reading('get-hit', trace), ...reading('get-miss', strangers)];
  const evicting = contenders.filter(({ what }) => !what.startsWith('Map, small'));
  let next = 2 * size;
  const added = traceLength >>> 3;
  const adding = evicting.map(({ what, addAll }) => ({
    what: `insert-with-evict ${label}: ${what}`,
    run: () => {
      next += added;
      addAll(next, added);
    },
  }));
  rows.push(...compareInRounds(adding, { ...perKey, convert: (nanoseconds) => nanoseconds / added }));
  return [...rows, ...purging(contenders, size, label)];
}

async function contendersOf(size: number): Promise<CacheContender[]> {
  const all = [resizableLru(size), plainMap(), await lruCache(size, 'string'), await lruCache(size, 'double')];
  // Beyond ten thousand keys it takes minutes: V8 walks over all deleted keys for the first live one.
  if (size <= 10_000) all.push(reinsertingMap(size));
  return all.filter((contender) => contender !== undefined);
}

/** What it takes to let everything go after the lifetime, an entry; once, because it is gone then. */
function purging(contenders: readonly CacheContender[], size: number, label: string): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const { what, purge } of contenders) {
    if (purge === undefined) continue;
    const start = performance.now();
    purge();
    const median = ((performance.now() - start) * 1e6) / size;
    rows.push({ what: `purge ${label}: ${what}`, unit: 'ns', median, spread: 0 });
  }
  return rows;
}

async function bytesPerEntry(size: number): Promise<BenchRow[]> {
  const rows: (BenchRow | undefined)[] = [
    await bytesOf(resizableLru, size),
    await bytesOf(plainMap, size),
    await bytesOf((count) => lruCache(count, 'double'), size),
    await bytesOf((count) => lruCache(count, 'string'), size),
  ];
  return rows.filter((row) => row !== undefined);
}

type Make = (count: number) => CacheContender | undefined | Promise<CacheContender | undefined>;

/** In a call of its own, so that nothing still holds the contender before it; a small one first, for the code. */
async function bytesOf(make: Make, size: number): Promise<BenchRow | undefined> {
  (await make(10))?.addAll(0, 10);
  const before = heldBytes();
  const contender = await make(size);
  if (contender === undefined) return undefined;
  contender.addAll(0, size);
  const bytes = heldBytes() - before;
  assert.equal(contender.getAll(new Uint32Array(1)), 1);
  return { what: `bytes an entry 1000k: ${contender.what}`, unit: 'B', median: bytes / size, spread: 0 };
}

/** Tables of one family, as a JVM's methods have them; the values are shared and cost nothing. */
function bytesPerTable(): BenchRow[] {
  const tableCount = 50_000;
  return [1, 2, 3, 5, 8, 16, 64].map((entries) => {
    const options = { keyWords: 2, lifetime: 1000, growWithin: 1000, initialCapacity: 1, maxCapacity: 512 } as const;
    const { made, bytes } = measureBytes(() => {
      const family = new LruFamily<number>(options);
      return Array.from({ length: tableCount }, () => {
        const table = new ResizableLru(family);
        for (let i = 0; i < entries; i++) table.set(0, 0, i);
        return table;
      });
    });
    assert.equal(made.length, tableCount);
    const what = `bytes a table of ${entries} ${entries === 1 ? 'entry' : 'entries'}`;
    return { what, unit: 'B', median: bytes / tableCount, spread: 0 };
  });
}

/**
 * The longest single insertion while a table grows from nothing, pauses of the garbage collector included. The shortest of
 * several rounds: whatever else the machine does can only add to it.
 */
function longestStops(size: number): BenchRow[] {
  const ours: number[] = [];
  const maps: number[] = [];
  for (let round = 0; round < growthRounds; round++) {
    const lru = createGrowingLru(size);
    ours.push(longestCall(size, (i) => lru.set(i, 0x7f3a, i << 4)));
    const map = new Map<number, number>();
    maps.push(longestCall(size, (i) => map.set(0x7f3a * 2 ** 32 + i * 16, i)));
  }
  return [
    { what: 'longest stop while growing to 1000k: Map<double>', unit: 'ms', median: Math.min(...maps), spread: 0 },
    {
      what: 'longest stop while growing to 1000k: ResizableLru',
      unit: 'ms',
      median: Math.min(...ours),
      spread: 0,
      ratioTo: { what: 'Map<double>', ratio: Math.min(...ours) / Math.min(...maps) },
    },
  ];
}

/** Half of the entries leave, and the capacity comes back. */
function resizing(size: number): BenchRow[] {
  const shrinkMs: number[] = [];
  const growMs: number[] = [];
  for (let round = 0; round < growthRounds; round++) {
    const lru = createGrowingLru(size);
    for (let i = 0; i < size; i++) lru.set(i, 0x7f3a, i << 4);
    shrinkMs.push(longestCall(1, () => lru.resize(size / 2)));
    growMs.push(longestCall(1, () => lru.resize(size)));
  }
  return [rowOf('resize 1000k to 500k, evicting 500k', shrinkMs), rowOf('resize 500k to 1000k', growMs)];
}

function createGrowingLru(size: number): ResizableLru<number> {
  const options = { keyWords: 2, lifetime: 1000, growWithin: 1000, initialCapacity: 8, maxCapacity: size } as const;
  return new ResizableLru(new LruFamily<number>(options));
}

function longestCall(count: number, call: (i: number) => void): number {
  let longestMs = 0;
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    call(i);
    const ms = performance.now() - start;
    if (ms > longestMs) longestMs = ms;
  }
  return longestMs;
}

function rowOf(what: string, values: readonly number[]): BenchRow {
  const spread = quantile(values, 0.75) - quantile(values, 0.25);
  return { what, unit: 'ms', median: quantile(values, 0.5), spread };
}
