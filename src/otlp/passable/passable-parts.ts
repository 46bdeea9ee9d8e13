import { DictionaryColumns } from './dictionary-columns.ts';
import type { PairSetParts } from './pair-set.ts';
import { PairSet } from './pair-set.ts';
import type { PassableProfiles } from './passable-scanner.ts';

/** Columns of numbers by name; without the message that they belong to. */
type ColumnParts = Readonly<
  Record<string, Uint32Array | Int32Array | Uint8Array | readonly Uint8Array[] | PairSetParts>
>;

/** Result of a scan in another thread, without the message. */
export interface PassableParts extends Omit<PassableProfiles, 'bytes' | 'columns'> {
  readonly columns: ColumnParts;
}

/** The result of a scan for another thread. Its `buffers` are to be transferred; the scanner is not to be used any more. */
export function takeApart({ bytes: _, columns, ...rest }: PassableProfiles): {
  readonly parts: PassableParts;
  readonly buffers: readonly ArrayBuffer[];
} {
  // The set of the table that was scanned last is not looked up afterwards.
  const { bytes, others, ...tables } = columns;
  const parts: Record<string, ColumnParts[string]> = {};
  for (const [name, part] of Object.entries(tables)) parts[name] = part instanceof PairSet ? part.parts : part;
  const views = Object.values(parts).flatMap((part) =>
    Array.isArray(part) ? part : 'places' in part ? [part.a, part.b, part.places] : [part],
  );
  // Columns without room share one buffer, which stays here.
  const buffers = (views as Uint8Array<ArrayBuffer>[])
    .map(({ buffer }) => buffer)
    .filter((each) => each.byteLength > 0);
  return { parts: { ...rest, columns: parts }, buffers };
}

/** The profiles of which another thread gave the parts. `bytes` are those of the message. */
export function putTogether({ columns: parts, ...rest }: PassableParts, bytes: Uint8Array): PassableProfiles {
  const columns = Object.assign(new DictionaryColumns(), { bytes });
  for (const [name, part] of Object.entries(parts)) {
    Object.assign(columns, { [name]: 'places' in part ? new PairSet(part) : part });
  }
  return { ...rest, bytes, columns };
}
