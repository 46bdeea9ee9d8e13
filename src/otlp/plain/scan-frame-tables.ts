// hot
import type { DictionaryColumns } from './dictionary-columns.ts';
import { grown } from './dictionary-columns.ts';
import { notPlain } from './not-plain.ts';
import type { PairHash } from './pair-hash.ts';
import type { TableScan } from './table-scan.ts';
import { addToSet, tables, use } from './table-scan.ts';

export function scanMapping({ walk, columns, hash }: TableScan, index: number, end: number): void {
  hash.start(tables.mapping);
  let file = 0;
  let isZero = true;
  let isLoaded = 0;
  let attributesEnd = index === 0 ? 0 : columns.mappingAttributeStart[index]!;
  columns.mappingAttributeStart[index] = attributesEnd;
  let attributeHash = 0;
  for (let last = 0; walk.position < end; ) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag === 0x08 || tag === 0x10 || tag === 0x18) {
      walk.words(end);
      if (walk.low === 0 && walk.high === 0) continue;
      isZero = false;
      if (tag === 0x10) isLoaded = 1;
      hash.word(tag);
      hash.word(walk.low);
      hash.word(walk.high);
    } else if (tag === 0x20) {
      file = walk.index(end);
      use(columns, tables.string, file);
    } else if (tag === 0x2a) {
      const listEnd = walk.fieldEnd(end);
      columns.mappingAttributes = grown(columns.mappingAttributes, attributesEnd + listEnd - walk.position);
      while (walk.position < listEnd) {
        const attribute = walk.index(listEnd);
        use(columns, tables.attribute, attribute);
        columns.mappingAttributes[attributesEnd++] = attribute;
        attributeHash = addToSet(attributeHash, attribute);
        isZero = false;
      }
    } else throw notPlain('encoding');
  }
  columns.mappingFile[index] = file;
  columns.mappingIsLoaded[index] = isLoaded;
  columns.mappingAttributeStart[index + 1] = attributesEnd;
  if (index === 0 && !(isZero && file === 0)) throw notPlain('reference');
  hash.word(file);
  hash.word(attributesEnd - columns.mappingAttributeStart[index]!);
  hash.word(attributeHash);
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPlain('duplicate');
}

export function scanLocation(scan: TableScan, index: number, end: number): void {
  const { walk, columns, hash } = scan;
  let attributesEnd = index === 0 ? 0 : columns.locationAttributeStart[index]!;
  let linesEnd = index === 0 ? 0 : columns.locationLineStart[index]!;
  columns.locationAttributeStart[index] = attributesEnd;
  columns.locationLineStart[index] = linesEnd;
  columns.locationStart[index] = walk.position;
  columns.locationListStart[index] = end;
  columns.locationEnd[index] = end;
  let mapping = 0;
  let low = 0;
  let high = 0;
  for (let last = 0; walk.position < end; ) {
    const tag = walk.tag(last);
    if (tag === last && tag !== 0x1a) throw notPlain('encoding');
    last = tag;
    if (tag === 0x08) {
      mapping = walk.index(end);
      use(columns, tables.mapping, mapping);
    } else if (tag === 0x10) {
      walk.words(end);
      low = walk.low;
      high = walk.high;
    } else if (tag === 0x1a) scanLine(scan, linesEnd++, walk.fieldEnd(end));
    else if (tag === 0x22) {
      columns.locationListStart[index] = walk.position - 1;
      const listEnd = walk.fieldEnd(end);
      columns.locationAttributes = grown(columns.locationAttributes, attributesEnd + listEnd - walk.position);
      while (walk.position < listEnd) {
        const attribute = walk.index(listEnd);
        use(columns, tables.attribute, attribute);
        columns.locationAttributes[attributesEnd++] = attribute;
      }
    } else throw notPlain('encoding');
  }
  columns.locationMapping[index] = mapping;
  columns.locationLow[index] = low;
  columns.locationHigh[index] = high;
  columns.locationAttributeStart[index + 1] = attributesEnd;
  columns.locationLineStart[index + 1] = linesEnd;
  const isEmpty = mapping === 0 && low === 0 && high === 0 && attributesEnd === 0 && linesEnd === 0;
  if (index === 0 && !isEmpty) throw notPlain('reference');
  hashLocation(hash, columns, index, columns.locationLineStart[index]!, linesEnd);
  if (columns.locations.intern(hash.a, hash.b) !== index) throw notPlain('duplicate');
}

function scanLine({ walk, columns }: TableScan, index: number, end: number): void {
  columns.growLines(index);
  columns.lineFunction[index] = 0;
  columns.lineLow[index] = 0;
  columns.lineHigh[index] = 0;
  columns.columnLow[index] = 0;
  columns.columnHigh[index] = 0;
  for (let last = 0; walk.position < end; ) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag === 0x08) {
      columns.lineFunction[index] = walk.index(end);
      use(columns, tables.function, columns.lineFunction[index]!);
    } else if (tag === 0x10) {
      walk.words(end);
      columns.lineLow[index] = walk.low;
      columns.lineHigh[index] = walk.high;
    } else if (tag === 0x18) {
      walk.words(end);
      columns.columnLow[index] = walk.low;
      columns.columnHigh[index] = walk.high;
    } else throw notPlain('encoding');
  }
  if (walk.position !== end) throw notPlain('encoding');
}

export function scanFunction({ walk, columns, hash }: TableScan, index: number, end: number): void {
  let name = 0;
  let systemName = 0;
  let file = 0;
  let low = 0;
  let high = 0;
  for (let last = 0; walk.position < end; ) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag === 0x20) {
      walk.words(end);
      low = walk.low;
      high = walk.high;
      continue;
    }
    const text = walk.index(end);
    use(columns, tables.string, text);
    if (tag === 0x08) name = text;
    else if (tag === 0x10) systemName = text;
    else if (tag === 0x18) file = text;
    else throw notPlain('encoding');
  }
  columns.functionName[index] = name;
  columns.functionSystemName[index] = systemName;
  columns.functionFile[index] = file;
  columns.functionLineLow[index] = low;
  columns.functionLineHigh[index] = high;
  if (index === 0 && (name | systemName | file | low | high) !== 0) throw notPlain('reference');
  hashFunction(hash, columns, index);
  if (columns.functions.intern(hash.a, hash.b) !== index) throw notPlain('duplicate');
}

/** By all that it says: of attributes the order means nothing, of lines it does. */
export function hashLocation(
  hash: PairHash,
  columns: DictionaryColumns,
  index: number,
  lineStart: number,
  lineEnd: number,
): void {
  hash.start(tables.location);
  hash.word(columns.locationMapping[index]!);
  hash.word(columns.locationLow[index]!);
  hash.word(columns.locationHigh[index]!);
  const attributeStart = columns.locationAttributeStart[index]!;
  const attributeEnd = columns.locationAttributeStart[index + 1]!;
  let set = 0;
  for (let i = attributeStart; i < attributeEnd; i++) set = addToSet(set, columns.locationAttributes[i]!);
  hash.word(attributeEnd - attributeStart);
  hash.word(set);
  for (let line = lineStart; line < lineEnd; line++) {
    hash.word(columns.lineFunction[line]!);
    hash.word(columns.lineLow[line]!);
    hash.word(columns.lineHigh[line]!);
    hash.word(columns.columnLow[line]!);
    hash.word(columns.columnHigh[line]!);
  }
}

export function hashFunction(hash: PairHash, columns: DictionaryColumns, index: number): void {
  hash.start(tables.function);
  hash.word(columns.functionName[index]!);
  hash.word(columns.functionSystemName[index]!);
  hash.word(columns.functionFile[index]!);
  hash.word(columns.functionLineLow[index]!);
  hash.word(columns.functionLineHigh[index]!);
}
