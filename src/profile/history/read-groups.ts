import { groupKey } from './history-dictionary.ts';
import type { HistoryContents } from './profile-history.ts';
import type { HistoryGrouping, HistorySelection, SelectedBuckets } from './selection.ts';
import { Groups, groupStacks, typeIndexOf, WantedPairs } from './selection.ts';
import type { WorkSlices } from './work-slices.ts';
import { breath } from './work-slices.ts';

/** A service, a process, or another group with samples in the last hour. */
export interface GroupRow {
  readonly name: string;
  /** As in the path of a tree that is grouped so. */
  readonly key: string;
  /** In the selected range. */
  readonly value: number;
  /** End of the newest bucket that has it. */
  readonly lastUnixMs: number;
  /** Process ID and service of a process; both empty for other groups. */
  readonly process: string;
  readonly service: string;
}

export interface GroupList {
  readonly rows: GroupRow[];
  readonly total: number;
  /** Number of groups that were asked for, those here included. */
  readonly groupCount: number;
}

/** The groups with the largest values; those that had none in the range but before are the last. `search` is part of their names. */
export async function readGroups(
  contents: HistoryContents,
  range: SelectedBuckets,
  selection: HistorySelection,
  { grouping, search, maxRows }: { grouping: HistoryGrouping; search: string; maxRows: number },
  slices: WorkSlices,
): Promise<GroupList> {
  const groups = new Groups(contents.dictionary, grouping);
  const { values, total } = await groupStacks(contents, range, selection, groups, slices);
  const last = await lastSeen(contents, selection, groups, slices);
  const sums = groups.names.map(() => 0);
  for (const [key, value] of values) sums[Math.floor(key / 2 ** 32)]! += value;
  const wanted = search.toLowerCase();
  const found = [...groups.names.keys()].filter((group) => groups.names[group]!.toLowerCase().includes(wanted));
  found.sort((a, b) => sums[b]! - sums[a]! || last[b]! - last[a]! || compare(groups.names[a]!, groups.names[b]!));
  const rows = found.slice(0, maxRows).map((group) => {
    const name = groups.names[group]!;
    const [, service = '', process = ''] = (grouping === 'process' && /^(.*) \((\d+)\)$/s.exec(name)) || [];
    return { name, key: groupKey(grouping, name), value: sums[group]!, lastUnixMs: last[group] ?? 0, process, service };
  });
  return { rows, total, groupCount: found.length };
}

async function lastSeen(
  contents: HistoryContents,
  selection: HistorySelection,
  groups: Groups,
  slices: WorkSlices,
): Promise<number[]> {
  const type = typeIndexOf(contents.types, selection.type);
  const isWanted = new WantedPairs(contents.dictionary, selection);
  await isWanted.prepare(slices);
  const last: number[] = [];
  let steps = 0;
  for (const { columns, endUnixMs } of contents.buckets) {
    const own = columns.get(type);
    for (let pair = 0; pair < (own?.count ?? 0); pair++) {
      if (++steps % breath === 0) await slices.breathe();
      const [stack, labelSet] = [own!.stackAt(pair), own!.labelSetAt(pair)];
      if (isWanted.has(stack, labelSet)) last[groups.of(stack, labelSet)] = endUnixMs;
    }
  }
  return last;
}

/** Values of the selection over time, by columns. */
export interface Timeline {
  /** Unix milliseconds. */
  readonly starts: number[];
  readonly ends: number[];
  readonly values: number[];
  /** Smallest value that has a stack of its own; 1 where nothing was folded. */
  readonly resolutions: number[];
}

/** All of the history in at most `maxPoints` spans of about the same length. */
export async function readTimeline(
  contents: HistoryContents,
  selection: HistorySelection,
  maxPoints: number,
  slices: WorkSlices,
): Promise<Timeline> {
  const { buckets, types, dictionary } = contents;
  const type = typeIndexOf(types, selection.type);
  const isWanted = new WantedPairs(dictionary, selection);
  await isWanted.prepare(slices);
  const length = (buckets.at(-1)?.endUnixMs ?? 0) - (buckets[0]?.startUnixMs ?? 0);
  const leastMs = length / maxPoints;
  const line: Timeline = { starts: [], ends: [], values: [], resolutions: [] };
  let steps = 0;
  for (const { startUnixMs, endUnixMs, columns, resolution } of buckets) {
    const own = columns.get(type);
    let sum = 0;
    for (let pair = 0; pair < (own?.count ?? 0); pair++) {
      if (++steps % breath === 0) await slices.breathe();
      if (isWanted.has(own!.stackAt(pair), own!.labelSetAt(pair))) sum += own!.valueAt(pair);
    }
    const last = line.values.length - 1;
    // Neighbours without a gap become one span until it is long enough.
    if (last >= 0 && line.ends[last] === startUnixMs && endUnixMs - line.starts[last]! <= leastMs) {
      line.ends[last] = endUnixMs;
      line.values[last]! += sum;
      line.resolutions[last] = Math.max(line.resolutions[last]!, resolution);
    } else {
      line.starts.push(startUnixMs);
      line.ends.push(endUnixMs);
      line.values.push(sum);
      line.resolutions.push(resolution);
    }
  }
  return line;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
