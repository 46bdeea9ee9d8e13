import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineLooksMs } from '../../src/support/open-http.ts';

for (const { deadlines, looksMs } of [
  { deadlines: [200], looksMs: 1_000 },
  { deadlines: [4_000], looksMs: 2_000 },
  { deadlines: [10_000], looksMs: 5_000 },
  { deadlines: [60_000, 3_000], looksMs: 1_500 },
  { deadlines: [0, 3_000], looksMs: 1_500 },
  { deadlines: [0, 0], looksMs: 5_000 },
]) {
  test(`deadlines of ${deadlines.join(' and ')} ms are looked at every ${looksMs} ms`, () => {
    assert.equal(deadlineLooksMs(...deadlines), looksMs);
  });
}
