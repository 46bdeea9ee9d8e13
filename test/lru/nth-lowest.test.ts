import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nthLowest } from '../../src/lru/nth-lowest.ts';

/** Few different values, values of all sizes, and those in order. */
const values = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 600 }),
  fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 600 }),
  fc.integer({ min: 1, max: 600 }).map((length) => Array.from({ length }, (_, index) => index)),
);

test('nthLowest is the value at its rank of the sorted values, and leaves those behind the count alone', () => {
  fc.assert(
    fc.property(values, fc.nat(), fc.nat(), (all, countSeed, rankSeed) => {
      const count = 1 + (countSeed % all.length);
      const rank = rankSeed % count;
      const given = Int32Array.from(all);
      assert.equal(nthLowest(given, count, rank), Int32Array.from(all).subarray(0, count).sort()[rank]);
      assert.deepEqual([...given.subarray(count)], all.slice(count));
      assert.deepEqual(given.subarray(0, count).sort(), Int32Array.from(all).subarray(0, count).sort());
    }),
    { numRuns: 2000 },
  );
});
