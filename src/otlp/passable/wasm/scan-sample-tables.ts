import {
  attributeKey,
  attributes,
  attributeTextEnd,
  attributeTextStart,
  countOf,
  endOf,
  links,
  locations,
  otherSet,
  stacks,
  startOf,
  strings,
  use,
  used,
  useOf,
} from './columns.ts';
import { feed, feedBytes, pair, pairOf, secondSeed, seed, spread, spreadAgain, startHash } from './hash.ts';
import { message } from './memory.ts';
import { addPair, clearSet, pairsOf, placesOf } from './pair-sets.ts';
import { duplicate, encoding, reference, refuse, stringReference } from './refuse.ts';
import { referenceCount, scanValue } from './scan-values.ts';
import { behind, fieldEnd, once, readIndex, readLonger } from './varint.ts';

const traceIdSize: usize = 16;
const spanIdSize: usize = 8;

/** IDs have their length or none; entry 0 has none. */
export function scanLinks(): void {
  const end = endOf(links);
  const mask = clearSet(otherSet, countOf(links));
  const places = placesOf(otherSet);
  const pairs = pairsOf(otherSet);
  let position = startOf(links);
  for (let index: u32 = 0; position < end; index++) {
    const entryEnd = fieldEnd(position + 1, end);
    scanLink(index, behind, entryEnd);
    if (!addPair(places, mask, pairs, pair(), index)) refuse(duplicate);
    position = entryEnd;
  }
}

function scanLink(index: u32, start: usize, end: usize): void {
  let traceEnd: usize = 0;
  let spanEnd: usize = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    seen = once(seen, tag);
    if (tag !== 0x0a && tag !== 0x12) refuse(encoding);
    const idEnd = fieldEnd(position, end);
    const sizeBytes = idEnd - behind;
    if (sizeBytes !== 0) {
      if (index === 0 || sizeBytes !== (tag === 0x0a ? traceIdSize : spanIdSize)) refuse(reference);
      if (tag === 0x0a) traceEnd = idEnd;
      else spanEnd = idEnd;
    }
    position = idEnd;
  }
  startHash(links);
  feed(traceEnd === 0 ? 0 : 1);
  feed(spanEnd === 0 ? 0 : 1);
  if (traceEnd !== 0) feedBytes(traceEnd - traceIdSize, traceEnd);
  if (spanEnd !== 0) feedBytes(spanEnd - spanIdSize, spanEnd);
}

export function scanAttributes(): void {
  const end = endOf(attributes);
  const mask = clearSet(otherSet, countOf(attributes));
  const places = placesOf(otherSet);
  const pairs = pairsOf(otherSet);
  let position = startOf(attributes);
  for (let index: u32 = 0; position < end; index++) {
    const entryEnd = fieldEnd(position + 1, end);
    scanAttribute(index, behind, entryEnd);
    if (!addPair(places, mask, pairs, pair(), index)) refuse(duplicate);
    position = entryEnd;
  }
}

function scanAttribute(index: u32, start: usize, end: usize): void {
  let key: u32 = 0;
  let unit: u32 = 0;
  let valueStart: usize = 0;
  let valueEnd: usize = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    seen = once(seen, tag);
    if (tag === 0x08 || tag === 0x18) {
      const text = readIndex(position, end);
      use(strings, text);
      position = behind;
      if (tag === 0x08) key = text;
      else unit = text;
    } else if (tag === 0x12) {
      valueEnd = fieldEnd(position, end);
      valueStart = behind;
      position = valueEnd;
    } else refuse(encoding);
  }
  let textStart: u32 = 0;
  let textEnd: u32 = 0;
  startHash(attributes);
  feed(key);
  feed(unit);
  if (valueStart < valueEnd) {
    if (index === 0) refuse(reference);
    if (load<u8>(valueStart) === 0x0a) {
      textEnd = <u32>(fieldEnd(valueStart + 1, valueEnd) - message);
      textStart = <u32>(behind - message);
    }
    scanValue(valueStart, valueEnd, 0);
    // References within the dictionary are legal and known of no encoder.
    if (referenceCount !== 0) refuse(stringReference);
  }
  store<u32>(attributeKey + 4 * index, key);
  store<u32>(attributeTextStart + 4 * index, textStart);
  store<u32>(attributeTextEnd + 4 * index, textEnd);
  if (index === 0 && (key | unit) !== 0) refuse(reference);
}

/** Entry 0 has no locations. */
export function scanStacks(): void {
  const mask = clearSet(otherSet, countOf(stacks));
  const places = placesOf(otherSet);
  const pairs = pairsOf(otherSet);
  const locationCount = countOf(locations);
  const locationUse = useOf(locations);
  const tableEnd = endOf(stacks);
  let position = startOf(stacks);
  for (let index: u32 = 0; position < tableEnd; index++) {
    const end = fieldEnd(position + 1, tableEnd);
    position = behind;
    if (position < end) {
      if (load<u8>(position) !== 0x0a || fieldEnd(position + 1, end) !== end) refuse(encoding);
      position = behind;
      if (index === 0 && position < end) refuse(reference);
    }
    let first = seed;
    let second = secondSeed;
    while (position < end) {
      let location: u32 = load<u8>(position++);
      if (location >= 0x80) {
        location = readLonger(location, position, end);
        position = behind;
      }
      if (location >= locationCount) refuse(reference);
      store<u8>(locationUse + location, used);
      first = spread(first, location);
      second = spreadAgain(second, location);
    }
    if (!addPair(places, mask, pairs, pairOf(first, second), index)) refuse(duplicate);
  }
}
