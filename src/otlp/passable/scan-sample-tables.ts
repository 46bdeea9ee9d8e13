// hot
import { once } from './byte-walk.ts';
import { notPassable } from './not-passable.ts';
import { firstSeed, secondSeed, spread, spreadAgain } from './pair-hash.ts';
import type { TableScan } from './table-scan.ts';
import { tables, use, used } from './table-scan.ts';
import type { ValueScan } from './value-scan.ts';
import { scanValue } from './value-scan.ts';

/** IDs have their length or none; entry 0 has none. */
export function scanLink({ walk, columns, hash }: TableScan, index: number, end: number): void {
  const { bytes, view } = walk;
  let traceEnd = 0;
  let spanEnd = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag !== 0x0a && tag !== 0x12) throw notPassable('encoding');
    const idEnd = walk.fieldEnd(end);
    const sizeBytes = idEnd - walk.position;
    if (sizeBytes !== 0) {
      if (index === 0 || sizeBytes !== (tag === 0x0a ? traceIdSize : spanIdSize)) throw notPassable('reference');
      if (tag === 0x0a) traceEnd = idEnd;
      else spanEnd = idEnd;
    }
    walk.position = idEnd;
  }
  hash.start(tables.link);
  hash.words(traceEnd === 0 ? 0 : 1, spanEnd === 0 ? 0 : 1, 0);
  if (traceEnd !== 0) hash.bytes(bytes, view, traceEnd - traceIdSize, traceEnd);
  if (spanEnd !== 0) hash.bytes(bytes, view, spanEnd - spanIdSize, spanEnd);
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

const traceIdSize = 16;
const spanIdSize = 8;

export function scanAttribute(scan: ValueScan, index: number, end: number): void {
  const { walk, columns, hash } = scan;
  let key = 0;
  let unit = 0;
  let valueStart = 0;
  let valueEnd = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag === 0x08) key = use(columns, tables.string, walk.index(end));
    else if (tag === 0x18) unit = use(columns, tables.string, walk.index(end));
    else if (tag === 0x12) {
      valueEnd = walk.fieldEnd(end);
      valueStart = walk.position;
      walk.position = valueEnd;
    } else throw notPassable('encoding');
  }
  columns.attributeKey[index] = key;
  columns.attributeTextStart[index] = 0;
  columns.attributeTextEnd[index] = 0;
  hash.start(tables.attribute);
  hash.words(key, unit, 0);
  if (valueStart < valueEnd) {
    if (index === 0) throw notPassable('reference');
    if (walk.bytes[valueStart] === 0x0a) {
      walk.position = valueStart + 1;
      columns.attributeTextEnd[index] = walk.fieldEnd(valueEnd);
      columns.attributeTextStart[index] = walk.position;
    }
    walk.position = valueStart;
    scanValue(scan, valueEnd);
    // References within the dictionary are legal and known of no encoder.
    if (scan.referenceCount !== 0) throw notPassable('string_reference');
  }
  walk.position = end;
  if (index === 0 && (key !== 0 || unit !== 0)) throw notPassable('reference');
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

/** Entry 0 has no locations. */
export function scanStacks({ walk, columns }: TableScan): void {
  const { bytes } = walk;
  const { others } = columns;
  const locationCount = columns.counts[tables.location]!;
  const locationUse = columns.used[tables.location]!;
  const tableEnd = columns.ends[tables.stack]!;
  let position = columns.starts[tables.stack]!;
  others.clear(columns.counts[tables.stack]!);
  for (let index = 0; position < tableEnd; index++) {
    let sizeBytes = bytes[position + 1]!;
    position += 2;
    if (sizeBytes >= 0x80) {
      sizeBytes = walk.longer(sizeBytes, position, tableEnd);
      position = walk.position;
    }
    const end = position + sizeBytes;
    if (position < end) {
      walk.position = position + 1;
      if (bytes[position] !== 0x0a || walk.fieldEnd(end) !== end) throw notPassable('encoding');
      position = walk.position;
      if (index === 0 && position < end) throw notPassable('reference');
    }
    let a = firstSeed;
    let b = secondSeed;
    while (position < end) {
      let location = bytes[position++]!;
      if (location >= 0x80) {
        location = walk.longer(location, position, end);
        position = walk.position;
      }
      if (location >= locationCount) throw notPassable('reference');
      locationUse[location] = used;
      a = spread(a, location);
      b = spreadAgain(b, location);
    }
    if (others.intern(a, b) !== index) throw notPassable('duplicate');
  }
}
