import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRetryAfterMs } from '../../../src/exporters/otlp-http/retryable-status.ts';

const nowUnixMs = Date.UTC(2026, 0, 1);

for (const { text, delayMs } of [
  { text: '0', delayMs: 0 },
  { text: ' 120 ', delayMs: 120_000 },
  { text: 'Thu, 01 Jan 2026 00:00:07 GMT', delayMs: 7_000 },
  { text: 'Wed, 31 Dec 2025 23:59:59 GMT', delayMs: 0 },
  { text: 'Thu, 99 Jan 2026 00:00:07 GMT', delayMs: undefined },
  { text: '', delayMs: undefined },
  { text: '-1', delayMs: undefined },
  { text: '1.5', delayMs: undefined },
  { text: '2026-01-01T00:00:07Z', delayMs: undefined },
]) {
  test(`parseRetryAfterMs reads "${text}" as ${delayMs}`, () =>
    assert.equal(parseRetryAfterMs(text, nowUnixMs), delayMs));
}
