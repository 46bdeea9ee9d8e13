import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Steps } from '../../src/support/steps.ts';
import { atOnce, inSlices, WorkQueue } from '../../src/support/steps.ts';

/** Work of some steps, each of which moves the clock. */
function work(steps: number, stepMs: number) {
  let nowMs = 0;
  const done: string[] = [];
  function* run(): Steps<string> {
    for (let i = 0; i < steps; i++) {
      nowMs += stepMs;
      done.push(`step ${i}`);
      yield;
    }
    return 'all done';
  }
  return { run, done, clock: { nowMs: () => nowMs } };
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

test('inSlices gives others a turn after each two milliseconds of work', async () => {
  const { run, done, clock } = work(6, 1);
  const result = inSlices(run(), clock);
  assert.equal(done.length, 2);
  let isDone = false;
  void result.then(() => {
    isDone = true;
  });
  const doneByTurn: number[] = [];
  for (; !isDone; await new Promise((resolve) => setImmediate(resolve))) doneByTurn.push(done.length);
  assert.equal(await result, 'all done');
  assert.deepEqual([...new Set(doneByTurn)], [2, 4, 6]);
});

test('work is told at each step whether nothing else has run since the one before', async () => {
  let nowMs = 0;
  const told: (boolean | undefined)[] = [];
  function* run(pause?: Promise<void>): Steps<void> {
    for (let i = 0; i < 6; i++) {
      nowMs += 1;
      told.push(yield i === 4 ? pause : undefined);
    }
  }
  await inSlices(run(Promise.resolve()), { nowMs: () => nowMs });
  assert.deepEqual(told.splice(0), [true, false, true, false, false, true]);
  atOnce(run());
  assert.deepEqual(told, Array(6).fill(true));
});

test('inSlices rejects with what the work throws', async () => {
  function* faulty(): Steps<void> {
    yield;
    throw new Error('a fault');
  }
  await assert.rejects(inSlices(faulty(), { nowMs: () => 0 }), /a fault/);
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
  let nowMs = 0;
  const queue = new WorkQueue({ nowMs: () => (nowMs += 2) });
  await Promise.all([queue.add(named('a')), queue.add(named('b'))]);
  assert.deepEqual(order, ['a', 'a', 'a', 'b', 'b', 'b']);
});
