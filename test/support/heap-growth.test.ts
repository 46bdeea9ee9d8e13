import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeapGrowth } from '../../src/support/heap-growth.ts';

test('the heap grows in large steps while it fills fast, and in small ones again once it fills slowly', () => {
  const growth = new HeapGrowth(0);
  let nowMs = 0;
  const percents = [300, 100, 40, 9, 1, 15, 50, 59, 61, 12, 300].map((seconds) => {
    nowMs += 1000 * seconds;
    growth.noteCollection(nowMs);
    return growth.percent;
  });
  assert.deepEqual(percents, [20, 20, 20, 200, 200, 200, 200, 200, 20, 20, 20]);
});

test('a collection that was asked for, in however many passes, says nothing of how fast the heap fills', async () => {
  const growth = new HeapGrowth(0);
  let nowMs = 100_000;
  const pass = (): void => {
    nowMs += 10;
    growth.noteCollection(nowMs);
  };
  await growth.collect(
    async () => {
      pass();
      pass();
    },
    () => nowMs,
  );
  // The observer tells it late.
  growth.noteCollection(nowMs - 5);
  assert.equal(growth.percent, 20);
  nowMs += 70_000;
  pass();
  assert.equal(growth.percent, 20);
  nowMs += 1_000;
  pass();
  assert.equal(growth.percent, 200);
});
