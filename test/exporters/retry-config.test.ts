import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { retryTable } from '../../src/exporters/retry-config.ts';

test('retry_on_failure has the defaults of the Collector', () => {
  assert.deepEqual(retryTable.read(new ConfigSection('', undefined, [])), {
    enabled: true,
    initialIntervalMs: 5_000,
    randomizationFactor: 0.5,
    multiplier: 1.5,
    maxIntervalMs: 30_000,
    maxElapsedTimeMs: 300_000,
  });
});

for (const { name, values, message } of [
  {
    name: 'refuses a max_elapsed_time shorter than max_interval',
    values: { max_elapsed_time: '10s' },
    message:
      'r.max_elapsed_time: 10s is shorter than max_interval (30s); raise max_elapsed_time, lower max_interval, or write 0 to retry for ever.',
  },
  {
    name: 'refuses a max_elapsed_time shorter than initial_interval',
    values: { max_elapsed_time: '2s', max_interval: '1s' },
    message:
      'r.max_elapsed_time: 2s is shorter than initial_interval (5s); raise max_elapsed_time, lower initial_interval, or write 0 to retry for ever.',
  },
  {
    name: 'refuses a factor above 1',
    values: { randomization_factor: 1.5 },
    message: /^r\.randomization_factor: 1\.5 /,
  },
  {
    name: 'refuses a negative interval',
    values: { initial_interval: '-1s' },
    message: /^r\.initial_interval: "-1s" /,
  },
  {
    name: 'refuses an unknown key',
    values: { max_intervall: '1s' },
    message: /^r\.max_intervall: /,
  },
  { name: 'takes 0 as for ever', values: { max_elapsed_time: '0' }, message: '' },
  { name: 'does not compare times that are not used', values: { enabled: false, max_elapsed_time: '1s' }, message: '' },
]) {
  test(`retry_on_failure ${name}`, () => {
    const problems: ConfigProblem[] = [];
    retryTable.read(new ConfigSection('r', values, problems));
    const actual = new ConfigError(problems).message;
    if (typeof message === 'string') assert.equal(actual, message);
    else assert.match(actual, message);
  });
}
