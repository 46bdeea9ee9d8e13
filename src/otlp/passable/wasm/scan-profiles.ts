import {
  attributes,
  countOf,
  links,
  mark,
  profiles,
  resources,
  sampled,
  scopes,
  stacks,
  strings,
  use,
  useOf,
} from './columns.ts';
import { takeElements } from './elements.ts';
import { a, b, feed, mixWord, pair, setHash, startHash } from './hash.ts';
import { scratch } from './memory.ts';
import { addToGrowing, countOfSet } from './pair-sets.ts';
import { encoding, incomplete, looped, reference, refuse, sameResource, sameTime, shape } from './refuse.ts';
import { scanKeyValue, scanText } from './scan-values.ts';
import { behind, fieldEnd, once, readIndex, readWords, skipVarints } from './varint.ts';
import { isCurrent, noteProfile, noteSample } from './version-evidence.ts';

/** First bytes of the IDs of profiles that this process made, 8 of them. */
export const ownIdPrefix: usize = scratch + 128;
let hasOwnIdPrefix: bool = false;

export let sampleCount: u32 = 0;
/** Of all resources and scopes. */
export let headBytes: u32 = 0;

/** Attributes of the resource or scope at hand: the sum of their hashes. */
let setA: i32 = 0;
let setB: i32 = 0;

/** Resource, or scope. */
const headField: u32 = 1 << 1;
/** Sample type and period type. */
const typeFields: u32 = (1 << 1) | (1 << 5);

export function knowOwnIds(): void {
  hasOwnIdPrefix = true;
}

export function startProfiles(): void {
  sampleCount = 0;
  headBytes = 0;
}

/** One entry of `resource_profiles`. */
export function scanResourceProfiles(start: usize, end: usize): void {
  scanEntry(start, end, false);
}

/** A resource or a scope and what belongs to it: all is there that is always sent, all indices are in range, and no scope comes twice. */
function scanEntry(start: usize, end: usize, isOfScope: bool): void {
  let count: u32 = 0;
  let first: i32 = 0;
  let second: i32 = 0;
  let schemaStart: usize = 0;
  let schemaEnd: usize = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    if (tag !== 0x12) seen = once(seen, tag);
    const bodyEnd = fieldEnd(position, end);
    if (tag === 0x12) {
      takeElements(1);
      if (isOfScope) scanProfile(behind, bodyEnd);
      else scanEntry(behind, bodyEnd, true);
      count++;
    } else if (tag === 0x0a) {
      headBytes += <u32>(bodyEnd - behind);
      if (isOfScope) scanScope(behind, bodyEnd);
      else scanResource(behind, bodyEnd);
      first = a;
      second = b;
    } else if (tag === 0x1a) {
      schemaStart = behind;
      schemaEnd = bodyEnd;
    } else refuse(encoding);
    position = bodyEnd;
  }
  if (count === 0 || (seen & headField) === 0) refuse(incomplete);
  setHash(first, second);
  scanText(schemaStart, schemaEnd);
  if (!addToGrowing(isOfScope ? scopes : resources, pair())) refuse(sameResource);
}

/** Leaves the hash of a `Resource` in the hash. */
function scanResource(start: usize, end: usize): void {
  startSet();
  let dropped: u32 = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    if (tag === 0x0a) {
      position = addToHeadSet(position, end);
      continue;
    }
    seen = once(seen, tag);
    if (tag !== 0x10) refuse(encoding);
    dropped = readIndex(position, end);
    position = behind;
  }
  startHash(0);
  feedSet(dropped);
}

/** Leaves the hash of an `InstrumentationScope` in the hash. */
function scanScope(start: usize, end: usize): void {
  startSet();
  let dropped: u32 = 0;
  let nameStart: usize = 0;
  let nameEnd: usize = 0;
  let versionStart: usize = 0;
  let versionEnd: usize = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    if (tag === 0x1a) {
      position = addToHeadSet(position, end);
      continue;
    }
    seen = once(seen, tag);
    if (tag === 0x0a) {
      nameEnd = fieldEnd(position, end);
      nameStart = behind;
      position = nameEnd;
    } else if (tag === 0x12) {
      versionEnd = fieldEnd(position, end);
      versionStart = behind;
      position = versionEnd;
    } else if (tag === 0x20) {
      dropped = readIndex(position, end);
      position = behind;
    } else refuse(encoding);
  }
  // Scopes of two resources are two scopes.
  startHash(countOfSet(resources));
  feedSet(dropped);
  scanText(nameStart, nameEnd);
  scanText(versionStart, versionEnd);
}

function startSet(): void {
  setA = 0;
  setB = 0;
}

/** Adds an attribute to those of the resource or scope at hand; returns where the attribute ends. */
function addToHeadSet(start: usize, end: usize): usize {
  const memberEnd = fieldEnd(start, end);
  startHash(0);
  scanKeyValue(behind, memberEnd, 0);
  // Mixed well before they are added: small differences of two attributes must not cancel each other.
  setA += mixWord(a, b);
  setB += mixWord(b, ~a);
  return memberEnd;
}

function feedSet(dropped: u32): void {
  feed(setA);
  feed(setB);
  feed(dropped);
}

function scanProfile(start: usize, end: usize): void {
  let sampleType: i32 = 0;
  let periodType: i32 = 0;
  let timeStart: usize = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    if (tag === 0x12) {
      takeElements(1);
      const sampleEnd = fieldEnd(position, end);
      scanSample(behind, sampleEnd);
      position = sampleEnd;
      sampleCount++;
      continue;
    }
    seen = once(seen, tag);
    if (tag === 0x19) {
      timeStart = position;
      position += 8;
      if (position > end) refuse(encoding);
    } else if (tag === 0x20 || tag === 0x30) {
      readWords(position, end);
      position = behind;
    } else if (tag === 0x40) {
      readIndex(position, end);
      position = behind;
    } else if (tag === 0x0a || tag === 0x2a || tag === 0x5a || tag === 0x3a || tag === 0x4a || tag === 0x52) {
      const bodyEnd = fieldEnd(position, end);
      if (tag === 0x0a) sampleType = scanValueType(behind, bodyEnd);
      else if (tag === 0x2a) periodType = scanValueType(behind, bodyEnd);
      else scanProfileField(tag, behind, bodyEnd);
      position = bodyEnd;
    } else refuse(encoding);
  }
  if ((seen & typeFields) !== typeFields) refuse(incomplete);
  if (timeStart !== 0) refuseSameTime(timeStart, sampleType, periodType);
  noteProfile(seen);
}

/** Profiles of equal labels must not begin at one time: some backends keep one of them. A start of 0 is unknown. */
function refuseSameTime(timeStart: usize, sampleType: i32, periodType: i32): void {
  const time = load<u64>(timeStart);
  if (time === 0) return;
  startHash(countOfSet(resources));
  feed(<i32>time);
  feed(<i32>(time >>> 32));
  feed(sampleType);
  feed(periodType);
  if (!addToGrowing(profiles, pair())) refuse(sameTime);
}

function scanProfileField(tag: u32, start: usize, end: usize): void {
  if (tag === 0x5a) {
    let position = start;
    while (position < end) {
      use(attributes, readIndex(position, end));
      position = behind;
    }
  } else if (tag === 0x3a) {
    const sizeBytes = end - start;
    if (sizeBytes !== 0 && sizeBytes !== 16) refuse(reference);
    if (hasOwnIdPrefix && sizeBytes !== 0 && load<u64>(start) === load<u64>(ownIdPrefix)) refuse(looped);
  } else if (tag === 0x4a) scanText(start, end);
}

/** Returns a hash of the type. */
function scanValueType(start: usize, end: usize): i32 {
  let type: u32 = 0;
  let unit: u32 = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    seen = once(seen, tag);
    if (tag !== 0x08 && tag !== 0x10) refuse(encoding);
    const index = readIndex(position, end);
    position = behind;
    use(strings, index);
    if (tag === 0x08) type = index;
    else unit = index;
  }
  return mixWord(mixWord(0, type), unit);
}

function scanSample(start: usize, end: usize): void {
  let attributesStart: usize = 0;
  let attributesEnd: usize = 0;
  let valueCount: u32 = 0;
  let timestampCount: u32 = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    seen = once(seen, tag);
    if (tag === 0x08 || tag === 0x18) {
      use(tag === 0x08 ? stacks : links, readIndex(position, end));
      position = behind;
    } else if (tag === 0x12) {
      attributesEnd = fieldEnd(position, end);
      attributesStart = behind;
      position = attributesEnd;
      markSampled(attributesStart, attributesEnd);
    } else if (tag === 0x22) {
      position = fieldEnd(position, end);
      valueCount = skipVarints(behind, position);
    } else if (tag === 0x2a) {
      position = fieldEnd(position, end);
      if ((position - behind) % 8 !== 0) refuse(encoding);
      timestampCount = <u32>((position - behind) / 8);
    } else refuse(encoding);
  }
  if (attributesStart < attributesEnd && valueCount + timestampCount === 0) refuse(shape);
  if (valueCount > 1 && valueCount !== timestampCount) refuse(shape);
  if (!isCurrent) noteSample(seen, attributesStart, attributesEnd, timestampCount);
}

function markSampled(start: usize, end: usize): void {
  const place = useOf(attributes);
  const count = countOf(attributes);
  let position = start;
  while (position < end) {
    mark(place, count, readIndex(position, end), sampled);
    position = behind;
  }
}
