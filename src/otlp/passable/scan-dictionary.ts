// hot
import { isUtf8 } from 'node:buffer';
import { notPassable } from './not-passable.ts';
import { scanFunctions, scanLocations, scanMappings } from './scan-frame-tables.ts';
import { scanAttribute, scanLink, scanStacks } from './scan-sample-tables.ts';
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
  scanMappings(scan);
  scanLocations(scan);
  scanFunctions(scan);
  scanTable(scan, tables.link, scanLink);
  scanTable(scan, tables.attribute, scanAttribute);
  scanStacks(scan);
  // Last: what is not passable shows mostly before the bulk of the bytes is hashed.
  scanStrings(scan);
}

/** Finds the place of each table, the number of its entries, and the places of the texts. */
function findTables({ walk, columns }: TableScan, end: number): void {
  const { bytes } = walk;
  const { counts, starts, ends } = columns;
  counts.fill(0);
  let { position } = walk;
  while (position < end) {
    const tag = bytes[position]!;
    const table = tag >>> 3;
    if (table < 1 || table > 7 || (tag & 7) !== 2 || counts[table] !== 0) throw notPassable('encoding');
    starts[table] = position;
    let { stringStart, stringEnd } = columns;
    let count = 0;
    do {
      if (++position === end) throw notPassable('encoding');
      let sizeBytes = bytes[position++]!;
      if (sizeBytes >= 0x80) {
        sizeBytes = walk.longer(sizeBytes, position, end);
        position = walk.position;
      }
      const start = position;
      position += sizeBytes;
      if (table === tables.string) {
        if (count === stringStart.length) ({ stringStart, stringEnd } = columns.growTexts());
        stringStart[count] = start;
        stringEnd[count] = position;
      }
      count++;
    } while (position < end && bytes[position] === tag);
    if (position > end) throw notPassable('encoding');
    counts[table] = count;
    ends[table] = position;
  }
  walk.position = end;
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
