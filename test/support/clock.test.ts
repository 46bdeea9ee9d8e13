import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClock, systemClock } from '../../src/support/clock.ts';

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
