import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registerSymbolStoreMetrics } from '../../src/symbols/symbol-store-metrics.ts';
import { fileIdOf, processOf } from '../support/batch.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { StoreHarness, stubOf } from './store-harness.ts';

test('every figure of the store is a metric', async () => {
  const harness = new StoreHarness();
  const { meter, values } = recordMetrics();
  registerSymbolStoreMetrics(meter, harness.store);
  harness.learnName(fileIdOf(1), 1n, 'f');
  harness.find(fileIdOf(1), 1n);
  harness.find(fileIdOf(1), 2n);
  harness.learn({ stubs: [stubOf({ process: processOf(7) }, 0n, 8n, 'stub')] });
  harness.cycle();
  const recorded = await values();
  const value = (name: string): number | undefined => recorded.get(`framekeeper_symbol_store_${name}{}`);
  assert.deepEqual(
    ['symbols', 'hits', 'misses', 'live_stubs', 'resubmitted_stubs', 'evictions'].map(value),
    [2, 1, 1, 1, 1, 0],
  );
  const series = Object.values(harness.store.stats()).map((stat) =>
    typeof stat === 'number' ? 1 : Object.keys(stat).length,
  );
  assert.equal(
    recorded.size,
    series.reduce((sum, count) => sum + count, 0),
  );
});
