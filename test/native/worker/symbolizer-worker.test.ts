import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import type { Worker } from 'node:worker_threads';
import { FilePresence } from '../../../src/native/files/file-presence.ts';
import type { SymbolizeRequest, WorkerOptions } from '../../../src/native/worker/messages.ts';
import { SymbolizerWorker } from '../../../src/native/worker/symbolizer-worker.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const options: WorkerOptions = {
  search: { procRoot: '/proc', debugDirectories: [], maxFileBytes: 2 ** 32 },
  ...{ debugInfo: 'inlines', demangle: true, directory: tmpdir(), maxTableBytes: 2 ** 25, maxInflatedBytes: 2 ** 30 },
  idleMs: 1000,
};
const request: SymbolizeRequest = {
  id: 1,
  file: { fileId: '0'.repeat(32), gnuBuildId: '', fileName: '' },
  // Of no process.
  pids: [2 ** 30],
  addresses: Float64Array.of(1),
};

test('a request that takes longer than the timeout ends the worker, and the next one gets a new one', async (t) => {
  const clock = new FakeClock();
  const client = new SymbolizerWorker(options, { timeoutMs: 10_000, maxHeapMib: 96 }, clock);
  t.after(() => client.stop());
  const late = client.ask(request);
  await clock.advance(10_000);
  assert.deepEqual(await late, { kind: 'ended', reason: 'timeout', problem: 'no reply within 10000 ms' });
  assert.deepEqual(await client.ask({ ...request, id: 2 }), { kind: 'missing', id: 2, reason: 'no_process' });
});

test('a worker that needs more memory than it may have ends, and this process does not', async (t) => {
  const client = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 4 }, systemClock);
  t.after(() => client.stop());
  const reply = await client.ask(request);
  assert.deepEqual([reply.kind, 'reason' in reply && reply.reason], ['ended', 'out_of_memory']);
});

test('a worker that fails is said to have crashed', async (t) => {
  const client = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 96 }, systemClock);
  t.after(() => client.stop());
  const broken = { ...request, file: undefined } as unknown as SymbolizeRequest;
  const reply = await client.ask(broken);
  assert.deepEqual([reply.kind, 'reason' in reply && reply.reason], ['ended', 'crashed']);
  assert.equal((await client.ask({ ...request, id: 3 })).kind, 'missing');
});

test('a worker that nobody asks for a minute is ended, and the next request gets a new one', async (t) => {
  const clock = new FakeClock();
  const client = new SymbolizerWorker(options, { timeoutMs: 600_000, maxHeapMib: 96 }, clock);
  t.after(() => client.stop());
  await client.ask(request);
  assert.ok(client.isRunning);
  await clock.advance(59_000);
  await client.ask({ ...request, id: 2 });
  await clock.advance(59_000);
  assert.ok(client.isRunning);
  await clock.advance(1_000);
  assert.ok(!client.isRunning);
  assert.equal((await client.ask({ ...request, id: 3 })).kind, 'missing');
});

test('a file that is nowhere needs no thread, unless a process is known that may have it', async (t) => {
  const client = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 96 }, systemClock);
  t.after(() => client.stop());
  const lost = { ...request, pids: [], file: { ...request.file, fileName: 'of-no-process.so' } };
  assert.deepEqual(await client.ask(lost), { kind: 'missing', id: 1, reason: 'no_process' });
  assert.ok(!client.isRunning);
  assert.equal((await client.ask(request)).kind, 'missing');
  assert.ok(client.isRunning);
});

test('a thread that runs is asked for a file that is nowhere, without a look of the main thread', async (t) => {
  const client = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 96 }, systemClock);
  t.after(() => client.stop());
  await client.ask(request);
  const { mock } = t.mock.method(FilePresence.prototype, 'mayBeFound');
  const lost = { ...request, id: 2, pids: [], file: { ...request.file, fileName: 'of-no-process.so' } };
  assert.deepEqual(await client.ask(lost), { kind: 'missing', id: 2, reason: 'no_process' });
  assert.equal(mock.callCount(), 0);
});

test('a look for a file that is stopped starts no thread', async (t) => {
  const client = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 96 }, systemClock);
  t.after(() => client.stop());
  const name = basename(readlinkSync('/proc/self/exe'));
  const reply = client.ask({ ...request, pids: [], file: { ...request.file, fileName: name } });
  await client.stop();
  assert.equal((await reply).kind, 'missing');
  assert.ok(!client.isRunning);
});

test('the young generation of a worker is its own, whatever that of the process may be', async (t) => {
  // The flag of image and executable.
  setFlagsFromString('--max-semi-space-size=8');
  const started = new Promise<Worker>((resolve) => process.once('worker', resolve));
  const client = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 96 }, systemClock);
  t.after(() => client.stop());
  await client.ask(request);
  const { heap_size_limit: limit } = await (await started).getHeapStatistics();
  assert.ok(limit < 104 * 2 ** 20, `${limit / 2 ** 20} MiB`);
});
