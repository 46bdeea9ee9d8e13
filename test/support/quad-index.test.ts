import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuadIndex } from '../../src/support/quad-index.ts';

test('QuadIndex numbers quadruples like a map from their words', () => {
  const word = fc.constantFrom(0, 1, 2, 0x7fff_ffff, 0xffff_ffff);
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word, word, word), { maxLength: 400 }), fc.nat(300), (quadruples, room) => {
      const index = new QuadIndex(room);
      const model = new Map<string, number>();
      for (const quadruple of quadruples) {
        const key = quadruple.join(' ');
        if (!model.has(key)) model.set(key, model.size);
        assert.equal(index.intern(...quadruple), model.get(key));
      }
      assert.equal(index.count, model.size);
      for (const [key, entry] of model) {
        assert.equal([0, 1, 2, 3].map((position) => index.word(entry, position)).join(' '), key);
      }
    }),
  );
});

for (const position of [0, 1, 2, 3] as const) {
  test(`QuadIndex tells quadruples apart that differ in word ${position} alone, however their places collide`, () => {
    const index = new QuadIndex();
    const count = 20_000;
    for (let value = 0; value < count; value++) {
      const quadruple: [number, number, number, number] = [0, 0, 0, 0];
      quadruple[position] = value;
      index.intern(...quadruple);
    }
    assert.equal(index.count, count);
  });
}

test('QuadIndex finds what was added, and adds nothing by looking', () => {
  const index = new QuadIndex();
  for (let value = 0; value < 1000; value++) index.intern(value, 0, 0, value);
  assert.deepEqual([index.find(7, 0, 0, 7), index.find(7, 0, 0, 8), index.find(1000, 0, 0, 1000)], [7, -1, -1]);
  assert.equal(index.count, 1000);
});

test('QuadIndex has room for as many quadruples as it is made for', () => {
  for (const count of [0, 1, 16, 17, 100, 1000]) {
    const index = new QuadIndex(count);
    const { sizeBytes } = index;
    for (let value = 0; value < count; value++) index.intern(value, 0, 0, 0);
    assert.equal(index.sizeBytes, sizeBytes + 16 * count, `${count} quadruples`);
  }
});
