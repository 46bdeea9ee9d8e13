import {
  attributes,
  columnHigh,
  columnLow,
  countOf,
  endOf,
  functions,
  growLines,
  lineCapacity,
  lineFunction,
  lineHigh,
  lineLow,
  locationAttributeStart,
  locationAttributes,
  locationEnd,
  locationHigh,
  locationLineStart,
  locationLow,
  locationMapping,
  locationSet,
  locationStart,
  locations,
  mappings,
  startOf,
  used,
  useOf,
} from './columns.ts';
import { takeElements } from './elements.ts';
import { addToSet, pairOf, secondSeed, seed, spread, spreadAgain } from './hash.ts';
import { message } from './memory.ts';
import { addPair, clearSet, pairsOf, placesOf } from './pair-sets.ts';
import { duplicate, encoding, reference, refuse } from './refuse.ts';
import { behind, fieldEnd, once, readIndex, readLonger, readWords } from './varint.ts';

/** Lines of the location at hand: their hash so far. */
let linesA: i32 = 0;
let linesB: i32 = 0;
/** Attributes of the location at hand, as a set. */
let attributeSet: i32 = 0;

/** Fills the columns of locations and of their lines. The order of attributes means nothing, that of lines does. */
export function scanLocations(): void {
  const mask = clearSet(locationSet, countOf(locations));
  const places = placesOf(locationSet);
  const pairs = pairsOf(locationSet);
  const mappingCount = countOf(mappings);
  const mappingUse = useOf(mappings);
  const tableEnd = endOf(locations);
  let end = startOf(locations);
  store<u32>(locationAttributeStart, 0);
  store<u32>(locationLineStart, 0);
  let attributesEnd: u32 = 0;
  let linesEnd: u32 = 0;
  for (let index: u32 = 0; end < tableEnd; index++) {
    let position = end + 2;
    let sizeBytes: u32 = load<u8>(end + 1);
    if (sizeBytes >= 0x80) {
      sizeBytes = readLonger(sizeBytes, position, tableEnd);
      position = behind;
    }
    end = position + sizeBytes;
    const at = 4 * index;
    store<u32>(locationStart + at, <u32>(position - message));
    store<u32>(locationEnd + at, <u32>(end - message));
    const attributesStart = attributesEnd;
    const linesStart = linesEnd;
    linesA = seed;
    linesB = secondSeed;
    attributeSet = 0;
    let mapping: u32 = 0;
    let address: u64 = 0;
    let seen: u32 = 0;
    while (position < end) {
      const tag: u32 = load<u8>(position++);
      if (position === end) refuse(encoding);
      if (tag === 0x1a) {
        position = scanLine(linesEnd++, position, end);
        continue;
      }
      seen = once(seen, tag);
      if (tag === 0x08) {
        mapping = load<u8>(position++);
        if (mapping >= 0x80) {
          mapping = readLonger(mapping, position, end);
          position = behind;
        }
        if (mapping >= mappingCount) refuse(reference);
        store<u8>(mappingUse + mapping, used);
      } else if (tag === 0x10) {
        address = readWords(position, end);
        position = behind;
      } else if (tag === 0x22) {
        const listEnd = fieldEnd(position, end);
        attributesEnd = scanAttributeList(attributesEnd, behind, listEnd);
        position = listEnd;
      } else refuse(encoding);
    }
    store<u32>(locationMapping + at, mapping);
    store<u32>(locationLow + at, <u32>address);
    store<u32>(locationHigh + at, <u32>(address >>> 32));
    store<u32>(locationAttributeStart + at + 4, attributesEnd);
    store<u32>(locationLineStart + at + 4, linesEnd);
    if (index === 0 && (<u64>(mapping | attributesEnd | linesEnd) | address) !== 0) refuse(reference);
    const hash = hashLocation(mapping, address, attributesEnd - attributesStart, linesEnd - linesStart);
    if (!addPair(places, mask, pairs, hash, index)) refuse(duplicate);
  }
}

/** Hash of all that the location at hand says. */
function hashLocation(mapping: u32, address: u64, attributeCount: u32, lineCount: u32): i64 {
  // One word for three small numbers.
  const shape: i32 = mapping ^ (attributeCount * 0x9e3779b1) ^ (lineCount * 0x85ebca6b);
  const a = spread(spread(spread(linesA, shape), <i32>address), attributeSet);
  const b = spreadAgain(spreadAgain(spreadAgain(linesB, shape), <i32>address), attributeSet);
  const high = <i32>(address >>> 32);
  return high === 0 ? pairOf(a, b) : pairOf(spread(a, high), spreadAgain(b, high));
}

/** Adds a list behind `count` attributes; returns the number of attributes then. */
function scanAttributeList(count: u32, start: usize, listEnd: usize): u32 {
  const attributeCount = countOf(attributes);
  const attributeUse = useOf(attributes);
  let position = start;
  let attributesEnd = count;
  let set = attributeSet;
  while (position < listEnd) {
    const attribute = readIndex(position, listEnd);
    position = behind;
    if (attribute >= attributeCount) refuse(reference);
    store<u8>(attributeUse + attribute, used);
    store<u32>(locationAttributes + 4 * attributesEnd++, attribute);
    set = addToSet(set, attribute);
  }
  attributeSet = set;
  return attributesEnd;
}

/** Returns the position behind the line. */
function scanLine(index: u32, start: usize, locationEnd: usize): usize {
  takeElements(1);
  const end = fieldEnd(start, locationEnd);
  let position = behind;
  let called: u32 = 0;
  let line: u64 = 0;
  let column: u64 = 0;
  let seen: u32 = 0;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    if (position === end) refuse(encoding);
    seen = once(seen, tag);
    if (tag === 0x08) {
      called = load<u8>(position++);
      if (called >= 0x80) {
        called = readLonger(called, position, end);
        position = behind;
      }
      if (called >= countOf(functions)) refuse(reference);
      store<u8>(useOf(functions) + called, used);
    } else if (tag === 0x10) {
      line = readWords(position, end);
      position = behind;
    } else if (tag === 0x18) {
      column = readWords(position, end);
      position = behind;
    } else refuse(encoding);
  }
  if (index === lineCapacity) growLines(index);
  const at = 4 * index;
  store<u32>(lineFunction + at, called);
  store<u32>(lineLow + at, <u32>line);
  store<u32>(lineHigh + at, <u32>(line >>> 32));
  store<u32>(columnLow + at, <u32>column);
  store<u32>(columnHigh + at, <u32>(column >>> 32));
  let a = spread(spread(linesA, called), <i32>line);
  let b = spreadAgain(spreadAgain(linesB, called), <i32>line);
  if (((line >>> 32) | column) !== 0) {
    a = spread(spread(spread(a, <i32>(line >>> 32)), <i32>column), <i32>(column >>> 32));
    b = spreadAgain(spreadAgain(spreadAgain(b, <i32>(line >>> 32)), <i32>column), <i32>(column >>> 32));
  }
  linesA = a;
  linesB = b;
  return end;
}
