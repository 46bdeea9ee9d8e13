// hot
import type { Steps } from '../../support/steps.ts';
import { once } from './byte-walk.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';
import { grown } from './dictionary-columns.ts';
import { notPassable } from './not-passable.ts';
import type { PairHash } from './pair-hash.ts';
import type { TableScan } from './table-scan.ts';
import { addToSet, tables, use } from './table-scan.ts';

export function scanMapping(scan: TableScan, index: number, end: number): void {
  const { walk, columns, hash } = scan;
  const attributesStart = index === 0 ? 0 : columns.mappingAttributeStart[index]!;
  let attributesEnd = attributesStart;
  let file = 0;
  numbers.fill(0);
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag === 0x20) file = use(columns, tables.string, walk.index(end));
    else if (tag === 0x2a) attributesEnd = scanMappingAttributes(scan, attributesStart, walk.fieldEnd(end));
    else if (tag === 0x08 || tag === 0x10 || tag === 0x18) {
      walk.words(end);
      numbers[tag >>> 2] = walk.low;
      numbers[(tag >>> 2) + 1] = walk.high;
    } else throw notPassable('encoding');
  }
  columns.mappingFile[index] = file;
  columns.mappingIsLoaded[index] = numbers[4] === 0 && numbers[5] === 0 ? 0 : 1;
  columns.mappingAttributeStart[index] = attributesStart;
  columns.mappingAttributeStart[index + 1] = attributesEnd;
  const isZero = file === 0 && attributesEnd === 0 && numbers.every((word) => word === 0);
  if (index === 0 && !isZero) throw notPassable('reference');
  let set = 0;
  for (let i = attributesStart; i < attributesEnd; i++) set = addToSet(set, columns.mappingAttributes[i]!);
  hash.start(tables.mapping);
  hash.words(file, attributesEnd - attributesStart, set);
  hash.words(numbers[2]!, numbers[3]!, numbers[4]!);
  hash.words(numbers[5]!, numbers[6]!, numbers[7]!);
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

/** By field number of a mapping: words of its 64-bit numbers. */
const numbers = new Int32Array(8);

function scanMappingAttributes({ walk, columns }: TableScan, start: number, listEnd: number): number {
  let end = start;
  columns.mappingAttributes = grown(columns.mappingAttributes, end + listEnd - walk.position);
  while (walk.position < listEnd) {
    columns.mappingAttributes[end++] = use(columns, tables.attribute, walk.index(listEnd));
  }
  return end;
}

export function scanLocation(scan: TableScan, index: number, end: number): void {
  const { walk, columns, hash } = scan;
  const attributesStart = index === 0 ? 0 : columns.locationAttributeStart[index]!;
  const linesStart = index === 0 ? 0 : columns.locationLineStart[index]!;
  let attributesEnd = attributesStart;
  let linesEnd = linesStart;
  let mapping = 0;
  let low = 0;
  let high = 0;
  let seen = 0;
  columns.locationStart[index] = walk.position;
  columns.locationEnd[index] = end;
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === 0x1a) {
      scanLine(scan, linesEnd++, walk.fieldEnd(end));
      continue;
    }
    seen = once(seen, tag);
    if (tag === 0x08) mapping = use(columns, tables.mapping, walk.index(end));
    else if (tag === 0x10) {
      walk.words(end);
      low = walk.low;
      high = walk.high;
    } else if (tag === 0x22) attributesEnd = scanLocationAttributes(scan, attributesStart, walk.fieldEnd(end));
    else throw notPassable('encoding');
  }
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

function scanLocationAttributes({ walk, columns }: TableScan, start: number, listEnd: number): number {
  let end = start;
  const room = end + listEnd - walk.position;
  if (room > columns.locationAttributes.length) columns.locationAttributes = grown(columns.locationAttributes, room);
  while (walk.position < listEnd) {
    columns.locationAttributes[end++] = use(columns, tables.attribute, walk.index(listEnd));
  }
  return end;
}

function scanLine({ walk, columns }: TableScan, index: number, end: number): void {
  columns.growLines(index);
  columns.lineFunction[index] = 0;
  columns.lineLow[index] = 0;
  columns.lineHigh[index] = 0;
  columns.columnLow[index] = 0;
  columns.columnHigh[index] = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag === 0x08) columns.lineFunction[index] = use(columns, tables.function, walk.index(end));
    else if (tag === 0x10) {
      walk.words(end);
      columns.lineLow[index] = walk.low;
      columns.lineHigh[index] = walk.high;
    } else if (tag === 0x18) {
      walk.words(end);
      columns.columnLow[index] = walk.low;
      columns.columnHigh[index] = walk.high;
    } else throw notPassable('encoding');
  }
}

export function scanFunction({ walk, columns, hash }: TableScan, index: number, end: number): void {
  let name = 0;
  let systemName = 0;
  let file = 0;
  let low = 0;
  let high = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag === 0x08) name = use(columns, tables.string, walk.index(end));
    else if (tag === 0x10) systemName = use(columns, tables.string, walk.index(end));
    else if (tag === 0x18) file = use(columns, tables.string, walk.index(end));
    else if (tag === 0x20) {
      walk.words(end);
      low = walk.low;
      high = walk.high;
    } else throw notPassable('encoding');
  }
  columns.functionName[index] = name;
  columns.functionSystemName[index] = systemName;
  columns.functionFile[index] = file;
  columns.functionLineLow[index] = low;
  columns.functionLineHigh[index] = high;
  if (index === 0 && (name | systemName | file | low | high) !== 0) throw notPassable('reference');
  hashFunction(hash, columns, index);
  if (columns.functions.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
}

/** Feeds all that a location says into the hash: the order of attributes means nothing, that of lines does. */
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

/** A function is hashed in some 50 ns. */
const functionsAStep = 4096;

/** Fills the columns of what functions say, from the hashes of their texts. */
export function* hashFunctionTexts(hash: PairHash, columns: DictionaryColumns): Steps<void> {
  const count = columns.counts[tables.function]!;
  const { strings, functionName, functionSystemName, functionFile } = columns;
  if (columns.functionTextA.length < count) {
    columns.functionTextA = new Int32Array(2 * count);
    columns.functionTextB = new Int32Array(2 * count);
  }
  for (let index = 0; index < count; index++) {
    if (index % functionsAStep === functionsAStep - 1) yield;
    hash.start(tables.function);
    hash.pair(strings.firstWord(functionName[index]!), strings.secondWord(functionName[index]!));
    hash.pair(strings.firstWord(functionSystemName[index]!), strings.secondWord(functionSystemName[index]!));
    hash.pair(strings.firstWord(functionFile[index]!), strings.secondWord(functionFile[index]!));
    hash.words(columns.functionLineLow[index]!, columns.functionLineHigh[index]!, 0);
    columns.functionTextA[index] = hash.a;
    columns.functionTextB[index] = hash.b;
  }
}
