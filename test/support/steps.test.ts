import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../../src/support/steps.ts';
import { atOnce, inSlices, WorkQueue } from '../../src/support/steps.ts';
import { TurnSlices } from '../../src/support/turn-slices.ts';

/** A clock that work moves. */
function setUp() {
  let nowMs = 0;
  const slices = new TurnSlices(() => nowMs);
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { pass, clock: { nowMs: () => nowMs, sliceEndMs: () => slices.endMs() } };
}

/** Work of some steps, each of which moves the clock. */
function work(steps: number, stepMs: number, { pass, clock } = setUp()) {
  const done: string[] = [];
  function* run(): Steps<string> {
    for (let i = 0; i < steps; i++) {
      pass(stepMs);
      done.push(`step ${i}`);
      yield;
    }
    return 'all done';
  }
  return { run, done, clock };
}

test('atOnce does all steps and gives their result', () => {
  const { run, done } = work(3, 10);
  assert.equal(atOnce(run()), 'all done');
  assert.equal(done.length, 3);
});

test('inSlices ends short work within the turn of the event loop in which it began', async () => {
  const { run, done, clock } = work(100, 0.01);
  const result = inSlices(run(), clock);
  assert.equal(done.length, 100);
  assert.equal(await result, 'all done');
});

test('inSlices gives others a turn after each millisecond of work', async () => {
  const { run, done, clock } = work(6, 0.5);
  const result = inSlices(run(), clock);
  assert.equal(done.length, 2);
  let isDone = false;
  void result.then(() => {
    isDone = true;
  });
  const doneByTurn: number[] = [];
  for (; !isDone; await setImmediate()) doneByTurn.push(done.length);
  assert.equal(await result, 'all done');
  assert.deepEqual([...new Set(doneByTurn)], [2, 4, 6]);
});

test('work is told at each step whether nothing else has run since the one before', async () => {
  const { pass, clock } = setUp();
  const told: (boolean | undefined)[] = [];
  function* run(pause?: () => Promise<void>): Steps<void> {
    for (let i = 0; i < 6; i++) {
      pass(0.5);
      told.push(yield i === 4 ? pause?.() : undefined);
    }
  }
  await inSlices(
    run(() => setImmediate()),
    clock,
  );
  assert.deepEqual(told.splice(0), [true, false, true, false, false, true]);
  atOnce(run());
  assert.deepEqual(told, Array(6).fill(true));
});

test('inSlices gives works of one turn one slice together, and each a part of it', async () => {
  const clock = setUp();
  const works = [0, 1, 2].map(() => work(20, 0.125, clock));
  const results = works.map(({ run }) => inSlices(run(), clock.clock));
  assert.deepEqual(
    works.map(({ done }) => done.length),
    [8, 4, 4],
  );
  await Promise.all(results);
});

test('inSlices rejects with what the work throws', async () => {
  function* faulty(): Steps<void> {
    yield;
    throw new Error('a fault');
  }
  await assert.rejects(inSlices(faulty(), setUp().clock), /a fault/);
});

test('WorkQueue goes on after work that failed', async () => {
  function* faulty(): Steps<void> {
    yield;
    throw new Error('a fault');
  }
  const { run, clock } = work(1, 1);
  const queue = new WorkQueue(clock);
  const failing = queue.add(faulty());
  const after = queue.add(run());
  await assert.rejects(failing, /a fault/);
  assert.equal(await after, 'all done');
});

test('WorkQueue does not begin a work before the one ahead has ended', async () => {
  const order: string[] = [];
  function* named(name: string): Steps<void> {
    for (let i = 0; i < 3; i++) {
      order.push(name);
      yield;
    }
  }
  const { pass, clock } = setUp();
  const nowMs = (): number => {
    pass(2);
    return clock.nowMs();
  };
  const queue = new WorkQueue({ ...clock, nowMs });
  await Promise.all([queue.add(named('a')), queue.add(named('b'))]);
  assert.deepEqual(order, ['a', 'a', 'a', 'b', 'b', 'b']);
});
