import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResourceChain } from '../../src/identity/resource-chain.ts';
import type { ResourceRule } from '../../src/identity/resource-rule.ts';
import type { KeyValue } from '../../src/otlp/profiles-data.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

const metric = 'framekeeper_identity_skipped_resources';

function resourceOf(pid: bigint): readonly KeyValue[] {
  return [
    { key: 'process.pid', value: pid },
    { key: 'process.executable.path', value: '/usr/bin/shop' },
  ];
}

test('resources of a process that are not compared with others are counted when they leave, once', async () => {
  const { meter, values } = recordMetrics();
  const chain = new ResourceChain([], meter);
  chain.edit(
    Array.from({ length: 20 }, () => resourceOf(1n)),
    { isServiceOnSamples: false },
  );
  assert.equal((await values()).get(`${metric}{reason="same_process"}`), 4);
});

test('resources that are not waited for are counted', async () => {
  const { meter, values } = recordMetrics();
  const looking: ResourceRule = { id: 'slow', apply: () => true, settled: () => Promise.resolve() };
  const chain = new ResourceChain([looking], meter);
  chain.foresee!(Array.from({ length: 8_200 }, (_, index) => resourceOf(BigInt(index))));
  const counted = await values();
  assert.deepEqual(
    [counted.get(`${metric}{reason="look_up"}`), counted.get(`${metric}{reason="same_process"}`)],
    [8, undefined],
  );
});
