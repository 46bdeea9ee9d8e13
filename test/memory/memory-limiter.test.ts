import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import { MemoryLimiter } from '../../src/memory/memory-limiter.ts';
import { memoryLimiterType } from '../../src/memory/memory-limiter-config.ts';
import type { MemorySource } from '../../src/memory/process-memory.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

const mib = 1024 * 1024;

/** Memory that the test sets, in MiB: what is alive, garbage, buffers, and what stays resident. */
class FakeMemory implements MemorySource {
  readonly totalBytes = 1000 * mib;
  readonly heapLimitBytes: number;
  live = 20;
  garbage = 0;
  buffers = 0;
  threads = 0;
  base = 80;
  resident = 0;
  collections = 0;

  constructor(heapLimitMib = 4000) {
    this.heapLimitBytes = heapLimitMib * mib;
  }

  read() {
    const held = this.live + this.garbage + this.buffers + this.threads + this.base;
    this.resident = Math.max(this.resident, held);
    const [rssBytes, heapBytes, externalBytes] = [this.resident, this.live + this.garbage, this.buffers];
    const threadBytes = this.threads * mib;
    return { rssBytes: rssBytes * mib, heapBytes: heapBytes * mib, externalBytes: externalBytes * mib, threadBytes };
  }

  async collectGarbage(): Promise<void> {
    this.collections += 1;
    this.garbage = 0;
  }
}

async function startLimiter(memory = new FakeMemory(), more: Record<string, unknown> = {}) {
  const clock = new FakeClock();
  const logs = recordLogs();
  const { meter, values } = recordMetrics();
  const yaml = { check_interval: '1s', limit_mib: 500, spike_limit_mib: 100, ...more };
  const config = memoryLimiterType.table.read(new ConfigSection('', yaml, []));
  const parts = { memory, clock, random: () => 0.5, meter, logger: logs.logger };
  const limiter = new MemoryLimiter('memory_limiter', config, parts);
  const starting = limiter.start();
  await clock.advance(100);
  await starting;
  memory.collections = 0;
  const isRefusing = (): boolean => limiter.admission() !== undefined;
  const told = (): string[] => logs.lines.map(({ msg }) => msg);
  return { limiter, memory, clock, values, isRefusing, told };
}

test('below the soft limit nothing is refused and nothing collected', async () => {
  const { memory, clock, limiter, isRefusing } = await startLimiter();
  memory.buffers = 299;
  await clock.advance(60_000);
  assert.deepEqual([isRefusing(), memory.collections], [false, 0]);
  await limiter.stop();
});

test('what other threads hold counts, as long as they hold it', async () => {
  const { memory, clock, limiter, isRefusing } = await startLimiter();
  memory.threads = 299;
  await clock.advance(1_100);
  assert.equal(isRefusing(), false);
  memory.threads = 301;
  await clock.advance(1_100);
  assert.equal(isRefusing(), true);
  memory.threads = 0;
  await clock.advance(1_100);
  assert.equal(isRefusing(), false);
  await limiter.stop();
});

test('above the soft limit it collects first, and refuses only what that does not help', async () => {
  const { memory, clock, limiter, isRefusing, told } = await startLimiter();
  memory.garbage = 350;
  await clock.advance(1_100);
  assert.deepEqual([isRefusing(), memory.collections], [false, 1]);
  memory.live = 320;
  await clock.advance(10_000);
  assert.equal(isRefusing(), true);
  assert.deepEqual(limiter.admission(), {
    reason: 'data refused due to high memory usage; send it again later',
    retryDelayMs: 5_000,
  });
  memory.live = 20;
  await clock.advance(2_000);
  assert.equal(isRefusing(), false);
  await clock.advance(20_000);
  assert.deepEqual(told(), [
    'Memory limiter configured',
    'Memory usage is above soft limit. Refusing data.',
    'Memory usage back within limits. Resuming normal operation.',
  ]);
  await limiter.stop();
});

test('resident memory that does not come down does not lock the service out', async () => {
  const { memory, clock, limiter, isRefusing } = await startLimiter();
  memory.buffers = 450;
  await clock.advance(2_000);
  assert.equal(isRefusing(), true);
  memory.buffers = 10;
  await clock.advance(2_000);
  assert.deepEqual([memory.resident, isRefusing()], [550, false]);
  await limiter.stop();
});

test('while nothing comes in, garbage is collected every 10 s above the soft limit, every 5 s above the hard one', async () => {
  const { memory, clock, limiter, isRefusing } = await startLimiter();
  memory.live = 350;
  await clock.advance(1_100);
  const first = memory.collections;
  // Freed, but nobody collects it who is not asked.
  memory.live = 20;
  memory.garbage = 330;
  await clock.advance(9_000);
  assert.deepEqual([first, memory.collections, isRefusing()], [1, 1, true]);
  await clock.advance(2_000);
  assert.deepEqual([memory.collections, isRefusing()], [2, false]);
  memory.live = 450;
  await clock.advance(30_000);
  assert.ok(memory.collections >= 6 && memory.collections <= 8, String(memory.collections));
  await limiter.stop();
});

test('a heap that comes near its own limit is refused for, however much memory there is', async () => {
  const { memory, clock, limiter, isRefusing } = await startLimiter(new FakeMemory(200));
  memory.live = 149;
  await clock.advance(2_000);
  assert.equal(isRefusing(), false);
  memory.live = 150;
  await clock.advance(2_000);
  assert.equal(isRefusing(), true);
  await limiter.stop();
});

test('percentages are of the memory that the process may have, and a spike is a fifth where it is not set', async () => {
  const { limiter, values } = await startLimiter(new FakeMemory(), {
    limit_mib: 0,
    spike_limit_mib: 0,
    limit_percentage: 50,
  });
  const metrics = await values();
  const value = (name: string) => metrics.get(`framekeeper_memory_limiter_${name}{processor="memory_limiter"}`)! / mib;
  assert.deepEqual([value('limit_bytes'), value('soft_limit_bytes')], [500, 400]);
  await limiter.stop();
});

test('memory that goes up and down about the limit is logged every 10 s at most', async () => {
  const { memory, clock, limiter, isRefusing, told } = await startLimiter(new FakeMemory(), {
    min_gc_interval_when_soft_limited: '0s',
    min_gc_interval_when_hard_limited: '0s',
  });
  for (let i = 0; i < 30; i++) {
    memory.live = i % 2 === 0 ? 350 : 20;
    isRefusing();
    await clock.advance(1_100);
  }
  assert.ok(told().length >= 3 && told().length <= 6, String(told()));
  await limiter.stop();
});

test('a limit below what the idle service has is told at the start', async () => {
  const { limiter, told } = await startLimiter(new FakeMemory(), { limit_mib: 100, spike_limit_mib: 20 });
  assert.deepEqual(told(), [
    'Memory limiter configured',
    'The idle service is above the soft limit; raise limit_mib or limit_percentage.',
  ]);
  await limiter.stop();
});

test('nothing wakes a process that gets no data, and the first data does', async () => {
  const { memory, clock, limiter, isRefusing, values } = await startLimiter();
  await clock.advance(1_000);
  assert.equal(clock.sleeperCount, 0);
  memory.live = 350;
  await clock.advance(600_000);
  const metrics = await values();
  assert.equal(metrics.get('framekeeper_memory_limiter_used_bytes{processor="memory_limiter"}'), 430 * mib);
  assert.equal(isRefusing(), false);
  await clock.advance(200);
  assert.deepEqual([isRefusing(), clock.sleeperCount], [true, 1]);
  memory.live = 20;
  // Once more within the limits, and once more without new data.
  await clock.advance(12_000);
  assert.deepEqual([clock.sleeperCount, isRefusing()], [0, false]);
  await limiter.stop();
});

test('data at a steady pace is looked after at each interval', async () => {
  const { memory, clock, limiter, isRefusing } = await startLimiter();
  for (let i = 0; i < 100; i++) {
    assert.equal(isRefusing(), false);
    await clock.advance(100);
  }
  memory.live = 350;
  for (let i = 0; i < 12 && !isRefusing(); i++) await clock.advance(100);
  assert.equal(isRefusing(), true);
  await limiter.stop();
});

test('other limits are looked at at once, also at rest', async () => {
  const { memory, clock, limiter, isRefusing } = await startLimiter();
  memory.live = 200;
  await clock.advance(10_000);
  const yaml = { check_interval: '1s', limit_mib: 200, spike_limit_mib: 50 };
  limiter.reconfigure(memoryLimiterType.table.read(new ConfigSection('', yaml, [])));
  await clock.advance(200);
  assert.equal(isRefusing(), true);
  await limiter.stop();
});
