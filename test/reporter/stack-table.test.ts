import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StackTable } from '../../src/reporter/stack-table.ts';

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
