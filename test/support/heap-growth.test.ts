import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthAfter } from '../../src/support/heap-growth.ts';

test('the heap grows in large steps while it fills fast, and in small ones again once it fills slowly', () => {
  const seconds = [300, 100, 40, 9, 1, 15, 50, 59, 61, 12, 300];
  let percent = 20;
  const growth = seconds.map((each) => {
    percent = growthAfter(1000 * each, percent);
    return percent;
  });
  assert.deepEqual(growth, [20, 20, 20, 200, 200, 200, 200, 200, 20, 20, 20]);
});
