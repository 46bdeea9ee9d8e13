import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';

test('ConfigError tells every problem on a line of its own, with path and remedy', () => {
  const problems = [
    { path: 'exporters.otlp_grpc.timeout', problem: '"5" is not a duration', remedy: 'add a unit' },
    { path: '', problem: 'empty configuration file', remedy: 'configure something' },
  ];
  const error = new ConfigError(problems);
  assert.equal(
    error.message,
    'exporters.otlp_grpc.timeout: "5" is not a duration; add a unit.\nempty configuration file; configure something.',
  );
  assert.deepEqual([error.name, error.problems, error instanceof Error], ['ConfigError', problems, true]);
});
