// hot

import type { HistoryDictionary } from './history-dictionary.ts';
import type { GroupedStacks } from './selection.ts';
import { matcherOf } from './selection.ts';
import type { TreeColumns } from './value-tree.ts';
import { FrameList } from './value-tree.ts';
import type { WorkSlices } from './work-slices.ts';
import { breath } from './work-slices.ts';

/** Functions with their values, by columns. */
export interface FunctionTable {
  readonly frames: TreeColumns;
  readonly selfs: number[];
  /** Values of stacks with the function, each stack once. */
  readonly totals: number[];
  /** Number of functions that were asked for, those here included. */
  readonly functionCount: number;
}

export interface FunctionQuery {
  readonly orderBy: 'self' | 'total';
  /** Text in a function's name, file or module; empty for all. */
  readonly search: string;
  readonly maxRows: number;
}

/** The functions with the largest values. */
export async function readFunctions(
  dictionary: HistoryDictionary,
  { values }: GroupedStacks,
  { orderBy, search, maxRows }: FunctionQuery,
  slices: WorkSlices,
): Promise<FunctionTable> {
  const { stacks } = dictionary;
  const { count } = stacks;
  const stackTotals = new Float64Array(count);
  const selfs = new Float64Array(dictionary.frameCount);
  const totals = new Float64Array(dictionary.frameCount);
  for (const [stack, value] of values) {
    stackTotals[stack]! += value;
    selfs[stacks.frameOf(stack)]! += value;
  }
  for (let node = count - 1; node > 0; node--) {
    if (node % breath === 0) await slices.breathe();
    const total = stackTotals[node]!;
    if (total === 0) continue;
    const [frame, parent] = [stacks.frameOf(node), stacks.parentOf(node)];
    stackTotals[parent]! += total;
    // A recursive call is counted where it began.
    let caller = parent;
    while (caller !== 0 && stacks.frameOf(caller) !== frame) caller = stacks.parentOf(caller);
    if (caller === 0) totals[frame]! += total;
  }
  const matches = matcherOf(search);
  const found: number[] = [];
  for (let frame = 1; frame < totals.length; frame++) {
    if (totals[frame]! > 0 && (search === '' || matches(dictionary.frameAt(frame)))) found.push(frame);
  }
  const keys = orderBy === 'self' ? selfs : totals;
  found.sort((a, b) => keys[b]! - keys[a]! || totals[b]! - totals[a]! || a - b);
  const list = new FrameList();
  const chosen = found.slice(0, maxRows);
  for (const frame of chosen) list.add(dictionary.frameKey(frame), dictionary.frameAt(frame));
  return {
    frames: list.columns,
    selfs: chosen.map((frame) => selfs[frame]!),
    totals: chosen.map((frame) => totals[frame]!),
    functionCount: found.length,
  };
}
