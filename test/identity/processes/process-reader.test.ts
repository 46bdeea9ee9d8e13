import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ProcessReader } from '../../../src/identity/processes/process-reader.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';

const id = 'ab'.repeat(32);

function setUp(t: TestContext, procRoot = mkdtempSync(join(tmpdir(), 'framekeeper-'))) {
  if (procRoot !== '/proc') t.after(() => rmSync(procRoot, { recursive: true, force: true }));
  const { meter, values } = recordMetrics();
  const clock = new FakeClock();
  const reader = new ProcessReader({ procRoot, variables: ['OTEL_SERVICE_NAME'] }, { clock, meter });
  const write = (pid: number, startTime: number, service: string): void => {
    const folder = join(procRoot, String(pid));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    // A name may hold spaces and parentheses.
    writeFileSync(join(folder, 'stat'), `${pid} (a) b) S ${'0 '.repeat(18)}${startTime} 0\n`);
    writeFileSync(join(folder, 'cgroup'), `0::/docker/${id}\n`);
    writeFileSync(join(folder, 'environ'), `PATH=/bin\0OTEL_SERVICE_NAME=${service}\0OTEL_SERVICE_NAME=cut o`);
    symlinkSync('/usr/bin/shop (deleted)', join(folder, 'exe'));
  };
  return { reader, clock, write, values, procRoot };
}

test('a process is looked up at its first sight, and known when that has ended', async (t) => {
  const { reader, write } = setUp(t);
  write(42, 7, 'shop=1');
  assert.equal(reader.settled(), undefined);
  assert.equal(reader.lookUp(42), undefined);
  await reader.settled();
  assert.deepEqual(reader.lookUp(42), {
    containerId: id,
    podUid: '',
    executablePath: '/usr/bin/shop',
    variables: new Map([['OTEL_SERVICE_NAME', 'shop=1']]),
  });
  assert.equal(reader.settled(), undefined);
});

test('a process ID that is used again is another process, and one that has ended keeps its facts', async (t) => {
  const { reader, write, clock, procRoot } = setUp(t);
  write(42, 7, 'shop');
  reader.lookUp(42);
  await reader.settled();
  rmSync(join(procRoot, '42'), { recursive: true });
  await clock.advance(6_000);
  reader.lookUp(42);
  await reader.settled();
  assert.equal(reader.lookUp(42)?.variables.get('OTEL_SERVICE_NAME'), 'shop');
  write(42, 8, 'cart');
  await clock.advance(6_000);
  assert.equal(reader.lookUp(42), undefined);
  await reader.settled();
  assert.equal(reader.lookUp(42)?.variables.get('OTEL_SERVICE_NAME'), 'cart');
});

test('a process that is not there is not looked up again at once', async (t) => {
  const { reader, values } = setUp(t);
  for (let i = 0; i < 3; i++) {
    assert.equal(reader.lookUp(43), undefined);
    await reader.settled();
  }
  assert.equal(reader.lookUp(0), undefined);
  assert.equal((await values()).get('framekeeper_process_lookups{outcome="gone"}'), 1);
});

test('a live process tells the variables that it was started with', async (t) => {
  const child = spawn('sleep', ['60'], { env: { OTEL_SERVICE_NAME: 'a sleeper' } });
  t.after(() => child.kill());
  await once(child, 'spawn');
  const { reader } = setUp(t, '/proc');
  reader.lookUp(child.pid!);
  await reader.settled();
  const facts = reader.lookUp(child.pid!);
  assert.equal(facts?.variables.get('OTEL_SERVICE_NAME'), 'a sleeper');
  assert.match(facts!.executablePath, /^\//);
});

test('reads and processes that are remembered are bounded, and the rest is looked up at its next sight', async (t) => {
  const { reader, values } = setUp(t);
  for (let pid = 1; pid <= 257; pid++) reader.lookUp(pid);
  await reader.settled();
  assert.equal((await values()).get('framekeeper_process_lookups{outcome="busy"}'), 1);
  for (let pid = 300; pid < 300 + 8_192; pid++) {
    reader.lookUp(pid);
    if (pid % 256 === 0) await reader.settled();
  }
  await reader.settled();
  const gone = (await values()).get('framekeeper_process_lookups{outcome="gone"}');
  // The first one was forgotten, and is looked up again.
  reader.lookUp(1);
  await reader.settled();
  assert.equal((await values()).get('framekeeper_process_lookups{outcome="gone"}'), gone! + 1);
});

test('a process whose files do not answer is waited for half a second', async (t) => {
  const { reader, write, clock, procRoot } = setUp(t);
  write(42, 7, 'shop');
  const stat = join(procRoot, '42/stat');
  rmSync(stat);
  // Nobody writes into it, so it opens for nobody.
  execFileSync('mkfifo', [stat]);
  reader.lookUp(42);
  let isSettled = false;
  const settled = reader.settled()!.then(() => {
    isSettled = true;
  });
  await clock.advance(499);
  assert.equal(isSettled, false);
  await clock.advance(1);
  await settled;
  assert.equal(reader.lookUp(42), undefined);
  // An open that waits gets its writer, so that its thread ends; opened to read and write, a pipe waits for nobody.
  renameSync(stat, join(procRoot, 'opened'));
  writeFileSync(stat, 'gone');
  closeSync(openSync(join(procRoot, 'opened'), 'r+'));
  await reader.settled();
});

test('a process whose environment is not to be read has the other facts, and is counted', async (t) => {
  const { reader, write, values, procRoot } = setUp(t);
  write(42, 7, 'shop');
  const environ = join(procRoot, '42/environ');
  rmSync(environ);
  mkdirSync(environ);
  reader.lookUp(42);
  await reader.settled();
  assert.deepEqual([reader.lookUp(42)?.containerId, reader.lookUp(42)?.variables.size], [id, 0]);
  assert.equal((await values()).get('framekeeper_process_lookups{outcome="environment_denied"}'), 1);
});
