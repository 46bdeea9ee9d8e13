// hot
import type { Steps } from '../../support/steps.ts';
import { once } from './byte-walk.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';
import { grown } from './dictionary-columns.ts';
import { notPassable } from './not-passable.ts';
import type { PairHash } from './pair-hash.ts';
import { firstSeed, secondSeed, spread, spreadAgain } from './pair-hash.ts';
import type { TableScan } from './table-scan.ts';
import { addToSet, tables, use, used } from './table-scan.ts';

/** Fills the columns of mappings, which are few. */
export function scanMappings(scan: TableScan): void {
  const { walk, columns, hash } = scan;
  const tableEnd = columns.ends[tables.mapping]!;
  walk.position = columns.starts[tables.mapping]!;
  columns.mappingAttributeStart[0] = 0;
  columns.others.clear(columns.counts[tables.mapping]!);
  for (let index = 0; walk.position < tableEnd; index++) {
    walk.position++;
    scanMapping(scan, index, walk.fieldEnd(tableEnd));
    if (columns.others.intern(hash.a, hash.b) !== index) throw notPassable('duplicate');
  }
}

/** Leaves what the mapping says in the hash. */
function scanMapping(scan: TableScan, index: number, end: number): void {
  const { walk, columns, hash } = scan;
  const attributesStart = columns.mappingAttributeStart[index]!;
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
  columns.mappingAttributeStart[index + 1] = attributesEnd;
  const isZero = file === 0 && attributesEnd === 0 && numbers.every((word) => word === 0);
  if (index === 0 && !isZero) throw notPassable('reference');
  let set = 0;
  for (let i = attributesStart; i < attributesEnd; i++) set = addToSet(set, columns.mappingAttributes[i]!);
  hash.start(tables.mapping);
  hash.words(file, attributesEnd - attributesStart, set);
  hash.words(numbers[2]!, numbers[3]!, numbers[4]!);
  hash.words(numbers[5]!, numbers[6]!, numbers[7]!);
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

/** Fills the columns of locations and of their lines. */
export function scanLocations(scan: TableScan): void {
  const { walk, columns } = scan;
  const { bytes } = walk;
  const { locationStart, locationEnd, locationAttributeStart, locationLineStart } = columns;
  const { locationMapping, locationLow, locationHigh } = columns;
  const mappingCount = columns.counts[tables.mapping]!;
  const mappingUse = columns.used[tables.mapping]!;
  const tableEnd = columns.ends[tables.location]!;
  let end = columns.starts[tables.location]!;
  columns.locationAttributes = grown(columns.locationAttributes, tableEnd - end);
  locationAttributeStart[0] = 0;
  locationLineStart[0] = 0;
  let attributesEnd = 0;
  let linesEnd = 0;
  for (let index = 0; end < tableEnd; index++) {
    let position = end + 2;
    let sizeBytes = bytes[end + 1]!;
    if (sizeBytes >= 0x80) {
      sizeBytes = walk.longer(sizeBytes, position, tableEnd);
      position = walk.position;
    }
    end = position + sizeBytes;
    locationStart[index] = position;
    locationEnd[index] = end;
    let mapping = 0;
    let low = 0;
    let high = 0;
    let seen = 0;
    while (position < end) {
      const tag = bytes[position++]!;
      if (position === end) throw notPassable('encoding');
      if (tag === 0x1a) {
        position = scanLine(scan, linesEnd++, position, end);
        continue;
      }
      seen = once(seen, tag);
      if (tag === 0x08) {
        mapping = bytes[position++]!;
        if (mapping >= 0x80) {
          mapping = walk.longer(mapping, position, end);
          position = walk.position;
        }
        if (mapping >= mappingCount) throw notPassable('reference');
        mappingUse[mapping]! |= used;
      } else if (tag === 0x10) {
        position = walk.wordsAt(position, end);
        low = walk.low;
        high = walk.high;
      } else if (tag === 0x22) {
        attributesEnd = scanLocationAttributes(scan, attributesEnd, position, end);
        position = walk.position;
      } else throw notPassable('encoding');
    }
    locationMapping[index] = mapping;
    locationLow[index] = low;
    locationHigh[index] = high;
    locationAttributeStart[index + 1] = attributesEnd;
    locationLineStart[index + 1] = linesEnd;
    if (index === 0 && (mapping | low | high | attributesEnd | linesEnd) !== 0) throw notPassable('reference');
    if (internLocation(columns, index, locationLineStart[index]!, linesEnd) !== index) throw notPassable('duplicate');
  }
}

/** Adds the list at `position` behind `start` attributes, and leaves the walk behind it. Returns the number of attributes. */
function scanLocationAttributes({ walk, columns }: TableScan, start: number, position: number, end: number): number {
  const { bytes } = walk;
  const { locationAttributes } = columns;
  const count = columns.counts[tables.attribute]!;
  const attributeUse = columns.used[tables.attribute]!;
  let listBytes = bytes[position]!;
  let at = position + 1;
  if (listBytes >= 0x80) {
    listBytes = walk.longer(listBytes, at, end);
    at = walk.position;
  }
  const listEnd = at + listBytes;
  if (listEnd > end) throw notPassable('encoding');
  let attributesEnd = start;
  while (at < listEnd) {
    let attribute = bytes[at++]!;
    if (attribute >= 0x80) {
      attribute = walk.longer(attribute, at, listEnd);
      at = walk.position;
    }
    if (attribute >= count) throw notPassable('reference');
    attributeUse[attribute]! |= used;
    locationAttributes[attributesEnd++] = attribute;
  }
  walk.position = listEnd;
  return attributesEnd;
}

/** Returns the position behind the line. */
function scanLine({ walk, columns }: TableScan, index: number, start: number, locationEnd: number): number {
  const { bytes } = walk;
  let lineBytes = bytes[start]!;
  let position = start + 1;
  if (lineBytes >= 0x80) {
    lineBytes = walk.longer(lineBytes, position, locationEnd);
    position = walk.position;
  }
  const end = position + lineBytes;
  if (end > locationEnd) throw notPassable('encoding');
  let called = 0;
  let lineLow = 0;
  let lineHigh = 0;
  let columnLow = 0;
  let columnHigh = 0;
  let seen = 0;
  while (position < end) {
    const tag = bytes[position++]!;
    if (position === end) throw notPassable('encoding');
    seen = once(seen, tag);
    if (tag === 0x08) {
      called = bytes[position++]!;
      if (called >= 0x80) {
        called = walk.longer(called, position, end);
        position = walk.position;
      }
      use(columns, tables.function, called);
    } else if (tag === 0x10) {
      position = walk.wordsAt(position, end);
      lineLow = walk.low;
      lineHigh = walk.high;
    } else if (tag === 0x18) {
      position = walk.wordsAt(position, end);
      columnLow = walk.low;
      columnHigh = walk.high;
    } else throw notPassable('encoding');
  }
  if (index >= columns.lineFunction.length) columns.growLines(index);
  columns.lineFunction[index] = called;
  columns.lineLow[index] = lineLow;
  columns.lineHigh[index] = lineHigh;
  columns.columnLow[index] = columnLow;
  columns.columnHigh[index] = columnHigh;
  return end;
}

/** Fills the columns of functions. */
export function scanFunctions({ walk, columns }: TableScan): void {
  const { bytes } = walk;
  const { functionName, functionSystemName, functionFile, functionLineLow, functionLineHigh } = columns;
  const stringCount = columns.counts[tables.string]!;
  const stringUse = columns.used[tables.string]!;
  const tableEnd = columns.ends[tables.function]!;
  let end = columns.starts[tables.function]!;
  for (let index = 0; end < tableEnd; index++) {
    let position = end + 2;
    let sizeBytes = bytes[end + 1]!;
    if (sizeBytes >= 0x80) {
      sizeBytes = walk.longer(sizeBytes, position, tableEnd);
      position = walk.position;
    }
    end = position + sizeBytes;
    let name = 0;
    let systemName = 0;
    let file = 0;
    let low = 0;
    let high = 0;
    let seen = 0;
    while (position < end) {
      const tag = bytes[position++]!;
      if (position === end) throw notPassable('encoding');
      seen = once(seen, tag);
      if (tag === 0x20) {
        position = walk.wordsAt(position, end);
        ({ low, high } = walk);
        continue;
      }
      if (tag !== 0x08 && tag !== 0x10 && tag !== 0x18) throw notPassable('encoding');
      let text = bytes[position++]!;
      if (text >= 0x80) {
        text = walk.longer(text, position, end);
        position = walk.position;
      }
      if (text >= stringCount) throw notPassable('reference');
      stringUse[text]! |= used;
      if (tag === 0x08) name = text;
      else if (tag === 0x10) systemName = text;
      else file = text;
    }
    functionName[index] = name;
    functionSystemName[index] = systemName;
    functionFile[index] = file;
    functionLineLow[index] = low;
    functionLineHigh[index] = high;
    if (index === 0 && (name | systemName | file | low | high) !== 0) throw notPassable('reference');
    if (internFunction(columns, index) !== index) throw notPassable('duplicate');
  }
}

/**
 * Adds a location to the set of all that the locations say, or finds it there; returns its number. The order of attributes means
 * nothing, that of lines does.
 */
export function internLocation(columns: DictionaryColumns, index: number, lineStart: number, lineEnd: number): number {
  const { locationAttributes, lineFunction, lineLow } = columns;
  const attributeStart = columns.locationAttributeStart[index]!;
  const attributeEnd = columns.locationAttributeStart[index + 1]!;
  let set = 0;
  for (let i = attributeStart; i < attributeEnd; i++) set = addToSet(set, locationAttributes[i]!);
  let a = firstSeed;
  let b = secondSeed;
  for (let line = lineStart; line < lineEnd; line++) {
    a = spread(spread(a, lineFunction[line]!), lineLow[line]!);
    b = spreadAgain(spreadAgain(b, lineFunction[line]!), lineLow[line]!);
    const lineHigh = columns.lineHigh[line]!;
    const columnLow = columns.columnLow[line]!;
    const columnHigh = columns.columnHigh[line]!;
    if ((lineHigh | columnLow | columnHigh) === 0) continue;
    a = spread(spread(spread(a, lineHigh), columnLow), columnHigh);
    b = spreadAgain(spreadAgain(spreadAgain(b, lineHigh), columnLow), columnHigh);
  }
  const low = columns.locationLow[index]!;
  const high = columns.locationHigh[index]!;
  const shape = shapeOf(columns.locationMapping[index]!, attributeEnd - attributeStart, lineEnd - lineStart);
  a = spread(spread(spread(a, shape), low), set);
  b = spreadAgain(spreadAgain(spreadAgain(b, shape), low), set);
  if (high !== 0) {
    a = spread(a, high);
    b = spreadAgain(b, high);
  }
  return columns.locations.intern(a, b);
}

/** One word for three small numbers. */
function shapeOf(mapping: number, attributeCount: number, lineCount: number): number {
  return mapping ^ Math.imul(attributeCount, 0x9e3779b1) ^ Math.imul(lineCount, 0x85ebca6b);
}

/** Adds a function to the set of all that the functions say, or finds it there; returns its number. */
export function internFunction(columns: DictionaryColumns, index: number): number {
  const name = columns.functionName[index]!;
  const systemName = columns.functionSystemName[index]!;
  const file = columns.functionFile[index]!;
  const low = columns.functionLineLow[index]!;
  const high = columns.functionLineHigh[index]!;
  const a = spread(spread(spread(spread(firstSeed, name), systemName), file), low);
  const b = spreadAgain(spreadAgain(spreadAgain(spreadAgain(secondSeed, name), systemName), file), low);
  return high === 0 ? columns.functions.intern(a, b) : columns.functions.intern(spread(a, high), spreadAgain(b, high));
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
