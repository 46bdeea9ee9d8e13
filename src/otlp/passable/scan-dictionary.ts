// hot
import { isUtf8 } from 'node:buffer';
import { grown } from './dictionary-columns.ts';
import { notPassable } from './not-passable.ts';
import { scanFunction, scanLocation, scanMapping } from './scan-frame-tables.ts';
import { scanAttribute, scanLink, scanStack } from './scan-sample-tables.ts';
import type { TableScan } from './table-scan.ts';
import { tables } from './table-scan.ts';

/**
 * Fills the columns from the fields of a `ProfilesDictionary` that ends at `end`, and marks as used what its entries refer to.
 * @throws NotPassable unless all tables are there, with the zero value and no two equal entries, and all indices are in range
 */
export function scanDictionary(scan: TableScan, end: number): void {
  const { walk, columns } = scan;
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
  walk.position = end;
}

/** Finds where each table lies, how many entries it has, and where the texts are. */
function findTables({ walk, columns }: TableScan, end: number): void {
  for (let table: number = tables.mapping; table <= tables.stack; table++) {
    const tag = (table << 3) | 2;
    columns.starts[table] = walk.position;
    let count = 0;
    while (walk.has(tag, end)) {
      const entryEnd = walk.fieldEnd(end);
      if (table === tables.string) {
        if (count === columns.stringStart.length) {
          columns.stringStart = grown(columns.stringStart, count + 1);
          columns.stringEnd = grown(columns.stringEnd, count + 1);
        }
        columns.stringStart[count] = walk.position;
        columns.stringEnd[count] = entryEnd;
      }
      walk.position = entryEnd;
      count++;
    }
    columns.counts[table] = count;
    columns.ends[table] = walk.position;
  }
  walk.finish(end);
}

function scanTable(
  scan: TableScan,
  table: number,
  scanEntry: (scan: TableScan, index: number, end: number) => void,
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
