// hot

import { notPlain } from './not-plain.ts';
import type { PairSet } from './pair-set.ts';
import type { TableScan } from './table-scan.ts';
import { tables, use } from './table-scan.ts';
import { checkText, walkKeyValue, walkText } from './value-walk.ts';

/** What the scan of `resource_profiles` needs besides the dictionary. */
export interface ProfilesScan extends TableScan {
  readonly resources: PairSet;
  readonly scopes: PairSet;
}

/**
 * Checks one entry of `resource_profiles`, and marks what it uses of the dictionary. Returns its number of samples.
 * @throws NotPlain unless all is there that is always sent, all indices are in range, and no scope comes twice
 */
export function scanResourceProfiles(scan: ProfilesScan, end: number): number {
  const { walk, hash, resources } = scan;
  let sampleCount = 0;
  let scopeCount = 0;
  // The hashes of its scopes run in between.
  let a = 0;
  let b = 0;
  let last = 0;
  while (walk.position < end) {
    const tag = walk.tag(last);
    if (tag === last && tag !== 0x12) throw notPlain('encoding');
    if (last === 0 && tag !== 0x0a) throw notPlain('incomplete');
    last = tag;
    const fieldEnd = walk.fieldEnd(end);
    if (tag === 0x0a) {
      hash.start(tag);
      scanResource(scan, fieldEnd);
      a = hash.a;
      b = hash.b;
    } else if (tag === 0x12) {
      sampleCount += scanScopeProfiles(scan, fieldEnd);
      scopeCount++;
    } else if (tag === 0x1a) {
      hash.a = a;
      hash.b = b;
      scanText(scan, tag, fieldEnd);
      a = hash.a;
      b = hash.b;
    } else throw notPlain('encoding');
  }
  if (scopeCount === 0) throw notPlain('incomplete');
  const { count } = resources;
  if (resources.intern(a, b) !== count) throw notPlain('same_resource');
  return sampleCount;
}

function scanScopeProfiles(scan: ProfilesScan, end: number): number {
  const { walk, hash, resources, scopes } = scan;
  let sampleCount = 0;
  let profileCount = 0;
  let last = 0;
  // Scopes of two resources are two scopes.
  hash.start(resources.count);
  while (walk.position < end) {
    const tag = walk.tag(last);
    if (tag === last && tag !== 0x12) throw notPlain('encoding');
    if (last === 0 && tag !== 0x0a) throw notPlain('incomplete');
    last = tag;
    const fieldEnd = walk.fieldEnd(end);
    if (tag === 0x0a) scanScope(scan, fieldEnd);
    else if (tag === 0x12) {
      sampleCount += scanProfile(scan, fieldEnd);
      profileCount++;
    } else if (tag === 0x1a) scanText(scan, tag, fieldEnd);
    else throw notPlain('encoding');
  }
  if (profileCount === 0) throw notPlain('incomplete');
  const { count } = scopes;
  if (scopes.intern(hash.a, hash.b) !== count) throw notPlain('same_resource');
  return sampleCount;
}

/** Feeds a `Resource` into the hash. */
function scanResource(scan: ProfilesScan, end: number): void {
  const { walk, hash } = scan;
  let last = 0;
  if (walk.position < end && walk.bytes[walk.position] === 0x0a) {
    scanAttributes(scan, end);
    last = 0x0a;
  }
  while (walk.position < end) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag !== 0x10) throw notPlain('encoding');
    hash.word(walk.index(end));
  }
}

/** Feeds an `InstrumentationScope` into the hash. */
function scanScope(scan: ProfilesScan, end: number): void {
  const { walk, hash } = scan;
  let last = 0;
  while (walk.position < end) {
    if (walk.bytes[walk.position] === 0x1a && last < 0x1a) {
      scanAttributes(scan, end);
      last = 0x1a;
      continue;
    }
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag === 0x0a || tag === 0x12) scanText(scan, tag, walk.fieldEnd(end));
    else if (tag === 0x20) hash.word(walk.index(end));
    else throw notPlain('encoding');
  }
}

/** Feeds a run of attributes into the hash: their order makes no difference. */
function scanAttributes({ walk, hash }: ProfilesScan, end: number): void {
  const { a, b } = hash;
  const tag = walk.bytes[walk.position]!;
  let setA = 0;
  let setB = 0;
  while (walk.position < end && walk.bytes[walk.position] === tag) {
    walk.position++;
    const attributeEnd = walk.fieldEnd(end);
    const start = walk.position;
    walkKeyValue(walk, attributeEnd);
    hash.start(tag);
    hash.bytes(walk.bytes, walk.view, start, attributeEnd);
    setA = (setA + hash.a) | 0;
    setB = (setB + hash.b) | 0;
  }
  hash.a = a;
  hash.b = b;
  hash.word(setA);
  hash.word(setB);
}

/** Feeds a text into the hash; an empty one is as good as none. */
function scanText({ walk, hash }: ProfilesScan, tag: number, end: number): void {
  if (end === walk.position) return;
  checkText(walk.bytes, walk.position, end);
  hash.word(tag);
  hash.bytes(walk.bytes, walk.view, walk.position, end);
  walk.position = end;
}

/** Returns the number of samples. */
function scanProfile(scan: ProfilesScan, end: number): number {
  const { walk, columns } = scan;
  let sampleCount = 0;
  let typeCount = 0;
  let last = 0;
  while (walk.position < end) {
    const tag = walk.tag(last);
    if (tag === 0x12) {
      scanSample(scan, walk.fieldEnd(end));
      sampleCount++;
      last = tag;
      continue;
    }
    if (tag === last) throw notPlain('encoding');
    last = tag;
    if (tag === 0x0a || tag === 0x2a) {
      scanValueType(scan, walk.fieldEnd(end));
      typeCount++;
    } else if (tag === 0x19) walk.skip(8, end);
    else if (tag === 0x20 || tag === 0x30) walk.words(end);
    else if (tag === 0x40) walk.index(end);
    else if (tag === 0x4a) walkText(walk, end);
    else if (tag === 0x3a || tag === 0x52) {
      const start = walk.position;
      walk.position = walk.fieldEnd(end);
      if (tag === 0x3a && walk.bytes[start] !== 0 && walk.bytes[start] !== 16) throw notPlain('reference');
    } else if (tag === 0x5a) {
      const listEnd = walk.fieldEnd(end);
      while (walk.position < listEnd) use(columns, tables.attribute, walk.index(listEnd));
    } else throw notPlain('encoding');
  }
  if (typeCount < 2) throw notPlain('incomplete');
  return sampleCount;
}

function scanValueType({ walk, columns }: ProfilesScan, end: number): void {
  let last = 0;
  while (walk.position < end) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag !== 0x08 && tag !== 0x10) throw notPlain('encoding');
    use(columns, tables.string, walk.index(end));
  }
}

function scanSample({ walk, columns }: ProfilesScan, end: number): void {
  const { counts, used } = columns;
  let last = 0;
  while (walk.position < end) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag === 0x08) {
      const stack = walk.index(end);
      if (stack >= counts[tables.stack]!) throw notPlain('reference');
      used[tables.stack]![stack] = 1;
    } else if (tag === 0x12) {
      const listEnd = walk.fieldEnd(end);
      const count = counts[tables.attribute]!;
      const isUsed = used[tables.attribute]!;
      while (walk.position < listEnd) {
        const attribute = walk.index(listEnd);
        if (attribute >= count) throw notPlain('reference');
        isUsed[attribute] = 1;
      }
    } else if (tag === 0x18) use(columns, tables.link, walk.index(end));
    else if (tag === 0x22) walk.skipVarints(walk.fieldEnd(end));
    else if (tag === 0x2a) {
      const listEnd = walk.fieldEnd(end);
      if ((listEnd - walk.position) % 8 !== 0) throw notPlain('encoding');
      walk.position = listEnd;
    } else throw notPlain('encoding');
  }
}
