import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { htlhashOf } from '../../src/native/elf/build-id.ts';
import { MemorySource } from '../../src/native/elf/byte-source.ts';
import { SymbolizerWorker } from '../../src/native/worker/symbolizer-worker.ts';
import { systemClock } from '../../src/support/clock.ts';
import { exportedFunctions } from './exported-functions.ts';

test('the worker names the functions of a process of its own, by nothing but its process ID and file ID', async (t) => {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const bytes = readFileSync(`/proc/${child.pid}/exe`);
  const functions = exportedFunctions(bytes).sort((a, b) => a.address - b.address);
  const chosen = functions.filter((_, index) => index % Math.ceil(functions.length / 900) === 0);
  assert.ok(chosen.length > 300);
  const addresses = Float64Array.from(new Set(chosen.map(({ address, size }) => address + (size >>> 1)))).sort();

  const client = createClient(t);
  const file = { fileId: htlhashOf(new MemorySource(bytes)), gnuBuildId: '', fileName: 'node' };
  const reply = await client.ask({ id: 1, file, pids: [child.pid!], addresses });
  assert.equal(reply.kind, 'answered');
  const { symbols } = reply as typeof reply & { kind: 'answered' };
  const wrong = symbols.filter((symbol, index) => {
    const names = functions
      .filter(({ address, size }) => address <= addresses[index]! && addresses[index]! < address + size)
      .map(({ name }) => name);
    const systemName = symbol?.systemName || symbol?.functionName || '';
    return !names.includes(systemName);
  });
  // Of aliases the symbol table has some that are not exported.
  assert.ok(wrong.length < symbols.length / 50, `${wrong.length} of ${symbols.length}: ${wrong[0]?.systemName}`);
  assert.ok(symbols.some((symbol) => symbol!.functionName.startsWith('v8::') || symbol!.functionName.includes('::')));
});

test('the worker says why a file is not to be had', async (t) => {
  const client = createClient(t);
  const addresses = Float64Array.of(4096);
  const other = { fileId: '0'.repeat(32), gnuBuildId: 'ab'.repeat(20), fileName: 'node' };
  assert.deepEqual(await client.ask({ id: 1, file: other, pids: [process.pid], addresses }), {
    ...{ kind: 'missing', id: 1, reason: 'build_id_differs' },
  });
  assert.deepEqual(
    await client.ask({ id: 2, file: { ...other, fileName: 'nobody' }, pids: [2 ** 22 + 1], addresses }),
    {
      ...{ kind: 'missing', id: 2, reason: 'no_process' },
    },
  );
});

function createClient(t: TestContext): SymbolizerWorker {
  const search = { procRoot: '/proc', debugDirectories: [], maxFileBytes: 2 ** 32 };
  const options = {
    ...{ search, debugInfo: 'inlines' as const, demangle: true, directory: tmpdir(), maxTableBytes: 2 ** 25 },
    ...{ maxInflatedBytes: 2 ** 30, idleMs: 1000 },
  };
  const client = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 96 }, systemClock);
  t.after(() => client.stop());
  return client;
}
