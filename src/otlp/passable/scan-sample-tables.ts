// hot
import { notPassable } from './not-passable.ts';
import type { TableScan } from './table-scan.ts';
import { tables, use } from './table-scan.ts';
import { walkValue } from './value-walk.ts';

export function scanLink({ walk, columns, hash }: TableScan, index: number, end: number): void {
  hash.start(tables.link);
  for (const [tag, sizeBytes] of idSizes) {
    if (!walk.has(tag, end)) continue;
    const idEnd = walk.fieldEnd(end);
    if (idEnd === walk.position) continue;
    if (index === 0 || idEnd !== walk.position + sizeBytes) throw notPassable('reference');
    hash.word(tag);
    hash.bytes(walk.bytes, walk.view, walk.position, idEnd);
    walk.position = idEnd;
  }
  walk.finish(end);
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

/** Of trace ID and span ID. */
const idSizes: readonly (readonly [tag: number, sizeBytes: number])[] = [
  [0x0a, 16],
  [0x12, 8],
];

export function scanAttribute({ walk, columns, hash }: TableScan, index: number, end: number): void {
  const { bytes, view } = walk;
  hash.start(tables.attribute);
  columns.attributeTextStart[index] = 0;
  columns.attributeTextEnd[index] = 0;
  const key = walk.has(0x08, end) ? use(columns, tables.string, walk.index(end)) : 0;
  let isZero = key === 0;
  hash.word(key);
  if (walk.has(0x12, end)) {
    const valueEnd = walk.fieldEnd(end);
    const start = walk.position;
    if (start < valueEnd) {
      isZero = false;
      if (bytes[start] === 0x0a) {
        walk.position++;
        columns.attributeTextEnd[index] = walk.fieldEnd(valueEnd);
        columns.attributeTextStart[index] = walk.position;
        walk.position = start;
      }
      walkValue(walk, valueEnd);
      hash.word(0x12);
      hash.bytes(bytes, view, start, valueEnd);
    }
  }
  const unit = walk.has(0x18, end) ? use(columns, tables.string, walk.index(end)) : 0;
  hash.word(unit);
  walk.finish(end);
  columns.attributeKey[index] = key;
  if (index === 0 && !(isZero && unit === 0)) throw notPassable('reference');
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

export function scanStack({ walk, columns, hash }: TableScan, index: number, end: number): void {
  hash.start(tables.stack);
  if (walk.has(0x0a, end)) {
    const count = columns.counts[tables.location]!;
    const used = columns.used[tables.location]!;
    const listEnd = walk.fieldEnd(end);
    if (index === 0 && walk.position < listEnd) throw notPassable('reference');
    while (walk.position < listEnd) {
      const location = walk.index(listEnd);
      if (location >= count) throw notPassable('reference');
      used[location] = 1;
      hash.word(location);
    }
  }
  walk.finish(end);
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}
