import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decompressSnappyBlock, decompressSnappyFrames } from '../../src/receivers/snappy.ts';
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
    assert.equal(Buffer.from(decompressSnappyBlock(Uint8Array.from(block), 1_000)).toString(), text);
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
    assert.throws(() => decompressSnappyBlock(Uint8Array.from(block), 2 ** 30), RangeError);
  });
}

test('snappy blocks and frames give back what was put in, and nothing when a bit has changed or it is too much', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (bytes, at) => {
      assert.deepEqual(Buffer.from(decompressSnappyBlock(snappyBlock(bytes), 300)), Buffer.from(bytes));
      const frames = snappyFrames(bytes);
      assert.deepEqual(Buffer.from(decompressSnappyFrames(frames, 300)), Buffer.from(bytes));
      if (bytes.length > 0)
        assert.throws(() => decompressSnappyFrames(frames, bytes.length - 1), { name: 'OutputTooLarge' });
      // The last frame is not compressed: only its checksum can tell that a byte of it has changed.
      if (bytes.length === 0) return;
      const spoilt = Buffer.from(frames);
      spoilt[spoilt.length - 1 - (at % Math.ceil(bytes.length / 2))]! ^= 1;
      assert.throws(() => decompressSnappyFrames(spoilt, 300), RangeError);
    }),
    { numRuns: 200 },
  );
});
