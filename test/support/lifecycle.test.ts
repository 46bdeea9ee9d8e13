import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifecycle } from '../../src/support/lifecycle.ts';

function setUp({ failsToStart = '', failsToStop = '' } = {}) {
  const log: string[] = [];
  const components = ['a', 'b', 'c'].map((id) => ({
    id,
    start: async (): Promise<void> => {
      if (id === failsToStart) throw new Error(`${id} cannot start`);
    },
    stop: async (): Promise<void> => {
      if (id === failsToStop) throw new Error(`${id} cannot stop`);
    },
  }));
  return { log, lifecycle: new Lifecycle(components, ({ id }, status) => log.push(`${id} ${status}`)) };
}

test('Lifecycle starts in order and stops in reverse', async () => {
  const { log, lifecycle } = setUp();
  await lifecycle.start();
  assert.deepEqual(log, ['a starting', 'a ok', 'b starting', 'b ok', 'c starting', 'c ok']);
  log.length = 0;
  await lifecycle.stop(new AbortController().signal);
  assert.deepEqual(log, ['c stopping', 'c stopped', 'b stopping', 'b stopped', 'a stopping', 'a stopped']);
});

test('Lifecycle stops what was started when a component cannot start, and says why', async () => {
  const { log, lifecycle } = setUp({ failsToStart: 'b' });
  await assert.rejects(lifecycle.start(), /b cannot start/);
  assert.deepEqual(log.slice(2), [
    'b starting',
    'b permanent_error',
    'b stopping',
    'b stopped',
    'a stopping',
    'a stopped',
  ]);
});

test('Lifecycle stops the others when one cannot stop', async () => {
  const { log, lifecycle } = setUp({ failsToStop: 'b' });
  await lifecycle.start();
  await lifecycle.stop(new AbortController().signal);
  assert.deepEqual(log.slice(-4), ['b stopping', 'b permanent_error', 'a stopping', 'a stopped']);
});

test('Lifecycle stops each component once', async () => {
  const { log, lifecycle } = setUp();
  await lifecycle.start();
  const { signal } = new AbortController();
  await Promise.all([lifecycle.stop(signal), lifecycle.stop(signal)]);
  assert.equal(log.filter((line) => line.endsWith('stopping')).length, 3);
});
