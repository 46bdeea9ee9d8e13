import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { halvesOf, isBefore, uint64Of } from '../../src/support/halves.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test("halves of a number make the number again, a negative one by its two's complement", () => {
  fc.assert(
    fc.property(uint64, (value) => {
      const [low, high] = halvesOf(value);
      assert.equal(uint64Of(high, low), value);
      assert.deepEqual(halvesOf(BigInt.asIntN(64, value)), [low, high]);
      assert.ok(low >= 0 && low < 2 ** 32 && high >= 0 && high < 2 ** 32);
    }),
    { endOnFailure: true },
  );
});

test('isBefore compares as the numbers do', () => {
  fc.assert(
    fc.property(uint64, fc.oneof(uint64, fc.constant(0n)), (value, step) => {
      const other = (value + (step % 3n)) & (2n ** 64n - 1n);
      assert.equal(isBefore(...halvesOf(value), ...halvesOf(other)), value < other);
      assert.equal(isBefore(...halvesOf(step), ...halvesOf(value)), step < value);
    }),
    { endOnFailure: true },
  );
});
