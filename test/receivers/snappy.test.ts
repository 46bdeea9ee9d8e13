import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decompressSnappyBlock, decompressSnappyFrames } from '../../src/receivers/snappy.ts';
import { atOnce } from '../../src/support/steps.ts';
import { snappyBlock, snappyFrames } from './snappy-literals.ts';

const abc = [0x61, 0x62, 0x63];

for (const { name, block, text } of [
  { name: 'nothing', block: [0], text: '' },
  { name: 'a literal', block: [3, 0x08, ...abc], text: 'abc' },
  {
    name: 'a literal whose length takes a byte',
    block: [70, 60 << 2, 69, ...Array(70).fill(0x61)],
    text: 'a'.repeat(70),
  },
  { name: 'a copy that reaches into itself', block: [12, 0x08, ...abc, 0x15, 3], text: 'abcabcabcabc' },
  { name: 'a copy with an offset of two bytes', block: [12, 0x08, ...abc, 0x22, 3, 0], text: 'abcabcabcabc' },
  { name: 'a copy with an offset of four bytes', block: [12, 0x08, ...abc, 0x23, 3, 0, 0, 0], text: 'abcabcabcabc' },
]) {
  test(`a snappy block of ${name} is decompressed`, () => {
    assert.equal(Buffer.from(atOnce(decompressSnappyBlock(Uint8Array.from(block), 1_000))).toString(), text);
  });
}

for (const { name, block } of [
  { name: 'without a length', block: [] },
  { name: 'that ends early', block: [4, 0x08, ...abc] },
  { name: 'that goes on', block: [2, 0x08, ...abc] },
  { name: 'with a literal beyond its end', block: [9, 0x20, ...abc] },
  { name: 'with a copy from before its beginning', block: [12, 0x08, ...abc, 0x15, 4] },
  { name: 'with a copy of offset 0', block: [12, 0x08, ...abc, 0x15, 0] },
  { name: 'that claims more than it can hold', block: [0xff, 0xff, 0xff, 0x7f, 0x08, ...abc] },
]) {
  test(`a snappy block ${name} is refused`, () => {
    assert.throws(() => atOnce(decompressSnappyBlock(Uint8Array.from(block), 2 ** 30)), RangeError);
  });
}

test('snappy blocks and frames give back what was put in, and nothing when a bit has changed or it is too much', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (bytes, at) => {
      assert.deepEqual(Buffer.from(atOnce(decompressSnappyBlock(snappyBlock(bytes), 300))), Buffer.from(bytes));
      const frames = snappyFrames(bytes);
      assert.deepEqual(Buffer.from(atOnce(decompressSnappyFrames(frames, 300))), Buffer.from(bytes));
      if (bytes.length > 0)
        assert.throws(() => atOnce(decompressSnappyFrames(frames, bytes.length - 1)), { name: 'OutputTooLarge' });
      // The last frame is not compressed: only its checksum can tell that a byte of it has changed.
      if (bytes.length === 0) return;
      const spoilt = Buffer.from(frames);
      spoilt[spoilt.length - 1 - (at % Math.ceil(bytes.length / 2))]! ^= 1;
      assert.throws(() => atOnce(decompressSnappyFrames(spoilt, 300)), RangeError);
    }),
    { numRuns: 200 },
  );
});

test('a large block is decompressed in steps of a few hundred kilobytes, also where it is one literal or one long copy', () => {
  const size = 4 * 1024 * 1024;
  const literal = Buffer.alloc(size, 'literal ');
  // A literal of one byte, and copies of 64 bytes with an offset of 1.
  const copies = Buffer.alloc(3 * (size / 64), Buffer.from([0xfe, 1, 0]));
  const head = Buffer.from([0x81, 0x80, 0x80, 0x02, 0x00, 0x78]);
  for (const { block, expected } of [
    { block: snappyBlock(literal), expected: literal },
    { block: Buffer.concat([head, copies]), expected: Buffer.alloc(size + 1, 'x') },
  ]) {
    const steps = decompressSnappyBlock(block, size + 1);
    let stepCount = 1;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) stepCount++;
    assert.ok(Buffer.from(step.value).equals(expected));
    assert.ok(stepCount >= 16, `${stepCount} steps`);
  }
});
