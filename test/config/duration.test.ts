import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDurationMs, parseDurationMs } from '../../src/config/duration.ts';

// The texts of Go's own time.ParseDuration documentation and tests, in milliseconds.
for (const [text, ms] of [
  ['0', 0],
  ['+0', 0],
  ['-0', 0],
  ['5s', 5_000],
  ['30s', 30_000],
  ['1478s', 1_478_000],
  ['-5s', -5_000],
  ['+5s', 5_000],
  ['5.0s', 5_000],
  ['5.6s', 5_600],
  ['5.s', 5_000],
  ['.5s', 500],
  ['1.004s', 1_004],
  ['1.0040s', 1_004],
  ['100.00100s', 100_001],
  ['10ns', 0.000_01],
  ['11us', 0.011],
  ['12µs', 0.012],
  ['12μs', 0.012],
  ['13ms', 13],
  ['14s', 14_000],
  ['15m', 900_000],
  ['16h', 57_600_000],
  ['3h30m', 12_600_000],
  ['10.5s4m', 250_500],
  ['-2m3.4s', -123_400],
  ['1h2m3s4ms5us6ns', 3_723_004.005_006],
  ['39h9m14.425s', 140_954_425],
  ['1.1s', 1_100],
  ['0.1ns', 0],
  ['0.100000000000000000000h', 360_000],
  ['0.3333333333333333333h', 1_199_999.999_999],
  ['9223372036854775807ns', 9_223_372_036_854.775],
  ['2562047h47m16.854775807s', 9_223_372_036_854.775],
] as const) {
  test(`parseDurationMs takes ${text}`, () => assert.equal(parseDurationMs(text), ms));
}

for (const value of [
  ...['', '3', '-', 's', '.', '-.', '.s', '+.s', '1d', '1w', '1h 30m', ' 1s', '1s ', '1S', '1_000ms', '1e3s', '0x1s'],
  ...['1.2.3s', 'five seconds', '--5s', '9223372036854775808ns', '9999999h', `${'0'.repeat(1_000)}1s`, '00'],
  ...[1.5, Number.NaN, Infinity, 2 ** 53, null, undefined, true, [], {}],
]) {
  test(`parseDurationMs refuses ${JSON.stringify(value)?.slice(0, 40)}`, () => {
    assert.equal(parseDurationMs(value), undefined);
  });
}

test('parseDurationMs counts a bare integer in nanoseconds', () => {
  assert.equal(parseDurationMs(5_000_000_000), 5_000);
  assert.equal(parseDurationMs(0), 0);
});

for (const [ms, text] of [
  [0, '0s'],
  [0.000_005, '5ns'],
  [0.0015, '1.5µs'],
  [0.5, '500µs'],
  [200, '200ms'],
  [999.5, '999.5ms'],
  [1_000, '1s'],
  [1_500, '1.5s'],
  [60_000, '1m'],
  [60_300, '1m0.3s'],
  [90_000, '1m30s'],
  [3_600_000, '1h'],
  [5_400_000, '1h30m'],
  [3_601_000, '1h1s'],
  [-1_500, '-1.5s'],
] as const) {
  test(`formatDurationMs writes ${ms} as ${text}`, () => assert.equal(formatDurationMs(ms), text));
}

test('formatDurationMs writes what parseDurationMs reads', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e15, max: 1e15 }), (nanoseconds) => {
      assert.equal(parseDurationMs(formatDurationMs(nanoseconds / 1e6)), nanoseconds / 1e6);
    }),
  );
});
