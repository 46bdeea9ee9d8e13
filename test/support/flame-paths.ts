import type { FlameTree } from '../../src/profile/flame/flame-tree.ts';

/** A tree as folded stacks: `service;caller;leaf` → self value, for nodes that have one. */
export function foldedStacks(tree: FlameTree): Record<string, number> {
  const paths: string[] = [];
  const stacks: Record<string, number> = {};
  for (const [node, parent] of tree.parents.entries()) {
    const name = tree.frames[tree.nodeFrames[node]!]!.name;
    paths[node] = parent <= 0 ? name : `${paths[parent]};${name}`;
    if (tree.selfValues[node]! > 0) stacks[paths[node]!] = (stacks[paths[node]!] ?? 0) + tree.selfValues[node]!;
  }
  return stacks;
}
