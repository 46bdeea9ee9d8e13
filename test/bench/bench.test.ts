import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareInRounds, quantile } from './bench.ts';

test('compareInRounds lets contenders take turns and compares with the first', () => {
  const order: string[] = [];
  const rows = compareInRounds(
    ['a', 'b'].map((what) => ({ what, run: () => order.push(what) })),
    { unit: 'ns', rounds: 1, runsPerRound: 2, convert: () => 5 },
  );
  assert.equal(order.join(''), 'aabbaabbaabb', 'two rounds warm up, one counts');
  assert.deepEqual(rows, [
    { what: 'a', unit: 'ns', median: 5, spread: 0 },
    { what: 'b', unit: 'ns', median: 5, spread: 0, ratioTo: { what: 'a', ratio: 1 } },
  ]);
});

test('quantile lies between the nearest two values', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([1], 0.75), 1);
});
