import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { atOnce } from '../../../src/support/steps.ts';
import { saveSnapshot, writeSnapshot } from '../../../src/symbols/snapshot/save-snapshot.ts';
import { fileIdOf, processOf, symbolOf } from '../../support/batch.ts';
import { StoreHarness, stubOf, submitted } from '../store-harness.ts';
import { loadHarness, save, temporaryFolder } from './snapshot-harness.ts';

function filledHarness(symbolCount: number, perFile = 100): StoreHarness {
  const harness = new StoreHarness();
  const symbols = Array.from({ length: symbolCount }, (_, i) =>
    submitted(
      fileIdOf(Math.floor(i / perFile)),
      BigInt(i),
      symbolOf(`function_${i}`, { filePath: `/src/${i % 50}.c` }),
    ),
  );
  harness.learn({ symbols });
  return harness;
}

test('many sections, and a file that goes over them, come back as they were', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const harness = filledHarness(30_000, 29_000);
  const { counts, bytes } = await save(harness.store, path, { nowMs: 0 });
  assert.deepEqual(counts, { files: 2, symbols: 30_000, owners: 0, stubs: 0 });
  assert.ok(bytes > 3 * 256 * 1024);
  assert.equal(statSync(path).size, bytes);
  const { harness: restored } = await loadHarness(path);
  for (let i = 0; i < 30_000; i++) {
    const symbol = restored.find(fileIdOf(Math.floor(i / 29_000)), BigInt(i));
    assert.deepEqual([symbol?.functionName, symbol?.filePath], [`function_${i}`, `/src/${i % 50}.c`]);
  }
  const { strings, symbols } = restored.store.stats();
  assert.deepEqual({ strings, symbols }, { strings: 30_050, symbols: 30_000 });
});

test('nobody but the owner may read a snapshot', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  await save(filledHarness(1).store, path, { nowMs: 0 });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('what would make a snapshot too large is left out, the coldest first, and stubs never', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const harness = filledHarness(20_000);
  const owner = { process: processOf(7) };
  harness.learn({ stubs: Array.from({ length: 100 }, (_, i) => stubOf(owner, BigInt(i * 16), 16n, `stub${i}`)) });
  for (let i = 0; i < 100; i++) harness.find(fileIdOf(3), BigInt(300 + i));
  const maxBytes = 256 * 1024;
  const { bytes, leftOut, counts } = await save(harness.store, path, { nowMs: 0, maxBytes });
  assert.ok(bytes <= maxBytes && bytes > maxBytes / 3, `${bytes} bytes`);
  assert.ok(leftOut > 5000 && counts.symbols > 3000, `${leftOut} left out, ${counts.symbols} are there`);
  const { harness: restored } = await loadHarness(path, {}, { maxBytes });
  assert.equal(restored.name(fileIdOf(3), 399n), 'function_399');
  assert.equal(restored.name(fileIdOf(199), 19_999n), 'function_19999');
  assert.equal(restored.name(fileIdOf(0), 0n), undefined);
  assert.equal(restored.nameIn(processOf(7), 1599n), 'stub99');
});

test('stubs that are too large for a snapshot fail it, and the last one stays', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  await save(filledHarness(1).store, path, { nowMs: 0 });
  const before = readFileSync(path);
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process: processOf(7) }, 0n, 16n, 'x'.repeat(5000))] });
  await assert.rejects(save(harness.store, path, { nowMs: 0, maxBytes: 4000 }), /needs more than max_size_mib \(4000/);
  assert.deepEqual(readFileSync(path), before);
  assert.ok(!existsSync(`${path}.tmp`));
});

test('a store with a smaller budget takes the warmest of a snapshot', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const harness = filledHarness(1000);
  await save(harness.store, path, { nowMs: 0 });
  const { harness: restored, evicted } = await loadHarness(path, { max_entries: 202 });
  assert.equal(evicted, 1010 - 202);
  assert.equal(restored.store.stats().evictions, 0);
  assert.equal(restored.name(fileIdOf(8), 800n), 'function_800');
  assert.equal(restored.name(fileIdOf(7), 799n), undefined);
});

test('time that passed while nothing ran counts against the lifetime', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const harness = new StoreHarness({ lifetime: '10s' });
  harness.learnName(fileIdOf(1), 1n, 'old');
  harness.learn({ stubs: [stubOf({ process: processOf(1) }, 0n, 16n, 'old stub')] });
  harness.nowMs = 4000;
  harness.learnName(fileIdOf(1), 2n, 'new');
  harness.learn({ stubs: [stubOf({ process: processOf(2) }, 0n, 16n, 'new stub')] });
  await save(harness.store, path, { nowMs: harness.nowMs });
  const { harness: restored, expired } = await loadHarness(path, { lifetime: '10s' }, { passedMs: 7000, nowMs: 50 });
  const names = (): unknown[] => [
    restored.name(fileIdOf(1), 1n),
    restored.store.knowsInFile(fileIdOf(1), 0, 2),
    restored.nameIn(processOf(1), 0n),
    restored.store.knowsInProcess('a'.repeat(32), processOf(2), 0, 0),
  ];
  assert.equal(expired, 2);
  assert.deepEqual(names(), [undefined, true, undefined, true]);
  // Three seconds are left of ten.
  restored.nowMs = 3000;
  restored.store.at(restored.nowMs).purge();
  assert.deepEqual(names(), [undefined, true, undefined, true]);
});

test('what was not used since lives on for no longer than it would have', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const harness = new StoreHarness({ lifetime: '10s' });
  harness.learnName(fileIdOf(1), 1n, 'f');
  harness.learn({ stubs: [stubOf({ process: processOf(1) }, 0n, 16n, 'stub')] });
  await save(harness.store, path, { nowMs: 0 });
  const { harness: restored } = await loadHarness(path, { lifetime: '10s' }, { passedMs: 7000 });
  restored.nowMs = 3100;
  atOnce(restored.store.at(restored.nowMs).resubmitStubs());
  restored.store.at(restored.nowMs).purge();
  assert.deepEqual([restored.name(fileIdOf(1), 1n), restored.nameIn(processOf(1), 0n)], [undefined, undefined]);
  assert.equal(restored.store.stats().liveStubs, 0);
});

test('stubs of processes that have exited are not kept', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process: processOf(1) }, 0n, 16n, 'stub')], processExits: [processOf(1)] });
  const { counts } = await save(harness.store, path, { nowMs: 0 });
  assert.deepEqual([counts.owners, counts.stubs], [0, 0]);
});

test('two processes of one ID that are both alive come back alive', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const harness = new StoreHarness();
  const processes = [processOf(1, { startTimeNano: 1n }), processOf(1, { startTimeNano: 2n })];
  for (const process of processes) harness.learn({ stubs: [stubOf({ process }, 0n, 16n, `${process.startTimeNano}`)] });
  const samples = processes.map((process) => ({ process, frames: [], timestamps: [1n] }));
  harness.learn({ samples });
  await save(harness.store, path, { nowMs: 0 });
  const { harness: restored } = await loadHarness(path);
  for (let i = 0; i < 3; i++) restored.cycle();
  assert.deepEqual(
    processes.map((process) => restored.nameIn(process, 0n)),
    ['1', '2'],
  );
});

test('a disk that is full fails the write', { skip: !existsSync('/dev/full') }, async (context) => {
  const file = await open('/dev/full', 'w');
  context.after(() => file.close());
  const options = { nowMs: 0, unixNano: 0n, maxBytes: 1 << 30, pause: async () => undefined };
  const { signal } = new AbortController();
  await assert.rejects(writeSnapshot(file, { ...options, signal, store: filledHarness(10).store }), { code: 'ENOSPC' });
});

test('a write that is broken off leaves the last snapshot, and nothing else', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'symbols');
  const { store } = filledHarness(5000);
  await save(store, path, { nowMs: 0 });
  const before = readFileSync(path);
  const stop = new AbortController();
  const options = { store, nowMs: 0, unixNano: 0n, maxBytes: 1 << 30, pause: async () => stop.abort() };
  await assert.rejects(saveSnapshot(path, { ...options, signal: stop.signal }), /abort/i);
  assert.deepEqual(readFileSync(path), before);
  assert.deepEqual(readdirSync(folder), ['symbols']);
});
