import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { measure } from './measure.ts';
import { formatTable, problemsOf } from './result-table.ts';

const isLinux = process.platform === 'linux';

// The long runs are a script; this keeps it from falling into disrepair.
describe('the testbed', { concurrency: 2, skip: !isLinux && 'needs /proc' }, () => {
  for (const isBackendUp of [true, false]) {
    test(`measures a service whose backend is ${isBackendUp ? 'up' : 'down'}`, {
      timeout: 120_000,
    }, async () => {
      const measurement = {
        name: 'smoke',
        isBackendUp,
        rate: 2_000,
        seconds: 1.5,
        intervalMs: 200,
        queueBytes: 1 << 20,
        isDurable: false,
        copies: 1,
      };
      const measured = await measure(measurement);
      const { usage, load, counted, requestCount } = measured;
      assert.ok(load!.acceptedSamples >= 1_000, JSON.stringify(load));
      assert.ok(usage.peakRssBytes > 50 << 20 && usage.cpuShare > 0, JSON.stringify(usage));
      assert.equal(requestCount > 0 && counted.sent > 0, isBackendUp);
      assert.match(formatTable([{ measurement, measured, problems: [] }]), /\| smoke \| [\d,]+ \| \d+ MiB/);
      const impossible = { rssBytes: 1, cpuShare: 1e-9, growthBytes: -Infinity };
      assert.equal(problemsOf({ ...measurement, rate: 1e9 }, measured, impossible).length, 3);
    });
  }
});
