import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createClock,
  everyInterval,
  onAbort,
  systemClock,
  whenAborted,
  withDeadline,
} from '../../src/support/clock.ts';
import { FakeClock } from './fake-clock.ts';

const hourMs = 3_600_000;

for (const { name, unixMs, monotonicMs, elapsedNano } of [
  { name: 'has the resolution of the monotonic clock', unixMs: 1, monotonicMs: 1.25, elapsedNano: 1_250_000n },
  {
    name: 'follows real time after the machine slept',
    unixMs: hourMs,
    monotonicMs: 3,
    elapsedNano: 3_600_000_000_000n,
  },
  { name: 'follows real time when it is set back', unixMs: -hourMs, monotonicMs: 9, elapsedNano: -3_600_000_000_000n },
  { name: 'follows corrections that add up', unixMs: 10_006, monotonicMs: 10_000, elapsedNano: 10_006_000_000n },
]) {
  test(`createClock ${name}`, () => {
    const now = { unixMs: 1_800_000_000_000, monotonicMs: 77.5 };
    const clock = createClock({ unixMs: () => now.unixMs, monotonicMs: () => now.monotonicMs });
    const before = clock.unixNano();
    assert.equal(before, 1_800_000_000_000_000_000n);
    now.unixMs += unixMs;
    now.monotonicMs += monotonicMs;
    assert.equal(clock.unixNano() - before, elapsedNano);
  });
}

test('a month of sleep is not over at once', async () => {
  const stop = new AbortController();
  const month = systemClock.sleep(30 * 24 * hourMs, stop.signal).then(
    () => 'over',
    (error: Error) => error.name,
  );
  const first = await Promise.race([month, systemClock.sleep(20).then(() => 'still asleep')]);
  stop.abort();
  assert.deepEqual([first, await month], ['still asleep', 'AbortError']);
});

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

for (const { name, act, reason } of [
  { name: 'its time', act: (clock: FakeClock) => clock.advance(1_000), reason: 'AbortError' },
  { name: 'its caller', act: (_: FakeClock, caller: AbortController) => caller.abort('enough'), reason: 'enough' },
  { name: 'nothing', act: (clock: FakeClock) => clock.advance(999), reason: undefined },
]) {
  test(`withDeadline gives work a signal that ends with ${name}, and leaves no timer behind`, async () => {
    const clock = new FakeClock();
    const caller = new AbortController();
    const done = Promise.withResolvers<void>();
    const result = withDeadline(clock, 1_000, caller.signal, async (signal) => {
      await done.promise;
      return signal.reason;
    });
    await act(clock, caller);
    done.resolve();
    const ended = await result;
    assert.equal(ended instanceof Error ? ended.name : ended, reason);
    assert.equal(clock.sleeperCount, 0);
  });
}

test('withDeadline passes on what the work throws, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const fault = new Error('a bug');
  const failing = withDeadline(clock, 1_000, new AbortController().signal, () => Promise.reject(fault));
  await assert.rejects(failing, fault);
  assert.equal(clock.sleeperCount, 0);
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
