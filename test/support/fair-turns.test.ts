import assert from 'node:assert/strict';
import { stat } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { FairTurns } from '../../src/support/fair-turns.ts';
import type { Steps } from '../../src/support/steps.ts';
import { PassingClock } from './fake-clock.ts';
import { oneStep } from './one-step.ts';

const kib = 1024;

/** Turns of works whose begin and end are noted. A step takes half a millisecond. */
function setUp(mostWaitingBytes = 100 * 1024 * kib) {
  const turns = new FairTurns(new PassingClock(), mostWaitingBytes);
  const course: string[] = [];
  function* work(name: string, steps: number): Steps<string> {
    course.push(`${name} begins`);
    for (let step = 0; step < steps; step++) yield;
    course.push(`${name} ends`);
    return name;
  }
  const send = (sender: object, name: string, steps: number, sizeBytes = 10 * kib): string | Promise<string> =>
    turns.run({ sender, sizeBytes, begin: () => work(name, steps), giveUp: () => `${name} is given up` });
  return { turns, course, send };
}

test('FairTurns does short work at once', () => {
  const { send } = setUp();
  assert.equal(send({}, 'short', 1), 'short');
});

test('FairTurns lets the event loop have turns between slices of long work', async () => {
  const { send, course } = setUp();
  const long = send({}, 'long', 10);
  assert.ok(long instanceof Promise);
  let turnsOfLoop = 0;
  while (course.length < 2) {
    await setImmediate();
    turnsOfLoop++;
  }
  assert.ok(turnsOfLoop > 3, `${turnsOfLoop} turns`);
  assert.equal(await long, 'long');
});

test('FairTurns lets the turn end in which long work came in by input', async () => {
  const { send, course } = setUp();
  // Immediates run in the same turn as the input before them, and timers in the next one.
  await new Promise<void>((resolve) => {
    stat(import.meta.dirname, () => {
      void send({}, 'long', 3);
      setImmediate().then(() => {
        course.push('turn ends');
        resolve();
      });
    });
  });
  while (course.length < 3) await setImmediate();
  assert.deepEqual(course, ['long begins', 'turn ends', 'long ends']);
});

test('FairTurns ends each work before the next one begins, those of one sender in their order', async () => {
  const { send, course } = setUp();
  const sender = {};
  await Promise.all(['a', 'b', 'c'].map((name) => send(sender, name, 5)));
  assert.deepEqual(
    course,
    ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test('FairTurns puts small work of one sender before the large works of others that wait', async () => {
  const { send, course } = setUp();
  const [first, second, small] = [{}, {}, {}];
  const large = (sender: object, name: string): string | Promise<string> => send(sender, name, 5, 4096 * kib);
  await Promise.all([
    ...[large(first, 'a1'), large(first, 'a2'), large(first, 'a3'), large(second, 'b1'), large(second, 'b2')],
    send(small, 'small', 5, kib),
  ]);
  const order = course.filter((line) => line.endsWith('ends')).map((line) => line.replace(' ends', ''));
  assert.deepEqual(order, ['a1', 'small', 'a2', 'b1', 'a3', 'b2']);
});

test('FairTurns gives up what would be last where too much waits, and nothing of who sends little', async () => {
  const { send } = setUp(100 * kib);
  const [flood, good] = [{}, {}];
  const floods = Array.from({ length: 5 }, (_, i) => send(flood, `flood${i}`, 5, 40 * kib));
  const small = send(good, 'good', 5, 30 * kib);
  const results = await Promise.all([...floods, small]);
  assert.deepEqual(results, [
    'flood0',
    'flood1',
    'flood2 is given up',
    'flood3 is given up',
    'flood4 is given up',
    'good',
  ]);
});

test('FairTurns does no work whose caller has gone by its turn, and gives it up first where too much waits', async () => {
  const { turns, send, course } = setUp(100 * kib);
  const callers = [0, 1, 2].map(() => ({ isGone: false }));
  const long = send({}, 'long', 5);
  const sendFor = (caller: { readonly isGone: boolean }, i: number): string | Promise<string> =>
    turns.run<string>({
      ...{ sender: {}, sizeBytes: 30 * kib, caller, giveUp: (reason) => reason },
      begin: () => oneStep(() => String(course.push(`call ${i}`))),
    });
  const calls = callers.map(sendFor);
  for (const caller of callers.slice(0, 2)) caller.isGone = true;
  // There is room for this one when those of callers that have gone make room, and not before.
  const good = send({}, 'good', 1, 60 * kib);
  assert.deepEqual(await Promise.all([...calls.slice(0, 2), good, long]), ['gone', 'gone', 'good', 'long']);
  const late = { isGone: false };
  const again = [send({}, 'long', 5), sendFor(late, 3), send({}, 'after', 1)];
  late.isGone = true;
  assert.deepEqual(await Promise.all(again), ['long', 'gone', 'after']);
  assert.deepEqual(course, [
    'long begins',
    'long ends',
    'call 2',
    'good begins',
    'good ends',
    'long begins',
    'long ends',
    'after begins',
    'after ends',
  ]);
});

test('FairTurns that are closed end the work at hand and what cannot be given up, and begin nothing else', async () => {
  const { turns, send, course } = setUp();
  const [long, waiting] = [send({}, 'long', 5), send({}, 'waiting', 5)];
  const urgent = turns.run({ sender: {}, sizeBytes: 0, begin: () => oneStep(() => void course.push('urgent')) });
  turns.close();
  assert.equal(await waiting, 'waiting is given up');
  assert.equal(send({}, 'late', 1), 'late is given up');
  await Promise.all([long, urgent]);
  assert.deepEqual(course, ['long begins', 'long ends', 'urgent']);
  assert.equal(send({}, 'later', 1), 'later is given up');
});

test('FairTurns does work that cannot be given up before all that waits', async () => {
  const { send, turns, course } = setUp(20 * kib);
  const works = [send({}, 'a', 5), send({}, 'b', 5)];
  const begin = (): Steps<void> => oneStep(() => void course.push('urgent'));
  const urgent = turns.run({ sender: {}, sizeBytes: 100 * kib, begin });
  await Promise.all([...works, urgent]);
  assert.deepEqual(course, ['a begins', 'a ends', 'urgent', 'b begins', 'b ends']);
});

test('FairTurns tells the sender of a work what it throws, and goes on', async () => {
  const { send, turns } = setUp();
  const fault = new Error('of this work');
  const fail = (pauses: number): unknown =>
    turns.run({
      ...{ sender: {}, sizeBytes: 1 },
      *begin() {
        for (let pause = 0; pause < pauses; pause++) yield;
        throw fault;
      },
      giveUp: () => 'given up',
    });
  assert.throws(() => fail(1), fault);
  const [late, waiting, good] = [fail(5), fail(1), send({}, 'good', 5)];
  await assert.rejects(late as Promise<unknown>, fault);
  await assert.rejects(waiting as Promise<unknown>, fault);
  assert.equal(await good, 'good');
  // Works before it have used up the slice of this turn.
  await setImmediate();
  assert.equal(send({}, 'short', 1), 'short');
});
