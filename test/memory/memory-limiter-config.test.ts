import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { formatProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { memoryLimiterType } from '../../src/memory/memory-limiter-config.ts';

function read(yaml: string) {
  const problems: ConfigProblem[] = [];
  const config = memoryLimiterType.table.read(new ConfigSection('m', parse(yaml), problems));
  return { config, faults: problems.map(formatProblem) };
}

test('every key is read; sizes win over percentages', () => {
  const { config, faults } = read(
    '{check_interval: 1s, limit_mib: 500, spike_limit_mib: 100, limit_percentage: 80, spike_limit_percentage: 10, min_gc_interval_when_soft_limited: 20s, min_gc_interval_when_hard_limited: 0s}',
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(config, {
    checkIntervalMs: 1_000,
    limit: { bytes: 500 * 2 ** 20 },
    spikeLimit: { bytes: 100 * 2 ** 20 },
    minGcIntervalSoftMs: 20_000,
    minGcIntervalHardMs: 0,
  });
  const { limit, spikeLimit } = read('{check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 10}').config;
  assert.deepEqual([limit, spikeLimit], [{ percentage: 80 }, { percentage: 10 }]);
});

for (const { yaml, fault } of [
  { yaml: '{limit_mib: 1}', fault: 'm.check_interval: must be greater than zero; write e.g. 1s.' },
  {
    yaml: '{check_interval: 1s}',
    fault: "m.limit_mib: or 'limit_percentage' must be greater than zero; write e.g. limit_percentage: 80.",
  },
  {
    yaml: '{check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}',
    fault: "m.spike_limit_mib: must be smaller than 'limit_mib' (5); lower it or raise the other.",
  },
  {
    yaml: '{check_interval: 1s, limit_percentage: 5, spike_limit_percentage: 6}',
    fault: "m.spike_limit_percentage: must be smaller than 'limit_percentage' (5); lower it or raise the other.",
  },
  {
    yaml: '{check_interval: 1s, limit_mib: 5, limit_percentage: 101}',
    fault:
      'm.limit_percentage: is 101, and must be greater than zero and less than or equal to hundred; write a number from 1 to 100.',
  },
  {
    yaml: '{check_interval: 1s, limit_mib: 5, min_gc_interval_when_soft_limited: 1s}',
    fault:
      "m.min_gc_interval_when_soft_limited: should be larger than 'min_gc_interval_when_hard_limited' (5000ms); raise it or lower the other.",
  },
]) {
  test(`a configuration is refused: ${yaml}`, () => assert.deepEqual(read(yaml).faults, [fault]));
}
