import type { TreeAnswer } from '../../src/profile/history/value-tree.ts';

/** A tree as folded stacks: `service;caller;leaf` → self value, for nodes that have one. Folded values end in `…`. */
export function treePaths(tree: TreeAnswer): Record<string, number> {
  const paths: string[] = [];
  const stacks: Record<string, number> = {};
  const add = (path: string, value: number): void => {
    if (value > 0) stacks[path] = (stacks[path] ?? 0) + value;
  };
  for (const [node, parent] of tree.parents.entries()) {
    const name = tree.frames.name[tree.nodeFrames[node]!]!;
    paths[node] = parent <= 0 ? name : `${paths[parent]};${name}`;
    add(paths[node]!, tree.selfs[node]!);
  }
  for (const [node, , value] of tree.folded) add(paths[node] === '' ? '…' : `${paths[node]};…`, value);
  return stacks;
}
