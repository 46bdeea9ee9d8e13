import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FrameKind } from '../../src/model/frame-kind.ts';
import { FrameTable } from '../../src/reporter/frame-table.ts';

const word = fc.constantFrom(0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff);
const frame = fc.record({
  file: fc.nat(2),
  kind: fc.nat(3) as fc.Arbitrary<FrameKind>,
  mapping: fc.integer({ min: -1, max: 1 }),
  high: word,
  low: word,
});

test('FrameTable numbers frames like a map from all of their parts, and finds those at an address at any time', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 200 }), fc.nat(200), (frames, asked) => {
      const table = new FrameTable();
      const model = new Map<string, number>();
      for (const [i, { file, kind, mapping, high, low }] of frames.entries()) {
        const key = `${file} ${kind} ${mapping} ${high} ${low}`;
        if (!model.has(key)) model.set(key, model.size);
        const number = table.intern(table.internPlace(file, kind, mapping), high, low);
        assert.equal(number, model.get(key));
        assert.deepEqual(
          [
            table.file(number),
            table.kind(number),
            table.mapping(number),
            table.addressHigh(number),
            table.addressLow(number),
          ],
          [file, kind, mapping, high, low],
        );
        // Once in the middle, so that the index of addresses has to follow what comes later.
        if (i === asked) assert.ok([...table.at(file, high, low)].includes(number));
      }
      assert.equal(table.count, model.size);
      for (const { file, high, low } of frames) {
        const expected = [...model].filter(([key]) => key.startsWith(`${file} `) && key.endsWith(` ${high} ${low}`));
        assert.deepEqual(
          [...table.at(file, high, low)].sort((a, b) => a - b),
          expected.map(([, number]) => number),
        );
      }
    }),
    { endOnFailure: true },
  );
});
