// hot
import type { DictionaryColumns } from './dictionary-columns.ts';
import { grown } from './dictionary-columns.ts';
import { notPassable } from './not-passable.ts';
import type { PairHash } from './pair-hash.ts';
import type { TableScan } from './table-scan.ts';
import { addToSet, tables, use } from './table-scan.ts';

export function scanMapping({ walk, columns, hash }: TableScan, index: number, end: number): void {
  hash.start(tables.mapping);
  let isZero = true;
  columns.mappingIsLoaded[index] = 0;
  for (let tag = 0x08; tag <= 0x18; tag += 0x08) {
    if (!walk.has(tag, end)) continue;
    walk.words(end);
    if (walk.low === 0 && walk.high === 0) continue;
    isZero = false;
    if (tag === 0x10) columns.mappingIsLoaded[index] = 1;
    hash.word(tag);
    hash.word(walk.low);
    hash.word(walk.high);
  }
  const file = walk.has(0x20, end) ? use(columns, tables.string, walk.index(end)) : 0;
  const attributesStart = index === 0 ? 0 : columns.mappingAttributeStart[index]!;
  let attributesEnd = attributesStart;
  let set = 0;
  if (walk.has(0x2a, end)) {
    const listEnd = walk.fieldEnd(end);
    columns.mappingAttributes = grown(columns.mappingAttributes, attributesEnd + listEnd - walk.position);
    while (walk.position < listEnd) {
      const attribute = use(columns, tables.attribute, walk.index(listEnd));
      columns.mappingAttributes[attributesEnd++] = attribute;
      set = addToSet(set, attribute);
    }
  }
  walk.finish(end);
  columns.mappingFile[index] = file;
  columns.mappingAttributeStart[index] = attributesStart;
  columns.mappingAttributeStart[index + 1] = attributesEnd;
  if (index === 0 && !(isZero && file === 0 && attributesEnd === 0)) throw notPassable('reference');
  hash.word(file);
  hash.word(attributesEnd - attributesStart);
  hash.word(set);
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

export function scanLocation(scan: TableScan, index: number, end: number): void {
  const { walk, columns, hash } = scan;
  const attributesStart = index === 0 ? 0 : columns.locationAttributeStart[index]!;
  const linesStart = index === 0 ? 0 : columns.locationLineStart[index]!;
  let attributesEnd = attributesStart;
  let linesEnd = linesStart;
  columns.locationStart[index] = walk.position;
  columns.locationEnd[index] = end;
  const mapping = walk.has(0x08, end) ? use(columns, tables.mapping, walk.index(end)) : 0;
  let low = 0;
  let high = 0;
  if (walk.has(0x10, end)) {
    walk.words(end);
    low = walk.low;
    high = walk.high;
  }
  while (walk.has(0x1a, end)) scanLine(scan, linesEnd++, walk.fieldEnd(end));
  columns.locationListStart[index] = walk.position;
  if (walk.has(0x22, end)) {
    const listEnd = walk.fieldEnd(end);
    const room = attributesEnd + listEnd - walk.position;
    if (room > columns.locationAttributes.length) columns.locationAttributes = grown(columns.locationAttributes, room);
    while (walk.position < listEnd) {
      columns.locationAttributes[attributesEnd++] = use(columns, tables.attribute, walk.index(listEnd));
    }
  }
  walk.finish(end);
  columns.locationMapping[index] = mapping;
  columns.locationLow[index] = low;
  columns.locationHigh[index] = high;
  columns.locationAttributeStart[index] = attributesStart;
  columns.locationAttributeStart[index + 1] = attributesEnd;
  columns.locationLineStart[index] = linesStart;
  columns.locationLineStart[index + 1] = linesEnd;
  const isZero = mapping === 0 && low === 0 && high === 0 && attributesEnd === 0 && linesEnd === 0;
  if (index === 0 && !isZero) throw notPassable('reference');
  hashLocation(hash, columns, index, linesStart, linesEnd);
  if (columns.locations.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

function scanLine({ walk, columns }: TableScan, index: number, end: number): void {
  columns.growLines(index);
  columns.lineFunction[index] = walk.has(0x08, end) ? use(columns, tables.function, walk.index(end)) : 0;
  walk.low = 0;
  walk.high = 0;
  if (walk.has(0x10, end)) walk.words(end);
  columns.lineLow[index] = walk.low;
  columns.lineHigh[index] = walk.high;
  walk.low = 0;
  walk.high = 0;
  if (walk.has(0x18, end)) walk.words(end);
  columns.columnLow[index] = walk.low;
  columns.columnHigh[index] = walk.high;
  walk.finish(end);
}

export function scanFunction({ walk, columns, hash }: TableScan, index: number, end: number): void {
  const name = walk.has(0x08, end) ? use(columns, tables.string, walk.index(end)) : 0;
  const systemName = walk.has(0x10, end) ? use(columns, tables.string, walk.index(end)) : 0;
  const file = walk.has(0x18, end) ? use(columns, tables.string, walk.index(end)) : 0;
  let low = 0;
  let high = 0;
  if (walk.has(0x20, end)) {
    walk.words(end);
    low = walk.low;
    high = walk.high;
  }
  walk.finish(end);
  columns.functionName[index] = name;
  columns.functionSystemName[index] = systemName;
  columns.functionFile[index] = file;
  columns.functionLineLow[index] = low;
  columns.functionLineHigh[index] = high;
  if (index === 0 && (name | systemName | file | low | high) !== 0) throw notPassable('reference');
  hashFunction(hash, columns, index);
  if (columns.functions.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

/** By all that it says: of attributes the order means nothing, of lines it does. */
export function hashLocation(
  hash: PairHash,
  columns: DictionaryColumns,
  index: number,
  lineStart: number,
  lineEnd: number,
): void {
  const attributeStart = columns.locationAttributeStart[index]!;
  const attributeEnd = columns.locationAttributeStart[index + 1]!;
  let set = 0;
  for (let i = attributeStart; i < attributeEnd; i++) set = addToSet(set, columns.locationAttributes[i]!);
  hash.start(tables.location);
  hash.words(columns.locationMapping[index]!, columns.locationLow[index]!, columns.locationHigh[index]!);
  hash.words(attributeEnd - attributeStart, set, lineEnd - lineStart);
  for (let line = lineStart; line < lineEnd; line++) {
    hash.words(columns.lineFunction[line]!, columns.lineLow[line]!, columns.columnLow[line]!);
    const high = columns.lineHigh[line]! | columns.columnHigh[line]!;
    if (high !== 0) hash.words(columns.lineHigh[line]!, columns.columnHigh[line]!, high);
  }
}

export function hashFunction(hash: PairHash, columns: DictionaryColumns, index: number): void {
  hash.start(tables.function);
  hash.words(columns.functionName[index]!, columns.functionSystemName[index]!, columns.functionFile[index]!);
  const low = columns.functionLineLow[index]!;
  hash.words(low, columns.functionLineHigh[index]!, 0);
}
