import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { SnapshotLock } from '../../../src/symbols/snapshot/snapshot-lock.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from './snapshot-harness.ts';

interface LockHarness {
  readonly path: string;
  readonly clock: FakeClock;
  readonly create: (instance: string) => SnapshotLock;
  readonly told: string[];
}

function createHarness(context: TestContext): LockHarness {
  const path = join(temporaryFolder(context), 'symbols.lock');
  const clock = new FakeClock();
  const told: string[] = [];
  const create = (instance: string): SnapshotLock => {
    const lock = new SnapshotLock(path, instance, clock, (isHeld, error) => {
      told.push(`${instance} ${isHeld}${error === undefined ? '' : ` ${(error as Error).message.slice(0, 6)}`}`);
    });
    context.after(() => lock.stop());
    return lock;
  };
  return { path, clock, create, told };
}

const ended = 4_190_000; // beyond the largest process ID of most systems

test('one of two has the lock, and the other gets it once the first has stopped', async (context) => {
  const { path, create, told } = createHarness(context);
  const [first, second] = [create('first'), create('second')];
  // Both are this process, which is what a container that was started again looks like; so another one is named here.
  await first.start();
  const holder = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...holder, pid: process.ppid }));
  await second.start();
  assert.deepEqual([first.isHeld, second.isHeld], [true, false]);
  assert.deepEqual([await first.confirm(), await second.confirm()], [true, false]);
  await first.stop();
  assert.equal(await second.confirm(), true);
  await second.stop();
  assert.ok(!existsSync(path));
  assert.deepEqual(told, ['first true', 'second false', 'second true']);
});

for (const { name, holder, isTaken } of [
  { name: 'a process that has ended', holder: { host: hostname(), pid: ended }, isTaken: true },
  { name: 'our own process ID in an earlier life', holder: { host: hostname(), pid: process.pid }, isTaken: true },
  { name: 'a process that runs', holder: { host: hostname(), pid: process.ppid }, isTaken: false },
  { name: 'a process of another host', holder: { host: 'elsewhere', pid: ended }, isTaken: false },
]) {
  test(`the lock of ${name} is ${isTaken ? '' : 'not '}taken at the start`, async (context) => {
    const { path, create } = createHarness(context);
    writeFileSync(path, JSON.stringify({ instance: 'other', ...holder }));
    const lock = create('own');
    await lock.start();
    assert.equal(lock.isHeld, isTaken);
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).instance, isTaken ? 'own' : 'other');
  });
}

test('a lock that nobody touches is taken over after fifteen seconds, and one that is touched is not', async (context) => {
  const { path, clock, create } = createHarness(context);
  const silent = join(path, '../silent.lock');
  const other = create('other');
  await other.start();
  const touched = JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), host: 'elsewhere' });
  writeFileSync(path, touched);
  writeFileSync(silent, touched.replace('other', 'gone'));
  const waiting = create('waiting');
  const heir = new SnapshotLock(silent, 'heir', clock, () => undefined);
  context.after(() => heir.stop());
  await Promise.all([waiting.start(), heir.start()]);
  for (let i = 0; i < 4; i++) {
    assert.deepEqual([await waiting.confirm(), await heir.confirm()], [false, i === 3]);
    await clock.advance(5000);
    await other.confirm();
    // What the loop of the holder does every five seconds, without waiting for its own turn.
    writeFileSync(path, touched);
  }
  assert.deepEqual([await other.confirm(), await waiting.confirm()], [true, false]);
});

test('a holder whose lock was taken over knows before it writes', async (context) => {
  const { path, create, told } = createHarness(context);
  const lock = create('own');
  await lock.start();
  writeFileSync(path, JSON.stringify({ instance: 'thief', host: 'elsewhere', pid: 1 }));
  assert.equal(await lock.confirm(), false);
  assert.deepEqual(told, ['own true', 'own false']);
  await lock.stop();
  assert.ok(existsSync(path));
});

test('a lock that cannot be made says why, once', async (context) => {
  const { path, create, told } = createHarness(context);
  mkdirSync(path);
  const lock = create('own');
  await lock.start();
  assert.equal(await lock.confirm(), false);
  assert.equal(told.length, 1);
});

test('a file that is no lock is respected for fifteen seconds', async (context) => {
  const { path, clock, create } = createHarness(context);
  writeFileSync(path, '');
  const lock = create('own');
  await lock.start();
  assert.equal(lock.isHeld, false);
  await clock.advance(15_000);
  assert.equal(await lock.confirm(), true);
});
