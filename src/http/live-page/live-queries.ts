import type { HistoryDictionary } from '../../profile/history/history-dictionary.ts';
import type { HistoryType } from '../../profile/history/history-frame.ts';
import { typeKeyOf } from '../../profile/history/history-frame.ts';
import type { HistoryBucket, HistoryContents } from '../../profile/history/profile-history.ts';
import { readInvertedTree, readSandwich } from '../../profile/history/read-callers.ts';
import { readFunctions } from '../../profile/history/read-functions.ts';
import { readGroups, readTimeline } from '../../profile/history/read-groups.ts';
import { readTree } from '../../profile/history/read-tree.ts';
import type { HistoryGrouping, HistorySelection, SelectedBuckets } from '../../profile/history/selection.ts';
import { Groups, groupStacks, historyGroupings, selectBuckets, typeIndexOf } from '../../profile/history/selection.ts';
import type { TreeBounds } from '../../profile/history/value-tree.ts';
import type { WorkSlices } from '../../profile/history/work-slices.ts';
import type { QueryParameters } from './query-parameters.ts';
import { BadParameter } from './query-parameters.ts';

/** The history as a query sees it. */
export interface QueryScope {
  readonly contents: HistoryContents;
  /** Length of the range without `from` and `seconds`. */
  readonly defaultMs: number;
  /** Bound of the nodes of an answer. */
  readonly maxNodes: number;
}

/** A query whose parameters are right. */
export interface ReadyQuery {
  /** Equal for equal contents of all that the answer depends on. */
  readonly window: string;
  run(slices: WorkSlices): Promise<object>;
}

/** The part of the history that a request selects. */
export interface SelectedRange {
  readonly selection: HistorySelection;
  readonly range: SelectedBuckets;
  /** `undefined` when the history has none such. */
  readonly type: HistoryType | undefined;
}

type PrepareQuery = (parameters: QueryParameters, scope: QueryScope) => ReadyQuery;

/** The queries by their path below the page's. */
export const liveQueries: Readonly<Record<string, PrepareQuery>> = {
  tree: prepareTree,
  table: prepareTable,
  sandwich: prepareSandwich,
  diff: prepareDiff,
  list: prepareList,
  timeline: prepareTimeline,
};

/** Reads what all queries have: type, range of time, and filters. `prefix` is that of the baseline of a comparison. */
export function readSelection(parameters: QueryParameters, scope: QueryScope, prefix = ''): SelectedRange {
  const { contents, defaultMs } = scope;
  const newestMs = contents.buckets.at(-1)?.endUnixMs ?? 0;
  const toUnixMs = parameters.time(`${prefix}to`, newestMs, newestMs);
  const seconds = parameters.integer(`${prefix}seconds`, { fallback: 0, min: 0, max: 86_400 });
  const lengthMs = seconds > 0 ? 1000 * seconds : defaultMs;
  const fromUnixMs = parameters.time(`${prefix}from`, toUnixMs - lengthMs, newestMs);
  if (fromUnixMs > toUnixMs) {
    throw new BadParameter(`${prefix}from`, parameters.text(`${prefix}from`), 'write a time before that of "to"');
  }
  const labels = Object.fromEntries(
    (['service', 'process', 'thread', 'container', 'host', 'executable'] as const)
      .map((name) => [name, parameters.text(`${prefix}${name}`)] as const)
      .filter(([, value]) => value !== ''),
  );
  const type = parameters.text('type');
  const selection = {
    type,
    fromUnixMs,
    toUnixMs,
    labels,
    match: parameters.text(`${prefix}match`),
    frameType: parameters.text(`${prefix}frame_type`),
  };
  const range = selectBuckets(contents, selection);
  return { selection, range, type: contents.types[typeIndexOf(contents.types, type)] };
}

/** Facts about the selection that every answer begins with. */
function headOf({ range, type }: SelectedRange, total: number): object {
  const { startUnixMs, endUnixMs, coveredMs } = range;
  const typeFacts = type === undefined ? null : { ...type, key: typeKeyOf(type) };
  return { startUnixMs, endUnixMs, coveredMs, type: typeFacts, total };
}

function windowOf(buckets: readonly HistoryBucket[]): string {
  const revision = buckets.reduce((newest, bucket) => Math.max(newest, bucket.revision), 0);
  return `${buckets[0]?.startUnixMs} ${buckets.at(-1)?.endUnixMs} ${revision}`;
}

function readBounds(parameters: QueryParameters, { maxNodes }: QueryScope): TreeBounds {
  return {
    maxNodes: parameters.integer('nodes', { fallback: Math.min(4000, maxNodes), min: 1, max: maxNodes }),
    maxDepth: parameters.integer('depth', { fallback: 1024, min: 1, max: 4096 }),
    // Half a pixel of a wide window.
    minShare: 1 / 8000,
  };
}

function readPath(parameters: QueryParameters): readonly string[] {
  const path = parameters.text('path');
  if (path === '') return [];
  if (!/^[\w-]+(?:\.[\w-]+)*$/.test(path)) {
    throw new BadParameter('path', path, 'write the keys of frames with dots between them');
  }
  const keys = path.split('.');
  if (keys.length > 1024) throw new BadParameter('path', path, 'write at most 1024 keys');
  return keys;
}

function readGrouping(parameters: QueryParameters, fallback: HistoryGrouping): HistoryGrouping {
  return parameters.choice('by', historyGroupings, fallback);
}

function ungrouped(dictionary: HistoryDictionary): Groups {
  return new Groups(dictionary, 'none');
}

function prepareTree(parameters: QueryParameters, scope: QueryScope): ReadyQuery {
  const selected = readSelection(parameters, scope);
  const { contents } = scope;
  const { dictionary } = contents;
  const grouping = readGrouping(parameters, 'service');
  const isInverted = parameters.flag('inverted');
  const view = { ...readBounds(parameters, scope), path: readPath(parameters) };
  const run = async (slices: WorkSlices): Promise<object> => {
    const groups = new Groups(dictionary, isInverted ? 'none' : grouping);
    const main = await groupStacks(contents, selected.range, selected.selection, groups, slices);
    const tree = isInverted
      ? await readInvertedTree(dictionary, main, view, slices)
      : await readTree(dictionary, { main }, { grouping, names: groups.names }, view, slices);
    return { ...headOf(selected, main.total), by: isInverted ? 'none' : grouping, inverted: isInverted, ...tree };
  };
  return { window: windowOf(selected.range.buckets), run };
}

function prepareTable(parameters: QueryParameters, scope: QueryScope): ReadyQuery {
  const selected = readSelection(parameters, scope);
  const { contents } = scope;
  const query = {
    orderBy: parameters.choice('order', ['self', 'total'], 'self'),
    search: parameters.text('search'),
    maxRows: parameters.integer('rows', { fallback: 2000, min: 1, max: 20_000 }),
  };
  const run = async (slices: WorkSlices): Promise<object> => {
    const groups = ungrouped(contents.dictionary);
    const main = await groupStacks(contents, selected.range, selected.selection, groups, slices);
    const table = await readFunctions(contents.dictionary, main, query, slices);
    return { ...headOf(selected, main.total), ...table };
  };
  return { window: windowOf(selected.range.buckets), run };
}

function prepareSandwich(parameters: QueryParameters, scope: QueryScope): ReadyQuery {
  const selected = readSelection(parameters, scope);
  const { contents } = scope;
  const wanted = parameters.text('function');
  if (wanted === '') throw new BadParameter('function', wanted, 'write the key or the name of a function');
  const bounds = readBounds(parameters, scope);
  const run = async (slices: WorkSlices): Promise<object> => {
    const { dictionary } = contents;
    const main = await groupStacks(contents, selected.range, selected.selection, ungrouped(dictionary), slices);
    const key = dictionary.frameOfKey(wanted) === undefined ? dictionary.keyOfName(wanted) : wanted;
    const sandwich = key === undefined ? undefined : await readSandwich(dictionary, main, key, bounds, slices);
    return { ...headOf(selected, main.total), function: key ?? null, sandwich: sandwich ?? null };
  };
  return { window: windowOf(selected.range.buckets), run };
}

/** Compares with the range before, unless a baseline is chosen. */
function prepareDiff(parameters: QueryParameters, scope: QueryScope): ReadyQuery {
  const selected = readSelection(parameters, scope);
  const { fromUnixMs, toUnixMs } = selected.selection;
  const base = readSelection(parameters, scope, 'base_');
  const hasTime = ['base_from', 'base_to', 'base_seconds'].some((name) => parameters.text(name) !== '');
  const hasLabels = Object.keys(base.selection.labels).length > 0;
  const times = hasLabels ? { fromUnixMs, toUnixMs } : { fromUnixMs: 2 * fromUnixMs - toUnixMs, toUnixMs: fromUnixMs };
  // Only labels that the baseline sets differ.
  const baseSelection = {
    ...base.selection,
    ...(hasTime ? {} : times),
    labels: { ...selected.selection.labels, ...base.selection.labels },
    match: base.selection.match || selected.selection.match,
    frameType: base.selection.frameType || selected.selection.frameType,
  };
  const { contents } = scope;
  const compared = { ...base, selection: baseSelection, range: selectBuckets(contents, baseSelection) };
  const grouping = readGrouping(parameters, hasLabels ? 'none' : 'service');
  const view = { ...readBounds(parameters, scope), path: readPath(parameters) };
  const run = async (slices: WorkSlices): Promise<object> => {
    const { dictionary } = contents;
    const groups = new Groups(dictionary, grouping);
    const main = await groupStacks(contents, selected.range, selected.selection, groups, slices);
    const other = await groupStacks(contents, compared.range, compared.selection, groups, slices);
    const baseScale = selected.range.coveredMs / Math.max(1, compared.range.coveredMs);
    const names = { grouping, names: groups.names };
    const tree = await readTree(dictionary, { main, base: other, baseScale }, names, view, slices);
    return { ...headOf(selected, main.total), base: headOf(compared, other.total), by: grouping, ...tree };
  };
  return { window: `${windowOf(selected.range.buckets)} ${windowOf(compared.range.buckets)}`, run };
}

function prepareList(parameters: QueryParameters, scope: QueryScope): ReadyQuery {
  const selected = readSelection(parameters, scope);
  const { contents } = scope;
  const query = {
    grouping: readGrouping(parameters, 'service'),
    search: parameters.text('search'),
    maxRows: parameters.integer('rows', { fallback: 2000, min: 1, max: 20_000 }),
  };
  const run = async (slices: WorkSlices): Promise<object> => {
    const list = await readGroups(contents, selected.range, selected.selection, query, slices);
    const newestUnixMs = contents.buckets.at(-1)?.endUnixMs ?? null;
    return { ...headOf(selected, list.total), by: query.grouping, newestUnixMs, ...list };
  };
  return { window: windowOf(contents.buckets), run };
}

function prepareTimeline(parameters: QueryParameters, scope: QueryScope): ReadyQuery {
  const selected = readSelection(parameters, scope);
  const { contents } = scope;
  const points = parameters.integer('points', { fallback: 240, min: 1, max: 1000 });
  const run = async (slices: WorkSlices): Promise<object> => {
    const line = await readTimeline(contents, selected.selection, points, slices);
    return { ...headOf(selected, 0), ...line };
  };
  return { window: windowOf(contents.buckets), run };
}
