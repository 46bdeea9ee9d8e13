import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import { windowLimitsOf } from '../../src/pipeline/create-cycle-part.ts';
import { reportingCycleType } from '../../src/reporter/reporting-cycle-config.ts';

const mebibyte = 2 ** 20;

for (const { heapMib, maxMib } of [
  { heapMib: 4_096, maxMib: 128 },
  { heapMib: 1_024, maxMib: 128 },
  { heapMib: 152, maxMib: 19 },
]) {
  test(`a window of 128 MiB has ${maxMib} MiB in a process whose heap ends at ${heapMib} MiB`, () => {
    const section = new ConfigSection('processors.reporting_cycle', { max_bytes: 128 * mebibyte }, []);
    const { maxBytes } = windowLimitsOf(reportingCycleType.table.read(section), heapMib * mebibyte);
    assert.equal(maxBytes, maxMib * mebibyte);
  });
}
