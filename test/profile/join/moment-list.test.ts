import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MomentGroups, SampleColumns } from '../../../src/otlp/sample-columns.ts';
import { MomentList } from '../../../src/profile/join/moment-list.ts';

const sampleCount = 5;
const moment = fc.record({ sample: fc.nat(sampleCount - 1), time: fc.nat(), value: fc.nat() });

/** Moments by sample, as a list gives them to groups. */
function grouped(list: MomentList, hasValues: boolean): SampleColumns {
  const counts = new Uint32Array(sampleCount);
  list.count(counts);
  const columns = new SampleColumns();
  for (let sample = 0; sample < sampleCount; sample++) columns.end(sample, 0);
  const groups = new MomentGroups(columns, 0, sampleCount);
  groups.addRoom(0, counts, hasValues);
  list.addTo(groups, 0);
  return columns;
}

for (const hasValues of [false, true]) {
  test(`MomentList gives each sample its moments in order, ${hasValues ? 'with' : 'without'} values`, () => {
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 40 }), fc.constantFrom(1, 7, 400), (moments, times) => {
        const list = new MomentList(hasValues);
        const expected = Array.from({ length: sampleCount }, () => [] as [bigint, bigint][]);
        for (let i = 0; i < times; i++) {
          for (const { sample, time, value } of moments) {
            list.add(sample, time, i, value, i);
            const high = BigInt(i) << 32n;
            expected[sample]!.push([high + BigInt(time), high + BigInt(value)]);
          }
        }
        assert.equal(list.length, times * moments.length);
        const columns = grouped(list, hasValues);
        for (const [sample, own] of expected.entries()) {
          const { timestampsUnixNano, values } = columns.sample(sample);
          assert.deepEqual(
            timestampsUnixNano,
            own.map(([time]) => time),
          );
          assert.deepEqual(values, hasValues ? own.map(([, value]) => value) : []);
        }
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });
}
