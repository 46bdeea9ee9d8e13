import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { loadSnapshot } from '../../src/symbols/snapshot/load-snapshot.ts';
import { saveSnapshot } from '../../src/symbols/snapshot/save-snapshot.ts';
import { SnapshotEncoder } from '../../src/symbols/snapshot/snapshot-encoder.ts';
import type { StoreRestore } from '../../src/symbols/snapshot/store-restore.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { batchOf, fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { configOf, stubOf, submitted } from '../symbols/store-harness.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { quantile } from './bench.ts';

const symbolCount = 1_000_000;
const nativeSymbols = 400_000;
const methodsPerFile = 4;
const stubCount = 65_536;
const symbolsPerBatch = 2000;
const arithmeticPerStep = 200_000;
/** A snapshot takes seconds; more rounds would tell no more. */
const maxRounds = 5;

/** What a snapshot of a full store costs: 400,000 frames of one binary, the others four to a file, and a process with stubs. */
export const suite: BenchSuite = {
  name: 'snapshot',
  async run({ rounds }) {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-bench-'));
    try {
      return await measure(join(folder, 'symbols'), Math.min(rounds, maxRounds));
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function measure(path: string, rounds: number): Promise<BenchRow[]> {
  const store = fillStore();
  const times = { write: [] as number[], load: [] as number[], step: [] as number[], idle: [] as number[] };
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const written = await write(store, path);
    times.write.push(written.durationMs / 1000);
    bytes = written.bytes;
    const steps = await stepTimes(store);
    times.step.push(...steps);
    times.idle.push(...(await arithmetic(steps.length)));
  }
  // Only now: collecting a million symbols that were loaded would be taken for a part of the steps.
  for (let round = 0; round < rounds; round++) times.load.push((await load(path)) / 1000);
  const count = `${symbolCount / 1e6} M symbols`;
  const contents = readFileSync(path);
  return [
    rowOf(`write of ${count}, as fast as it can`, 's', times.write),
    ...stepRows('a step, for which the event loop waits', times.step),
    ...stepRows('as much arithmetic, for what the machine adds', times.idle),
    rowOf(`load of ${count}`, 's', times.load),
    rowOf('size', 'bytes/symbol', [bytes / symbolCount]),
    rowOf('size with gzip', 'bytes/symbol', [gzipSync(contents, { level: 1 }).length / symbolCount]),
    rowOf('size with zstd', 'bytes/symbol', [zstdCompressSync(contents).length / symbolCount]),
  ];
}

function fillStore(): SymbolStore {
  const store = emptyStore();
  for (let first = 0; first < symbolCount; first += symbolsPerBatch) {
    const symbols = Array.from({ length: symbolsPerBatch }, (_, i) => {
      const number = first + i;
      const isNative = number < nativeSymbols;
      const file = isNative ? 1 : 2 + Math.floor(number / methodsPerFile);
      const name = isNative
        ? `std::__1::vector<app::Item${number}>::emplace_back_slow_path`
        : `com.example.service.Handler${number >>> 5}.lambda$process$${number & 31}`;
      const filePath = isNative ? `/src/app/module${number >>> 7}.cc` : `Handler${number >>> 5}.java`;
      return submitted(fileIdOf(file), BigInt(number * 16), symbolOf(name, { filePath, line: number & 1023 }));
    });
    store.at(0).learn(batchOf({ symbols }));
  }
  const owner = { process: processOf(1) };
  const stubs = Array.from({ length: stubCount }, (_, i) => stubOf(owner, BigInt(i * 64), 64n, `stub ${i}`));
  store.at(0).learn(batchOf({ stubs }));
  assert.equal(store.stats().symbols, symbolCount + stubCount);
  return store;
}

function emptyStore(): SymbolStore {
  return new SymbolStore(configOf({ max_entries: 4_000_000, max_size_mib: 4096 }), () => 0.3);
}

async function write(store: SymbolStore, path: string): Promise<{ durationMs: number; bytes: number }> {
  const began = performance.now();
  const { bytes } = await saveSnapshot(path, {
    store,
    nowMs: 0,
    unixNano: 0n,
    maxBytes: 2 ** 30,
    pause: () => setImmediate(),
    signal: new AbortController().signal,
  });
  return { durationMs: performance.now() - began, bytes };
}

async function stepTimes(store: SymbolStore): Promise<number[]> {
  const walk = store.walk(0);
  const encoder = new SnapshotEncoder();
  const times: number[] = [];
  for (let isMore = true; isMore; await setImmediate()) {
    const began = performance.now();
    isMore = walk.step(1024, encoder);
    if (encoder.isFull) encoder.takeSection();
    times.push(performance.now() - began);
  }
  return times;
}

/** Steps that take about as long and touch no memory: their outliers are those of the machine. */
async function arithmetic(steps: number): Promise<number[]> {
  const times: number[] = [];
  for (; times.length < steps; await setImmediate()) {
    const began = performance.now();
    for (let i = 0; i < arithmeticPerStep; i++) sum = (Math.imul(sum, 31) + i) | 0;
    times.push(performance.now() - began);
  }
  return times;
}

let sum = 0;

async function load(path: string): Promise<number> {
  const store = emptyStore();
  const began = performance.now();
  let restore: StoreRestore | undefined;
  await loadSnapshot(path, 2 ** 30, () => {
    restore = store.restore(0, 0);
    return restore;
  });
  store.adopt(restore!.finish().contents);
  const durationMs = performance.now() - began;
  assert.equal(store.stats().symbols, symbolCount + stubCount);
  return durationMs;
}

function stepRows(what: string, stepsMs: readonly number[]): BenchRow[] {
  return [
    rowOf(what, 'ms', stepsMs),
    ...[0.99, 0.999, 1].map((part) => {
      const share = part === 1 ? 'the longest' : `${part * 100} % within`;
      return { what: `  ${share}`, unit: 'ms', median: quantile(stepsMs, part), spread: 0 };
    }),
  ];
}

function rowOf(what: string, unit: string, values: readonly number[]): BenchRow {
  const spread = quantile(values, 0.75) - quantile(values, 0.25);
  return { what, unit, median: quantile(values, 0.5), spread };
}
