import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StubRange } from '../../src/symbols/stub-range.ts';
import { createStubRange, flipped } from '../../src/symbols/stub-range.ts';
import { StubRanges } from '../../src/symbols/stub-ranges.ts';
import { symbolOf } from '../support/batch.ts';
import { wordsOf } from './store-harness.ts';

const numRuns = Number(process.env.PROPERTY_RUNS ?? 300);

function rangeOf(start: bigint, length: bigint, name: string): StubRange {
  return createStubRange(start, length, symbolOf(name), 0);
}

function startOf({ startHigh, startLow }: StubRange): bigint {
  return (BigInt(flipped(startHigh) >>> 0) << 32n) | BigInt(flipped(startLow) >>> 0);
}

function lastOf({ lastHigh, lastLow }: StubRange): bigint {
  return (BigInt(flipped(lastHigh) >>> 0) << 32n) | BigInt(flipped(lastLow) >>> 0);
}

function listOf(ranges: StubRanges): StubRange[] {
  return Array.from({ length: ranges.chunkCount }, (_, i) => ranges.chunkAt(i)!).flat();
}

test('every address has the name of the range that was added last over it', () => {
  // Bases at which a low word carries into the high word, and at which a signed comparison would go wrong.
  const bases = [0n, 2n ** 31n - 20n, 2n ** 32n - 20n, 2n ** 63n - 20n, 2n ** 64n - 40n];
  const base = fc.constantFrom(...bases);
  const piece = fc.record({ start: fc.nat(39), length: fc.integer({ min: 1, max: 40 }) });
  const property = fc.property(base, fc.array(piece, { maxLength: 40 }), (from, pieces) => {
    const ranges = new StubRanges();
    const model = new Array<string | undefined>(40).fill(undefined);
    const live = new Set<StubRange>();
    for (const [i, { start, length }] of pieces.entries()) {
      const end = Math.min(40, start + length);
      const range = rangeOf(from + BigInt(start), BigInt(end - start), `${i}`);
      const { added, removed } = ranges.add(range);
      for (const gone of removed) assert.ok(live.delete(gone));
      for (const come of added) live.add(come);
      model.fill(`${i}`, start, end);
    }
    for (const [i, name] of model.entries()) {
      assert.equal(ranges.find(...wordsOf(from + BigInt(i)))?.symbol.functionName, name);
    }
    const list = listOf(ranges);
    assert.deepEqual(new Set(list), live);
    assert.equal(ranges.count, list.length);
    for (const [i, range] of list.entries()) {
      assert.ok(startOf(range) <= lastOf(range));
      assert.ok(i === 0 || lastOf(list[i - 1]!) < startOf(range), 'ranges are disjoint and in order');
    }
  });
  fc.assert(property, { numRuns });
});

for (const boundary of [2n ** 31n, 2n ** 32n, 2n ** 63n]) {
  for (const { name, start, ends } of [
    { name: 'begins', start: boundary, ends: [-8n, -1n, 0n, 3n, 4n, 7n] },
    { name: 'ends', start: boundary - 4n, ends: [-8n, -5n, -4n, -1n, 0n, 7n] },
  ]) {
    test(`a range is cut by one that ${name} at ${boundary.toString(16)}`, () => {
      const ranges = new StubRanges();
      ranges.add(rangeOf(boundary - 8n, 16n, 'outer'));
      ranges.add(rangeOf(start, 4n, 'inner'));
      const found = listOf(ranges).flatMap((range) => [startOf(range), lastOf(range)]);
      assert.deepEqual(
        found,
        ends.map((end) => boundary + end),
      );
    });
  }
}

test('tens of thousands of ranges in random order are all found', () => {
  const ranges = new StubRanges();
  const count = 20_000;
  for (let i = 0; i < count; i++) {
    const place = BigInt((i * 7919) % count);
    ranges.add(rangeOf(place * 32n, 16n, `${place}`));
  }
  assert.equal(ranges.count, count);
  for (let i = 0; i < count; i++) {
    assert.equal(ranges.find(0, i * 32 + 15)?.symbol.functionName, `${i}`);
    assert.equal(ranges.find(0, i * 32 + 16), undefined);
  }
  for (const range of listOf(ranges)) if (startOf(range) % 64n === 0n) ranges.remove(range);
  assert.equal(ranges.count, count / 2);
  for (let i = 0; i < count; i++) assert.equal(ranges.find(0, i * 32) === undefined, i % 2 === 0);
});

test('one range over many takes all of their places', () => {
  const ranges = new StubRanges();
  for (let i = 0n; i < 1000n; i++) ranges.add(rangeOf(i * 16n, 16n, 'small'));
  const { added, removed } = ranges.add(rangeOf(8n, 16n * 999n, 'large'));
  assert.deepEqual([added.length, removed.length, ranges.count], [2, 999, 3]);
  assert.deepEqual(
    [0n, 7n, 8n, 15_991n, 15_992n].map((at) => ranges.find(...wordsOf(at))?.symbol.functionName),
    ['small', 'small', 'large', 'large', 'small'],
  );
});
