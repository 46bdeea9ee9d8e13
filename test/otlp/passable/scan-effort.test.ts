import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');

// More messages than hot functions need, with little effort and with all of it. A collection of everything takes away what V8's first compiler made.
const script = `
import { Session } from 'node:inspector/promises';
import { setTimeout } from 'node:timers/promises';
import { PassableScanner } from ${JSON.stringify(join(root, 'src/otlp/passable/passable-scanner.ts'))};
import { spareEngine } from ${JSON.stringify(join(root, 'src/support/engine-effort.ts'))};
import { realRequests } from ${JSON.stringify(join(root, 'test/otlp/real-requests.ts'))};
const messages = realRequests('profiler');
const scanner = new PassableScanner();
const kinds = new Set();
const session = new Session();
session.connect();
const scanAll = () => {
  for (let round = 0; round < 100; round++) kinds.add(scanner.scan(messages[round % messages.length], true).kind);
};
for (const effort of process.argv[1].split(',')) {
  spareEngine(effort === 'sparing');
  scanAll();
  await session.post('HeapProfiler.collectGarbage');
  scanAll();
  await setTimeout(50);
}
console.log([...kinds].join());
`;

/** Functions of the scan that V8's last compiler made; that of types from source has a module of thousands of functions. */
function compiledLast(efforts: string): number {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = ['--trace-wasm-compilation-times', '--input-type=module', '--eval', script, efforts];
  const output = execFileSync(process.execPath, args, { env, encoding: 'utf8' });
  assert.match(output, /^passable$/m);
  const traces = [...output.matchAll(/^Compiled function (\w+)#(\d+) using (\w+)/gm)];
  const large = new Set(traces.filter((trace) => Number(trace[2]) > 1000).map((trace) => trace[1]));
  return traces.filter((trace) => !large.has(trace[1]) && trace[3] === 'TurboFan').length;
}

test('the scan is compiled by V8’s last compiler as soon as V8 does not spare effort, and not before', () => {
  assert.ok(compiledLast('full') > 0);
  assert.equal(compiledLast('sparing'), 0);
  assert.ok(compiledLast('sparing,full') > 0);
});
