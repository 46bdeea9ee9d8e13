import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { readThreadBytes, watchThreadMemory } from '../../src/support/thread-memory.ts';

const mebibyte = 1024 * 1024;

test('readThreadBytes tells heap and buffers of a thread that is busy, and nothing once it has ended', async (t) => {
  const code = `
    const buffer = Buffer.alloc(64 * ${mebibyte}, 1);
    const list = Array.from({ length: 2_000_000 }, (_, index) => ({ index }));
    require('node:worker_threads').parentPort.postMessage('ready');
    for (const endMs = Date.now() + 60_000; Date.now() < endMs; ) list[Date.now() % list.length].index += buffer[7];`;
  const worker = new Worker(code, { eval: true });
  t.after(() => worker.terminate());
  watchThreadMemory(worker);
  if (!('getHeapStatistics' in worker)) return t.skip('this Node.js does not tell');
  await once(worker, 'message');
  let bytes = readThreadBytes();
  while (bytes === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    bytes = readThreadBytes();
  }
  assert.ok(bytes > 100 * mebibyte && bytes < 400 * mebibyte, `${bytes / mebibyte} MiB`);
  await worker.terminate();
  assert.equal(readThreadBytes(), 0);
});
