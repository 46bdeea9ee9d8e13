import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Sample } from '../../src/otlp/profiles-data.ts';
import { columnsOf, MomentGroups, noSample, SampleColumns, SampleRange } from '../../src/otlp/sample-columns.ts';
import { halvesOf } from '../../src/support/halves.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const index = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const samples: fc.Arbitrary<Sample[]> = fc.array(
  fc.record(
    {
      stackIndex: index,
      attributeIndices: fc.array(index, { maxLength: 5 }),
      linkIndex: index,
      values: fc.array(int64, { maxLength: 4 }),
      timestampsUnixNano: fc.array(uint64, { maxLength: 4 }),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 40 },
);

const place = fc.integer({ min: -45, max: 45 });

test('columns say the same as the objects they were made of, also in parts', () => {
  fc.assert(
    fc.property(samples, place, place, (list, start, end) => {
      const range = columnsOf(list);
      assert.deepEqual([...range], list);
      assert.deepEqual([...range.entries()], [...list.entries()]);
      assert.deepEqual([...range.slice(start, end)], list.slice(start, end));
      assert.deepEqual([...range.slice(start).slice(1, end)], list.slice(start).slice(1, end));
      assert.deepEqual([range.at(start), range.at(-1)], [list.at(start), list.at(-1)]);
      assert.equal(columnsOf(range), range);
    }),
    { endOnFailure: true },
  );
});

test('the last sample is removed with all its elements, and nothing of it is in the next', () => {
  fc.assert(
    fc.property(samples, samples, (kept, removed) => {
      const columns = new SampleColumns();
      for (const sample of kept) columns.add(sample);
      for (const sample of removed) {
        columns.add(sample);
        columns.removeLast();
      }
      for (const sample of kept) columns.add(sample);
      assert.deepEqual([...new SampleRange(columns, 0, columns.count)], [...kept, ...kept]);
    }),
    { endOnFailure: true },
  );
});

test('moments in any order come to their samples in the order of their arrival', () => {
  const moment = fc.record({ sample: fc.nat(6), time: uint64, value: int64 });
  fc.assert(
    fc.property(samples, fc.array(moment), fc.boolean(), (before, moments, hasValues) => {
      const columns = new SampleColumns();
      for (const sample of before) columns.add(sample);
      const counts = new Uint32Array(7);
      for (const { sample } of moments) counts[sample]!++;
      for (let i = 0; i < counts.length; i++) columns.end(i, 0);
      const groups = new MomentGroups(columns, before.length, counts.length);
      groups.addRoom(before.length, counts, hasValues);
      for (const { sample, time, value } of moments) {
        groups.add(before.length + sample, ...halvesOf(time), ...halvesOf(value));
      }
      // Elements that come afterwards have places of their own.
      for (const sample of before) columns.add(sample);
      const grouped = Array.from(counts, (_, stackIndex): Sample => {
        const own = moments.filter(({ sample }) => sample === stackIndex);
        return {
          stackIndex,
          attributeIndices: [],
          linkIndex: 0,
          values: hasValues ? own.map(({ value }) => value) : [],
          timestampsUnixNano: own.map(({ time }) => time),
        };
      });
      assert.deepEqual([...new SampleRange(columns, 0, columns.count)], [...before, ...grouped, ...before]);
    }),
    { endOnFailure: true },
  );
});

test('a sum takes the place of a value', () => {
  fc.assert(
    fc.property(int64, int64, (value, sum) => {
      const columns = new SampleColumns();
      columns.addValue(...halvesOf(value));
      assert.equal(columns.value(0), value);
      columns.setValue(0, sum);
      assert.equal(columns.value(0), sum);
    }),
    { endOnFailure: true },
  );
});

test('moments of a sample are appended whole, few or many, behind others', () => {
  for (const count of [0, 1, 15, 16, 17, 500]) {
    const timestampsUnixNano = Array.from({ length: count }, (_, i) => 2n ** 60n + BigInt(i) * 5_000_000_000n);
    const values = Array.from({ length: count }, (_, i) => BigInt(i) << 31n);
    const samples = [0n, 1n, 2n].map((first) => ({
      ...{ stackIndex: 1, attributeIndices: [], linkIndex: 0 },
      values: values.map((value) => value + first),
      timestampsUnixNano: timestampsUnixNano.map((time) => time + first),
    }));
    const source = columnsOf(samples);
    const target = new SampleColumns();
    for (const index of [2, 0]) {
      target.addMoments(source.columns, index);
      target.end(1, 0);
    }
    assert.deepEqual([target.sample(0), target.sample(1)], [samples[2], samples[0]]);
  }
});

test('moments of columns are added as one by one, but for those that are left out', () => {
  const counts = Uint32Array.of(2, 0, 1);
  const columnsWith = (withValues: boolean, add: (moments: MomentGroups) => void): Sample[] => {
    const columns = new SampleColumns();
    for (let i = 0; i < counts.length; i++) columns.end(i, 0);
    const moments = new MomentGroups(columns, 0, counts.length);
    moments.addRoom(0, counts, withValues);
    add(moments);
    return [...new SampleRange(columns, 0, counts.length)];
  };
  const sample = Uint32Array.of(2, noSample, 0, 0, 9);
  const [timeLow, timeHigh, valueLow, valueHigh] = [1, 2, 3, 4].map((n) => sample.map((_, i) => 10 * n + i));
  const columns = { sample, timeLow: timeLow!, timeHigh: timeHigh!, valueLow: valueLow!, valueHigh: valueHigh! };
  for (const withValues of [true, false]) {
    const oneByOne = columnsWith(withValues, (moments) => {
      for (const i of [0, 2, 3]) moments.add(sample[i]!, timeLow![i]!, timeHigh![i]!, valueLow![i]!, valueHigh![i]!);
    });
    assert.deepEqual(
      columnsWith(withValues, (moments) => moments.addAll(columns, 4)),
      oneByOne,
    );
  }
});
