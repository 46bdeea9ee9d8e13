import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FlameProfileType, FlameTree } from '../../../src/profile/flame/flame-tree.ts';
import { FlameFrameTable, FlameTreeBuilder } from '../../../src/profile/flame/flame-tree-builder.ts';
import { foldedStacks } from '../../support/flame-paths.ts';

const type: FlameProfileType = {
  sampleType: 'samples',
  sampleUnit: 'count',
  periodType: '',
  periodUnit: '',
  period: 0,
};
type Stacks = readonly (readonly [path: readonly string[], value: number])[];

function builderOf(stacks: Stacks, maxNodes: number): FlameTreeBuilder {
  const frames = new FlameFrameTable();
  const builder = new FlameTreeBuilder(type, frames, maxNodes);
  for (const [path, value] of stacks)
    builder.addStack(
      path.map((name, depth) => internIn(frames, name, depth)),
      value,
    );
  return builder;
}

function internIn(frames: FlameFrameTable, name: string, depth: number): number {
  return frames.intern({ name, class: depth === 0 ? 'service' : 'native', type: '', module: '', file: '', line: 0 });
}

function sum(tree: FlameTree): number {
  return tree.selfValues.reduce((total, value) => total + value, 0);
}

test('FlameTreeBuilder folds the smallest subtrees into one (other) below their parent', () => {
  const tree = builderOf(
    [
      [['s', 'a', 'x'], 10],
      [['s', 'a', 'y'], 1],
      [['s', 'a', 'z', 'deep'], 2],
      [['s', 'b'], 1],
    ],
    6,
  ).build();
  assert.deepEqual(foldedStacks(tree), { 's;a;x': 10, 's;a;(other)': 3, 's;(other)': 1 });
});

test('FlameTreeBuilder adds a tree, or one of its services', () => {
  const tree = builderOf(
    [
      [['web', 'a'], 1],
      [['db', 'a'], 2],
    ],
    100,
  ).build();
  const joined = new FlameTreeBuilder(type, new FlameFrameTable(), 100);
  joined.addTree(tree);
  joined.addTree(tree, 'db');
  joined.addTree(tree, 'absent');
  assert.deepEqual(foldedStacks(joined.build()), { 'web;a': 1, 'db;a': 4 });
});

const anyStacks: fc.Arbitrary<Stacks> = fc.array(
  fc.tuple(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 6 }), fc.integer({ min: 1, max: 100 })),
  { maxLength: 200 },
);

test('FlameTreeBuilder without a bound that bites is the sum of its stacks', () => {
  fc.assert(
    fc.property(anyStacks, (stacks) => {
      const expected: Record<string, number> = {};
      for (const [path, value] of stacks) expected[path.join(';')] = (expected[path.join(';')] ?? 0) + value;
      const tree = builderOf(stacks, 1_000_000).build();
      assert.deepEqual(foldedStacks(tree), expected);
      assert.equal(tree.foldedNodes, 0);
    }),
    { numRuns: 200 },
  );
});

test('FlameTreeBuilder keeps to any bound, loses no value, and keeps parents before children', () => {
  fc.assert(
    fc.property(anyStacks, fc.integer({ min: 2, max: 60 }), (stacks, maxNodes) => {
      const builder = builderOf(stacks, maxNodes);
      const tree = builder.build();
      assert.ok(tree.parents.length <= maxNodes);
      assert.equal(
        sum(tree),
        stacks.reduce((total, [, value]) => total + value, 0),
      );
      assert.ok(tree.parents.every((parent, node) => parent < node));
      assert.ok(builder.nodeCount <= maxNodes * 4 + 7);
      const joined = new FlameTreeBuilder(type, new FlameFrameTable(), maxNodes);
      for (let round = 0; round < 3; round++) joined.addTree(tree);
      assert.equal(sum(joined.build()), 3 * sum(tree));
      assert.ok(joined.build().parents.length <= maxNodes);
    }),
    { numRuns: 200 },
  );
});
