// hot

import { mixWord } from '../../support/mix-words.ts';
import { notPassable } from './not-passable.ts';
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
 * @throws NotPassable unless all is there that is always sent, all indices are in range, and no scope comes twice
 */
export function scanResourceProfiles(scan: ProfilesScan, end: number): number {
  const { walk, hash, resources } = scan;
  let sampleCount = 0;
  let scopeCount = 0;
  if (!walk.has(0x0a, end)) throw notPassable('incomplete');
  hash.start(0);
  scanResource(scan, walk.fieldEnd(end));
  // The hashes of its scopes run in between.
  const { a, b } = hash;
  while (walk.has(0x12, end)) {
    sampleCount += scanScopeProfiles(scan, walk.fieldEnd(end));
    scopeCount++;
  }
  if (scopeCount === 0) throw notPassable('incomplete');
  hash.a = a;
  hash.b = b;
  scanText(scan, 0x1a, end);
  walk.finish(end);
  const { count } = resources;
  if (resources.intern(hash.a, hash.b) !== count) throw notPassable('same_resource');
  return sampleCount;
}

function scanScopeProfiles(scan: ProfilesScan, end: number): number {
  const { walk, hash, resources, scopes } = scan;
  let sampleCount = 0;
  let profileCount = 0;
  // Scopes of two resources are two scopes.
  hash.start(resources.count);
  if (!walk.has(0x0a, end)) throw notPassable('incomplete');
  scanScope(scan, walk.fieldEnd(end));
  while (walk.has(0x12, end)) {
    sampleCount += scanProfile(scan, walk.fieldEnd(end));
    profileCount++;
  }
  if (profileCount === 0) throw notPassable('incomplete');
  scanText(scan, 0x1a, end);
  walk.finish(end);
  const { count } = scopes;
  if (scopes.intern(hash.a, hash.b) !== count) throw notPassable('same_resource');
  return sampleCount;
}

/** Feeds a `Resource` into the hash. */
function scanResource(scan: ProfilesScan, end: number): void {
  const { walk, hash } = scan;
  scanAttributes(scan, 0x0a, end);
  hash.word(walk.has(0x10, end) ? walk.index(end) : 0);
  walk.finish(end);
}

/** Feeds an `InstrumentationScope` into the hash. */
function scanScope(scan: ProfilesScan, end: number): void {
  const { walk, hash } = scan;
  scanText(scan, 0x0a, end);
  scanText(scan, 0x12, end);
  scanAttributes(scan, 0x1a, end);
  hash.word(walk.has(0x20, end) ? walk.index(end) : 0);
  walk.finish(end);
}

/** Feeds attributes into the hash, if there are any: their order makes no difference. */
function scanAttributes({ walk, hash }: ProfilesScan, tag: number, end: number): void {
  const { a, b } = hash;
  let setA = 0;
  let setB = 0;
  while (walk.has(tag, end)) {
    const attributeEnd = walk.fieldEnd(end);
    const start = walk.position;
    walkKeyValue(walk, attributeEnd);
    hash.start(tag);
    hash.bytes(walk.bytes, walk.view, start, attributeEnd);
    // Mixed well before they are added: small differences of two attributes must not cancel each other.
    setA = (setA + mixWord(hash.a, hash.b)) | 0;
    setB = (setB + mixWord(hash.b, ~hash.a)) | 0;
  }
  hash.a = a;
  hash.b = b;
  hash.word(setA);
  hash.word(setB);
}

/** Feeds a text into the hash, if it is there; an empty one is as good as none. */
function scanText({ walk, hash }: ProfilesScan, tag: number, end: number): void {
  if (!walk.has(tag, end)) return;
  const textEnd = walk.fieldEnd(end);
  if (textEnd === walk.position) return;
  checkText(walk.bytes, walk.position, textEnd);
  hash.word(tag);
  hash.bytes(walk.bytes, walk.view, walk.position, textEnd);
  walk.position = textEnd;
}

/** Returns the number of samples. */
function scanProfile(scan: ProfilesScan, end: number): number {
  const { walk, columns } = scan;
  let sampleCount = 0;
  if (!walk.has(0x0a, end)) throw notPassable('incomplete');
  scanValueType(scan, walk.fieldEnd(end));
  for (; walk.has(0x12, end); sampleCount++) scanSample(scan, walk.fieldEnd(end));
  if (walk.has(0x19, end)) walk.skip(8, end);
  if (walk.has(0x20, end)) walk.words(end);
  if (!walk.has(0x2a, end)) throw notPassable('incomplete');
  scanValueType(scan, walk.fieldEnd(end));
  if (walk.has(0x30, end)) walk.words(end);
  if (walk.has(0x3a, end)) {
    const idEnd = walk.fieldEnd(end);
    const sizeBytes = idEnd - walk.position;
    if (sizeBytes !== 0 && sizeBytes !== 16) throw notPassable('reference');
    walk.position = idEnd;
  }
  if (walk.has(0x40, end)) walk.index(end);
  if (walk.has(0x4a, end)) walkText(walk, end);
  if (walk.has(0x52, end)) walk.position = walk.fieldEnd(end);
  if (walk.has(0x5a, end)) {
    const listEnd = walk.fieldEnd(end);
    while (walk.position < listEnd) use(columns, tables.attribute, walk.index(listEnd));
  }
  walk.finish(end);
  return sampleCount;
}

function scanValueType({ walk, columns }: ProfilesScan, end: number): void {
  if (walk.has(0x08, end)) use(columns, tables.string, walk.index(end));
  if (walk.has(0x10, end)) use(columns, tables.string, walk.index(end));
  walk.finish(end);
}

function scanSample({ walk, columns }: ProfilesScan, end: number): void {
  if (walk.has(0x08, end)) use(columns, tables.stack, walk.index(end));
  if (walk.has(0x12, end)) {
    const count = columns.counts[tables.attribute]!;
    const isUsed = columns.used[tables.attribute]!;
    const listEnd = walk.fieldEnd(end);
    while (walk.position < listEnd) {
      const attribute = walk.index(listEnd);
      if (attribute >= count) throw notPassable('reference');
      isUsed[attribute] = 1;
    }
  }
  if (walk.has(0x18, end)) use(columns, tables.link, walk.index(end));
  if (walk.has(0x22, end)) walk.skipVarints(walk.fieldEnd(end));
  if (walk.has(0x2a, end)) {
    const listEnd = walk.fieldEnd(end);
    if ((listEnd - walk.position) % 8 !== 0) throw notPassable('encoding');
    walk.position = listEnd;
  }
  walk.finish(end);
}
