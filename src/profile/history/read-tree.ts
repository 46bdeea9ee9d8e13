// hot

import type { HistoryDictionary } from './history-dictionary.ts';
import { groupKey } from './history-dictionary.ts';
import type { GroupedStacks } from './selection.ts';
import type { GroupNames, TreeAnswer, TreeBounds } from './value-tree.ts';
import { groupReference, ValueTree } from './value-tree.ts';
import type { WorkSlices } from './work-slices.ts';
import { breath } from './work-slices.ts';

/** The view of a tree. */
export interface TreeView extends TreeBounds {
  /** Keys of the frames from the root of the tree to the root of the view. */
  readonly path: readonly string[];
}

/** A tree, and where in it the root of the view is. */
export interface ViewedTree extends TreeAnswer {
  /** Node of the last frame of the path that the selection has. */
  readonly root: number;
  /** Number of frames of the path that the selection has. */
  readonly foundDepth: number;
}

/** Values of two selections that are compared. */
export interface ComparedStacks {
  readonly main: GroupedStacks;
  readonly base?: GroupedStacks;
  /** Makes values of the baseline comparable; 1 without one. */
  readonly baseScale?: number;
}

/**
 * The tree of callers and callees below `path`, and the way there. Groups are the first level but for the grouping `none`. Ancestors
 * have the totals of the whole selection.
 */
export async function readTree(
  dictionary: HistoryDictionary,
  { main, base, baseScale = 1 }: ComparedStacks,
  groups: GroupNames,
  view: TreeView,
  slices: WorkSlices,
): Promise<ViewedTree> {
  const { stacks } = dictionary;
  const way = findWay(dictionary, groups, view.path);
  const levels = await levelsOf(dictionary, way.nodes, slices);
  const tree = new ValueTree(dictionary, base !== undefined);
  const chain = [0];
  for (const reference of way.references) chain.push(tree.add(chain.at(-1)!, reference));
  const root = chain.at(-1)!;
  const isGrouped = groups.grouping !== 'none';
  const top = isGrouped ? 1 : 0;
  // Nodes of the tree by stack, for one group at a time.
  const places = new Int32Array(stacks.count).fill(-1);
  let touched: number[] = [];
  let group = -1;
  let groupNode = 0;
  const path: number[] = [];
  let steps = 0;
  for (const key of sortedKeys(main, base)) {
    if (++steps % breath === 0) await slices.breathe();
    const [own, stack] = [Math.floor(key / 2 ** 32), key % 2 ** 32];
    const [value, baseValue] = [main.values.get(key) ?? 0, base?.values.get(key) ?? 0];
    if (own !== group) {
      group = own;
      for (const each of touched) places[each] = -1;
      touched = [];
      groupNode = isGrouped && way.group !== own ? -1 : 0;
    }
    const isOnWay = way.group === undefined || way.group === own;
    // Values beside the way count for the ancestors alone.
    const level = isOnWay ? levels(stack) + (way.group === undefined ? 0 : top) : 0;
    if (level < chain.length - 1) {
      tree.addCrowded(chain[level]!, value, baseValue);
      continue;
    }
    if (groupNode < 0) groupNode = tree.add(0, groupReference(own));
    const above = way.nodes.at(-1)!;
    const start = way.group === undefined && isGrouped ? groupNode : root;
    path.length = 0;
    let node = stack;
    while (node !== above && places[node] === -1) {
      path.push(node);
      node = stacks.parentOf(node);
    }
    let place = node === above ? start : places[node]!;
    while (path.length > 0 && !tree.isFull) {
      node = path.pop()!;
      place = tree.add(place, stacks.frameOf(node));
      places[node] = place;
      touched.push(node);
    }
    if (path.length === 0) tree.addValue(place, value, baseValue);
    else tree.addCrowded(place, value, baseValue);
  }
  const answer = await tree.cut(root, view, groups, slices, baseScale);
  return { ...answer, root, foundDepth: way.references.length };
}

/** Group by group, because places of stacks are those of one group. */
function sortedKeys(main: GroupedStacks, base: GroupedStacks | undefined): Float64Array {
  const keys = base === undefined ? main.values.keys() : new Set([...main.values.keys(), ...base.values.keys()]);
  return Float64Array.from(keys).sort();
}

interface Way {
  /** Frames and group as the tree has them. */
  readonly references: readonly number[];
  /** Stacks along the way; the first is the empty one. */
  readonly nodes: readonly number[];
  /** `undefined` when no group is chosen. */
  readonly group: number | undefined;
}

/** The longest part of a path that there is. */
function findWay(dictionary: HistoryDictionary, { grouping, names }: GroupNames, path: readonly string[]): Way {
  const nodes = [0];
  const references: number[] = [];
  let group: number | undefined;
  let rest = path;
  if (grouping !== 'none' && path.length > 0) {
    const found = names.findIndex((name) => groupKey(grouping, name) === path[0]);
    if (found < 0) return { references, nodes, group };
    group = found;
    references.push(groupReference(found));
    rest = path.slice(1);
  }
  for (const key of rest) {
    const frame = dictionary.frameOfKey(key);
    const node = frame === undefined ? undefined : dictionary.stacks.find(nodes.at(-1)!, frame);
    if (frame === undefined || node === undefined) break;
    nodes.push(node);
    references.push(frame);
  }
  return { references, nodes, group };
}

/** Says how many frames of a way a stack begins with. */
async function levelsOf(
  { stacks }: HistoryDictionary,
  nodes: readonly number[],
  slices: WorkSlices,
): Promise<(stack: number) => number> {
  if (nodes.length === 1) return () => 0;
  const levels = new Uint16Array(stacks.count);
  let next = 1;
  for (let node = 1; node < levels.length; node++) {
    if (node % breath === 0) await slices.breathe();
    if (node === nodes[next]) levels[node] = next++;
    else levels[node] = levels[stacks.parentOf(node)]!;
  }
  return (stack) => levels[stack]!;
}
