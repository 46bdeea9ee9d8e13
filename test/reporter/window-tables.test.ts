import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FrameKind } from '../../src/model/frame-kind.ts';
import { FrameTable, StackTable } from '../../src/reporter/window-tables.ts';

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

test('FrameTable numbers many frames at once as it does one after the other, and tells those without a name', () => {
  const table = new FrameTable();
  const model = new FrameTable();
  for (let round = 0; round < 3; round++) {
    // More of them each time, so that it has to grow within a call.
    const all = Array.from({ length: 50 * 20 ** round }, (_, i) => ({ file: i % 3, high: i & 1, low: (i * 16) | 0 }));
    const places = all.map(({ file }) => table.internPlace(file, 1 as FrameKind, -1));
    for (const { file } of all) model.internPlace(file, 1 as FrameKind, -1);
    const expected = all.map(({ high, low }, i) => model.intern(places[i]!, high, low));
    const entries = Int32Array.from(places);
    const [addressHigh, addressLow] = [
      Uint32Array.from(all, ({ high }) => high),
      Uint32Array.from(all, ({ low }) => low),
    ];
    const named = new Set(expected.filter((frame) => model.isNamed(frame)));
    table.internAll(entries, Int32Array.from(all.keys()), { addressHigh, addressLow, count: all.length });
    assert.deepEqual(
      [...entries],
      expected.map((frame) => (named.has(frame) ? frame + 1 : -1 - frame)),
    );
    for (const frame of expected.filter((each) => each % 2 === 0)) {
      table.markNamed(frame);
      model.markNamed(frame);
    }
  }
  assert.equal(table.count, model.count);
});

test('StackTable numbers stacks like a map from their frames', () => {
  const stack = fc.tuple(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(stack, { maxLength: 300 }), (stacks) => {
      const table = new StackTable();
      const model = new Map<string, number>();
      for (const [frames, isTruncated] of stacks) {
        const key = `${frames} ${isTruncated}`;
        if (!model.has(key)) model.set(key, model.size);
        assert.equal(table.intern(Int32Array.from(frames), frames.length, isTruncated), model.get(key));
      }
      for (const [key, index] of model) {
        const frames: number[] = [];
        for (let at = table.startOf(index); at < table.startOf(index + 1); at++) frames.push(table.frameAt(at));
        assert.equal(`${frames} ${table.isTruncated(index)}`, key);
      }
    }),
  );
});

test('a stack adds to the size of StackTable what it takes itself, whatever doubles for it', () => {
  const table = new StackTable();
  const added = new Set<number>();
  for (let frame = 0; frame < 5_000; frame++) {
    const before = table.sizeBytes;
    table.intern(Int32Array.of(frame), 1, false);
    added.add(table.sizeBytes - before);
  }
  assert.equal(added.size, 1);
});

test('StackTable never takes two stacks for the same because their hashes are equal', () => {
  const table = new StackTable();
  // Among 300,000 stacks about ten pairs share a 32-bit hash.
  const count = 300_000;
  const frames = new Int32Array(2);
  for (let i = 0; i < count; i++) {
    frames[0] = i % 1000;
    frames[1] = Math.floor(i / 1000);
    table.intern(frames, 2, false);
  }
  assert.equal(table.count, count);
});
