// hot
import { hashSeed, mixWord } from '../../support/mix-words.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';
import { firstSeed, secondSeed, spread, spreadAgain } from './pair-hash.ts';

// Entries that are added to the tables of a scanned message. They are hashed to the bit as the scan does it, in `wasm/scan-functions.ts` and
// `wasm/scan-locations.ts`; a test holds that all entries of a message are found here.

/**
 * Adds a location to the set of all that the locations say, or finds it there; returns its number. The order of attributes means
 * nothing, that of lines does.
 */
export function internLocation(columns: DictionaryColumns, index: number, lineStart: number, lineEnd: number): number {
  const { locationAttributes, lineFunction, lineLow } = columns;
  const attributeStart = columns.locationAttributeStart[index]!;
  const attributeEnd = columns.locationAttributeStart[index + 1]!;
  let set = 0;
  // A sum does not tell in which order it was made.
  for (let i = attributeStart; i < attributeEnd; i++) set = (set + mixWord(hashSeed, locationAttributes[i]!)) | 0;
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
