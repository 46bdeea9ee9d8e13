// hot
import { hashSeed, mixWord } from '../../support/mix-words.ts';
import type { ByteWalk } from './byte-walk.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';
import { notPassable } from './not-passable.ts';
import type { PairHash } from './pair-hash.ts';

/** Tables by the numbers of their fields. */
export const tables = { mapping: 1, location: 2, function: 3, link: 4, string: 5, attribute: 6, stack: 7 } as const;

/** State shared by the scans of all tables. */
export interface TableScan {
  readonly walk: ByteWalk;
  readonly columns: DictionaryColumns;
  readonly hash: PairHash;
}

// Bits of an entry's use: by another table or a profile, by a sample, by reference from an attribute of a resource.
export const used = 1;
export const sampled = 2;
export const referred = 4;

/** Marks an entry as used, and returns its index. */
export function use(columns: DictionaryColumns, table: number, index: number): number {
  if (index >= columns.counts[table]!) throw notPassable('reference');
  columns.used[table]![index]! |= used;
  return index;
}

/** Adds an index to the hash of a set: a sum does not tell in which order it was made. */
export function addToSet(set: number, index: number): number {
  return (set + mixWord(hashSeed, index)) | 0;
}
