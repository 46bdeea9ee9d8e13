import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ListIndex } from '../../../src/profile/dictionary/list-index.ts';

test('ListIndex numbers lists as a Map of their texts does', () => {
  const list = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(list, { maxLength: 300 }), (lists) => {
      const index = new ListIndex();
      const plain = new Map([['', 0]]);
      for (const each of lists) {
        const key = each.join();
        const expected = plain.get(key) ?? plain.size;
        plain.set(key, expected);
        assert.equal(index.intern(each), expected);
        assert.equal(index.count, plain.size);
      }
    }),
  );
});
