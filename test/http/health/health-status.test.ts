import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthStatus } from '../../../src/http/health/health-status.ts';
import type { ComponentStatus } from '../../../src/model/component-status.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A pipeline of one component for each list, which goes through these states one millisecond apart. */
async function statusOf(...paths: ComponentStatus[][]): Promise<{ health: HealthStatus; clock: FakeClock }> {
  const clock = new FakeClock(0n);
  const members = paths.map((_, index) => `exporter:e${index}`);
  const health = new HealthStatus([{ id: 'profiles', members }], clock);
  for (const [index, path] of paths.entries()) {
    for (const status of path) {
      await clock.advance(1);
      health.report(
        `e${index}`,
        'exporter',
        status,
        status.endsWith('_error') ? new Error(`e${index} fails`) : undefined,
      );
    }
  }
  return { health, clock };
}

const toOk: ComponentStatus[] = ['starting', 'ok'];
for (const { paths, status } of [
  { paths: [[]], status: 'none' },
  { paths: [toOk, toOk], status: 'ok' },
  { paths: [toOk, ['starting']], status: 'starting' },
  { paths: [[...toOk, 'stopping'], ['starting']], status: 'starting' },
  { paths: [[...toOk, 'stopping'], toOk], status: 'stopping' },
  { paths: [[...toOk, 'stopping', 'stopped'], toOk], status: 'stopping' },
  {
    paths: [
      [...toOk, 'stopping', 'stopped'],
      [...toOk, 'stopping', 'stopped'],
    ],
    status: 'stopped',
  },
  { paths: [[...toOk, 'permanent_error'], [...toOk, 'recoverable_error'], toOk], status: 'permanent_error' },
  { paths: [[...toOk, 'recoverable_error'], toOk], status: 'recoverable_error' },
  {
    paths: [
      [...toOk, 'stopping'],
      [...toOk, 'permanent_error'],
    ],
    status: 'stopping',
  },
  { paths: [['starting'], [...toOk, 'fatal_error'], [...toOk, 'stopping']], status: 'fatal_error' },
  { paths: [['starting', 'ok', 'recoverable_error', 'ok'], toOk], status: 'ok' },
  { paths: [['starting', 'ok', 'permanent_error', 'ok'], toOk], status: 'ok' },
] satisfies { paths: ComponentStatus[][]; status: ComponentStatus }[]) {
  test(`HealthStatus joins ${paths.map((path) => path.at(-1) ?? 'nothing').join(' and ')} to ${status}`, async () => {
    const { health } = await statusOf(...paths);
    assert.equal(health.aggregate().status, status);
  });
}

for (const { path, status } of [
  { path: ['starting', 'permanent_error', 'fatal_error'], status: 'permanent_error' },
  { path: ['starting', 'fatal_error', 'ok', 'stopping'], status: 'fatal_error' },
  { path: ['ok'], status: 'none' },
  { path: ['starting', 'stopping', 'ok'], status: 'stopping' },
  { path: ['starting', 'stopping', 'stopped', 'starting'], status: 'stopped' },
] satisfies { path: ComponentStatus[]; status: ComponentStatus }[]) {
  test(`HealthStatus stays ${status} through ${path.join(', ')}`, async () => {
    const { health } = await statusOf(path);
    assert.equal(health.aggregate().status, status);
  });
}

test('HealthStatus keeps the time and message of the earliest error, and the latest time otherwise', async () => {
  const { health } = await statusOf([...toOk, 'recoverable_error'], [...toOk, 'recoverable_error'], toOk);
  const { unixNano, error } = health.aggregate();
  assert.deepEqual({ unixNano, error }, { unixNano: 3_000_000n, error: 'e0 fails' });
  const { health: healthy } = await statusOf(toOk, toOk);
  assert.equal(healthy.aggregate().unixNano, 4_000_000n);
});

test('HealthStatus tells an extension apart from the pipelines, and counts a shared component in each of them', () => {
  const members = ['receiver:frames'];
  const pipelines = [
    { id: 'profiles', members },
    { id: 'profiles/2', members },
  ];
  const health = new HealthStatus(pipelines, new FakeClock());
  health.report('health_check', 'extension', 'starting');
  health.report('frames', 'receiver', 'starting');
  assert.deepEqual(
    [...health.aggregate().components.keys()],
    ['extensions', 'pipeline:profiles', 'pipeline:profiles/2'],
  );
  assert.deepEqual([...health.aggregateOf('profiles/2')!.components.keys()], members);
  assert.equal(health.aggregateOf('traces'), undefined);
});

test('HealthStatus says since when it is ready, and tells its listeners', async () => {
  const clock = new FakeClock(0n);
  const health = new HealthStatus([], clock);
  const seen: (bigint | undefined)[] = [];
  health.onChange(() => seen.push(health.readySinceUnixNano));
  await clock.advance(5);
  health.markReady();
  await clock.advance(5);
  health.markReady();
  health.markNotReady();
  assert.deepEqual(seen, [5_000_000n, 5_000_000n, undefined]);
});
