import type { ColumnName } from './dictionary-columns.ts';
import { columnNames, DictionaryColumns } from './dictionary-columns.ts';
import type { PairSetParts } from './pair-set.ts';
import type { PassableProfiles } from './passable-scanner.ts';

type SpanName = 'counts' | 'starts' | 'ends';
type SetName = 'strings' | 'functions' | 'locations';

const spanNames: readonly SpanName[] = ['counts', 'starts', 'ends'];
const setNames: readonly SetName[] = ['strings', 'functions', 'locations'];

/** Result of a scan in another thread, without the message. */
export interface PassableParts extends Omit<PassableProfiles, 'bytes' | 'columns'> {
  readonly columns: Readonly<Record<ColumnName | SpanName, Uint32Array<ArrayBuffer>>>;
  readonly sets: Readonly<Record<SetName, PairSetParts>>;
}

/** The result of a scan for another thread: a copy, for the memory of the scan cannot leave its thread. Its `buffers` are to be transferred. */
export function takeApart({ bytes: _, columns, ...rest }: PassableProfiles): {
  readonly parts: PassableParts;
  readonly buffers: readonly ArrayBuffer[];
} {
  const copies = new Map<ColumnName | SpanName, Uint32Array<ArrayBuffer>>();
  for (const name of spanNames) copies.set(name, Uint32Array.from(columns[name]));
  for (const name of columnNames) copies.set(name, Uint32Array.from(columns[name].subarray(0, columns.lengthOf(name))));
  const sets = new Map(setNames.map((name) => [name, columns[name].copyParts()]));
  const buffers = [
    ...[...copies.values()].map(({ buffer }) => buffer),
    ...[...sets.values()].flatMap(({ pairs, places }) => [pairs.buffer, places.buffer]),
  ];
  const parts = {
    ...rest,
    columns: Object.fromEntries(copies) as PassableParts['columns'],
    sets: Object.fromEntries(sets) as PassableParts['sets'],
  };
  return { parts, buffers };
}

/** The profiles of which another thread gave the parts. `bytes` are those of the message. */
export function putTogether({ columns: parts, sets, ...rest }: PassableParts, bytes: Uint8Array): PassableProfiles {
  const columns = Object.assign(new DictionaryColumns(), parts, { bytes });
  for (const name of setNames) columns[name].hold(sets[name]);
  return { ...rest, bytes, columns };
}
