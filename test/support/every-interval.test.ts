import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onAbort, whenAborted } from '../../src/support/abort.ts';
import { everyInterval } from '../../src/support/every-interval.ts';
import { FakeClock } from './fake-clock.ts';

test('everyInterval waits before each run, asks for each wait, and begins the next one when the work has ended', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const intervals = [100, 50, 10];
  const runs: number[] = [];
  const loop = everyInterval(
    clock,
    stop.signal,
    () => intervals.shift() ?? 1_000,
    async () => {
      runs.push(clock.nowMs());
      await clock.sleep(5);
    },
  );
  await clock.advance(1_000);
  stop.abort();
  await loop;
  assert.deepEqual(runs, [100, 155, 170]);
});

test('everyInterval ends with the error of its work', async () => {
  const clock = new FakeClock();
  const loop = everyInterval(
    clock,
    new AbortController().signal,
    () => 1,
    () => Promise.reject(new Error('a fault of ours')),
  );
  const ended = assert.rejects(loop, /a fault of ours/);
  await clock.advance(10);
  await ended;
});

test('onAbort and whenAborted hold for a signal that aborts later and for one that has', async () => {
  const controller = new AbortController();
  const heard: string[] = [];
  onAbort(controller.signal, () => heard.push('later'));
  onAbort(controller.signal, () => heard.push('withdrawn'))();
  const later = whenAborted(controller.signal);
  controller.abort();
  await later;
  onAbort(controller.signal, () => heard.push('at once'));
  await whenAborted(controller.signal);
  assert.deepEqual(heard, ['later', 'at once']);
});
