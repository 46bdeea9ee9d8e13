import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoopMonitor } from '../../src/support/process-metrics.ts';
import { busyShare, observeProcess } from '../../src/support/process-metrics.ts';
import { FakeClock } from './fake-clock.ts';
import { recordMetrics } from './metric-recorder.ts';

/** A loop whose share of busy time a test sets; samples are late by 80 ms while they are taken. */
class FakeLoop implements LoopMonitor {
  busyShare = 1;
  isSampling = false;
  count = 0;
  readonly delays: LoopMonitor['delays'];

  constructor() {
    const turn = (isSampling: boolean) => (): boolean => {
      const isChanged = this.isSampling !== isSampling;
      this.isSampling = isSampling;
      if (isSampling) this.count = 100;
      return isChanged;
    };
    const count = (): number => this.count;
    this.delays = {
      enable: turn(true),
      disable: turn(false),
      reset: () => {
        this.count = 0;
      },
      get count() {
        return count();
      },
      percentile: () => 80e6,
    };
  }

  readonly utilization = (): number => this.busyShare;
}

test('the delay of the event loop is sampled while the loop is busy, and 0 without samples while it is not', async () => {
  const { meter, values } = recordMetrics();
  const clock = new FakeClock();
  const loop = new FakeLoop();
  const stop = observeProcess(meter, clock, loop);
  const delayMs = async (): Promise<number> =>
    Math.round(Number((await values()).get('framekeeper_event_loop_delay_seconds{}')) * 1000);
  assert.deepEqual([loop.isSampling, await delayMs()], [true, 60]);
  loop.busyShare = 0.009;
  await clock.advance(10_000);
  assert.deepEqual([loop.isSampling, await delayMs()], [false, 0]);
  loop.busyShare = 0.01;
  await clock.advance(10_000);
  assert.deepEqual([loop.isSampling, await delayMs()], [true, 60]);
  stop();
  assert.equal(loop.isSampling, false);
});

for (const { name, loopShare, cpuShare, expected } of [
  {
    name: 'a loop that waits for its turn on a busy machine has no work',
    loopShare: 0.03,
    cpuShare: 0.002,
    expected: 0.002,
  },
  { name: 'a loop that works a little is as busy as it says', loopShare: 0.02, cpuShare: 0.04, expected: 0.02 },
  { name: 'a loop that waits for a disk is busy', loopShare: 0.3, cpuShare: 0.002, expected: 0.3 },
]) {
  test(name, () => assert.equal(busyShare(loopShare, cpuShare), expected));
}
