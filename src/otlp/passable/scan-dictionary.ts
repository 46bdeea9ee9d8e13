// hot
import { isUtf8 } from 'node:buffer';
import type { DictionaryColumns } from './dictionary-columns.ts';
import { grown } from './dictionary-columns.ts';
import { notPassable } from './not-passable.ts';
import { scanFunction, scanLocation, scanMapping } from './scan-frame-tables.ts';
import { scanAttribute, scanLink, scanStack } from './scan-sample-tables.ts';
import type { TableScan } from './table-scan.ts';
import { tables } from './table-scan.ts';
import type { ValueScan } from './value-scan.ts';

/**
 * Fills the columns from the fields of a `ProfilesDictionary` that ends at `end`, and marks as used what its entries refer to.
 * Tables may come in any order, each in one piece.
 * @throws NotPassable unless all tables are there, with the zero value and no two equal entries, and all indices are in range
 */
export function scanDictionary(scan: ValueScan, end: number): void {
  const { columns } = scan;
  findTables(scan, end);
  for (let table = 1; table < 8; table++) if (columns.counts[table] === 0) throw notPassable('incomplete');
  columns.prepare();
  scanTable(scan, tables.mapping, scanMapping);
  scanTable(scan, tables.location, scanLocation);
  scanTable(scan, tables.function, scanFunction);
  scanTable(scan, tables.link, scanLink);
  scanTable(scan, tables.attribute, scanAttribute);
  scanTable(scan, tables.stack, scanStack);
  // Last: what is not passable shows mostly before the bulk of the bytes is hashed.
  scanStrings(scan);
}

/** Finds the place of each table, the number of its entries, and the places of the texts. */
function findTables({ walk, columns }: TableScan, end: number): void {
  const { counts, starts, ends } = columns;
  counts.fill(0);
  while (walk.position < end) {
    const start = walk.position;
    const tag = walk.tag();
    const table = tag >>> 3;
    if (table < 1 || table > 7 || (tag & 7) !== 2 || counts[table] !== 0) throw notPassable('encoding');
    starts[table] = start;
    let count = 0;
    for (let isNext = true; isNext; count++) {
      const entryEnd = walk.fieldEnd(end);
      if (table === tables.string) noteText(columns, count, walk.position, entryEnd);
      walk.position = entryEnd;
      isNext = entryEnd < end && walk.bytes[entryEnd] === tag;
      if (isNext) walk.position++;
    }
    counts[table] = count;
    ends[table] = walk.position;
  }
}

function noteText(columns: DictionaryColumns, index: number, start: number, end: number): void {
  if (index === columns.stringStart.length) {
    columns.stringStart = grown(columns.stringStart, index + 1);
    columns.stringEnd = grown(columns.stringEnd, index + 1);
  }
  columns.stringStart[index] = start;
  columns.stringEnd[index] = end;
}

function scanTable(
  scan: ValueScan,
  table: number,
  scanEntry: (scan: ValueScan, index: number, end: number) => void,
): void {
  const { walk, columns } = scan;
  const end = columns.ends[table]!;
  walk.position = columns.starts[table]!;
  columns.others.clear(columns.counts[table]!);
  for (let index = 0; walk.position < end; index++) {
    walk.position++;
    scanEntry(scan, index, walk.fieldEnd(end));
  }
}

function scanStrings({ walk, columns, hash }: TableScan): void {
  const { bytes, view } = walk;
  const { counts, strings, stringStart, stringEnd } = columns;
  const count = counts[tables.string]!;
  if (stringStart[0] !== stringEnd[0]) throw notPassable('reference');
  for (let index = 0; index < count; index++) {
    const start = stringStart[index]!;
    const end = stringEnd[index]!;
    hash.start(tables.string);
    const isAscii = hash.bytes(bytes, view, start, end);
    if (!isAscii && !isUtf8(bytes.subarray(start, end))) throw notPassable('encoding');
    if (strings.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
  }
}
