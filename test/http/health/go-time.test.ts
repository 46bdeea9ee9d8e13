import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatGoDuration, formatGoTime } from '../../../src/http/health/go-time.ts';

// Each right-hand side was printed by Go's time package.
for (const [nanoseconds, text] of [
  [0n, '0s'],
  [1n, '1ns'],
  [1_500n, '1.5µs'],
  [2_000_000n, '2ms'],
  [999_999_999n, '999.999999ms'],
  [62_300_000_000n, '1m2.3s'],
  [3_600_000_000_000n, '1h0m0s'],
  [90_061_000_000_001n, '25h1m1.000000001s'],
] as const) {
  test(`formatGoDuration writes ${nanoseconds} ns as ${text}`, () => assert.equal(formatGoDuration(nanoseconds), text));
}

for (const [unixNano, text] of [
  [undefined, '0001-01-01T00:00:00Z'],
  [1_795_369_620_123_000_000n, '2026-11-22T17:47:00.123Z'],
  [1_795_369_620_000_000_001n, '2026-11-22T17:47:00.000000001Z'],
  [0n, '1970-01-01T00:00:00Z'],
] as const) {
  test(`formatGoTime writes ${unixNano} as ${text}`, () => assert.equal(formatGoTime(unixNano), text));
}
