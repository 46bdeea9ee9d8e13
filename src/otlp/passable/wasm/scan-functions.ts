import {
  countOf,
  endOf,
  functionFile,
  functionLineHigh,
  functionLineLow,
  functionName,
  functionSet,
  functionSystemName,
  functions,
  startOf,
  strings,
  used,
  useOf,
} from './columns.ts';
import { pairOf, secondSeed, seed, spread, spreadAgain } from './hash.ts';
import { addPair, clearSet, pairsOf, placesOf } from './pair-sets.ts';
import { duplicate, encoding, reference, refuse } from './refuse.ts';
import { behind, once, readLonger, readWords } from './varint.ts';

/** Fills the columns of functions. */
export function scanFunctions(): void {
  const mask = clearSet(functionSet, countOf(functions));
  const places = placesOf(functionSet);
  const pairs = pairsOf(functionSet);
  const stringCount = countOf(strings);
  const stringUse = useOf(strings);
  const tableEnd = endOf(functions);
  let end = startOf(functions);
  for (let index: u32 = 0; end < tableEnd; index++) {
    let position = end + 2;
    let sizeBytes: u32 = load<u8>(end + 1);
    if (sizeBytes >= 0x80) {
      sizeBytes = readLonger(sizeBytes, position, tableEnd);
      position = behind;
    }
    end = position + sizeBytes;
    let name: u32 = 0;
    let systemName: u32 = 0;
    let file: u32 = 0;
    let line: u64 = 0;
    let seen: u32 = 0;
    while (position < end) {
      const tag: u32 = load<u8>(position++);
      if (position === end) refuse(encoding);
      seen = once(seen, tag);
      if (tag === 0x20) {
        line = readWords(position, end);
        position = behind;
        continue;
      }
      if (tag !== 0x08 && tag !== 0x10 && tag !== 0x18) refuse(encoding);
      let text: u32 = load<u8>(position++);
      if (text >= 0x80) {
        text = readLonger(text, position, end);
        position = behind;
      }
      if (text >= stringCount) refuse(reference);
      store<u8>(stringUse + text, used);
      if (tag === 0x08) name = text;
      else if (tag === 0x10) systemName = text;
      else file = text;
    }
    const at = 4 * index;
    store<u32>(functionName + at, name);
    store<u32>(functionSystemName + at, systemName);
    store<u32>(functionFile + at, file);
    store<u32>(functionLineLow + at, <u32>line);
    store<u32>(functionLineHigh + at, <u32>(line >>> 32));
    if (index === 0 && (<u64>(name | systemName | file) | line) !== 0) refuse(reference);
    let first = spread(spread(spread(spread(seed, name), systemName), file), <i32>line);
    let second = spreadAgain(spreadAgain(spreadAgain(spreadAgain(secondSeed, name), systemName), file), <i32>line);
    const high = <i32>(line >>> 32);
    if (high !== 0) {
      first = spread(first, high);
      second = spreadAgain(second, high);
    }
    if (!addPair(places, mask, pairs, pairOf(first, second), index)) refuse(duplicate);
  }
}
