// hot

import type { HistoryDictionary } from './history-dictionary.ts';
import type { TreeView, ViewedTree } from './read-tree.ts';
import type { GroupedStacks } from './selection.ts';
import type { TreeAnswer, TreeBounds } from './value-tree.ts';
import { ValueTree } from './value-tree.ts';
import type { WorkSlices } from './work-slices.ts';

const noGroups = { grouping: 'none', names: [] };

/** The tree from leaf functions to their callers, below a path that begins with a leaf. `stacks` have one group. */
export async function readInvertedTree(
  dictionary: HistoryDictionary,
  { values }: GroupedStacks,
  view: TreeView,
  slices: WorkSlices,
): Promise<ViewedTree> {
  const { stacks } = dictionary;
  const path = view.path.map((key) => dictionary.frameOfKey(key));
  const foundDepth = path.includes(undefined) ? path.indexOf(undefined) : path.length;
  const tree = new ValueTree(dictionary, false);
  let root = 0;
  for (const frame of path.slice(0, foundDepth)) root = tree.child(root, frame!);
  let steps = 0;
  for (const [stack, value] of values) {
    if (++steps % 64 === 0) await slices.breathe();
    let [node, place, depth] = [stack, 0, 0];
    while (node !== 0) {
      const frame = stacks.frameOf(node);
      if (depth < foundDepth && frame !== path[depth]) break;
      const next = tree.child(place, frame);
      if (next === place || depth >= view.maxDepth + foundDepth) break;
      place = next;
      node = stacks.parentOf(node);
      depth += 1;
    }
    // Beside the path, or deeper than the view.
    if (node === 0) tree.addValue(place, value, 0);
    else tree.addCrowded(place, value, 0);
  }
  const answer = await tree.cut(root, view, noGroups, slices);
  return { ...answer, root, foundDepth };
}

/** Callers and callees of a function: trees whose root is followed by the function. */
export interface SandwichAnswer {
  /** Value of stacks with the function, each once. */
  readonly total: number;
  readonly self: number;
  readonly callers: TreeAnswer;
  readonly callees: TreeAnswer;
}

/** `undefined` when no stack has the function. Recursion counts from its outermost call. */
export async function readSandwich(
  dictionary: HistoryDictionary,
  { values }: GroupedStacks,
  functionKey: string,
  bounds: TreeBounds,
  slices: WorkSlices,
): Promise<SandwichAnswer | undefined> {
  const wanted = dictionary.frameOfKey(functionKey);
  if (wanted === undefined) return undefined;
  const { stacks } = dictionary;
  const [callers, callees] = [new ValueTree(dictionary, false), new ValueTree(dictionary, false)];
  const path: number[] = [];
  let [total, self, steps] = [0, 0, 0];
  for (const [stack, value] of values) {
    if (++steps % 64 === 0) await slices.breathe();
    path.length = 0;
    let outermost = -1;
    for (let node = stack; node !== 0; node = stacks.parentOf(node)) {
      if (stacks.frameOf(node) === wanted) outermost = path.length;
      path.push(stacks.frameOf(node));
    }
    if (outermost < 0) continue;
    total += value;
    if (path[0] === wanted) self += value;
    addPath(callers, path.slice(outermost), value, bounds.maxDepth);
    addPath(callees, path.slice(0, outermost + 1).reverse(), value, bounds.maxDepth);
  }
  if (total === 0) return undefined;
  return {
    total,
    self,
    callers: await callers.cut(0, bounds, noGroups, slices),
    callees: await callees.cut(0, bounds, noGroups, slices),
  };
}

function addPath(tree: ValueTree, path: readonly number[], value: number, maxDepth: number): void {
  let place = 0;
  for (const [depth, frame] of path.entries()) {
    const next = tree.child(place, frame);
    if (next === place || depth >= maxDepth) {
      tree.addCrowded(place, value, 0);
      return;
    }
    place = next;
  }
  tree.addValue(place, value, 0);
}
