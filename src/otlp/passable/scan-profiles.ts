// hot

import { mixWord } from '../../support/mix-words.ts';
import { hasPrefix } from '../../support/profile-ids.ts';
import { once } from './byte-walk.ts';
import { notPassable } from './not-passable.ts';
import type { PairSet } from './pair-set.ts';
import { sampled, tables, use } from './table-scan.ts';
import type { ValueScan } from './value-scan.ts';
import { scanKeyValue, scanText } from './value-scan.ts';
import type { VersionEvidence } from './version-evidence.ts';

/** State of the scan of `resource_profiles`, besides that of the dictionary. */
export interface ProfilesScan extends ValueScan {
  readonly resources: PairSet;
  readonly scopes: PairSet;
  /** Types and starts of the profiles of each resource. */
  readonly profiles: PairSet;
  readonly evidence: VersionEvidence;
  /** First bytes of the IDs of profiles that this process made. */
  readonly ownIdPrefix: Uint8Array | undefined;
  sampleCount: number;
  /** Of all resources and scopes. */
  headBytes: number;
}

/**
 * Checks one entry of `resource_profiles`, and marks what it uses of the dictionary.
 * @throws NotPassable unless all is there that is always sent, all indices are in range, and no scope comes twice
 */
export function scanResourceProfiles(scan: ProfilesScan, end: number): void {
  const { walk, hash, resources } = scan;
  let scopeCount = 0;
  let a = 0;
  let b = 0;
  let schemaStart = 0;
  let schemaEnd = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === 0x12) {
      scanScopeProfiles(scan, walk.fieldEnd(end));
      scopeCount++;
      continue;
    }
    seen = once(seen, tag);
    const fieldEnd = walk.fieldEnd(end);
    if (tag === 0x0a) {
      scan.headBytes += fieldEnd - walk.position;
      scanResource(scan, fieldEnd);
      ({ a, b } = hash);
    } else if (tag === 0x1a) {
      schemaStart = walk.position;
      schemaEnd = fieldEnd;
      walk.position = fieldEnd;
    } else throw notPassable('encoding');
  }
  if (scopeCount === 0 || (seen & headField) === 0) throw notPassable('incomplete');
  hash.a = a;
  hash.b = b;
  scanText(walk, hash, schemaStart, schemaEnd);
  const { count } = resources;
  if (resources.intern(hash.a, hash.b) !== count) throw notPassable('same_resource');
}

/** Resource, or scope. */
const headField = 1 << 1;

function scanScopeProfiles(scan: ProfilesScan, end: number): void {
  const { walk, hash, scopes } = scan;
  let profileCount = 0;
  let a = 0;
  let b = 0;
  let schemaStart = 0;
  let schemaEnd = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === 0x12) {
      scanProfile(scan, walk.fieldEnd(end));
      profileCount++;
      continue;
    }
    seen = once(seen, tag);
    const fieldEnd = walk.fieldEnd(end);
    if (tag === 0x0a) {
      scan.headBytes += fieldEnd - walk.position;
      scanScope(scan, fieldEnd);
      ({ a, b } = hash);
    } else if (tag === 0x1a) {
      schemaStart = walk.position;
      schemaEnd = fieldEnd;
      walk.position = fieldEnd;
    } else throw notPassable('encoding');
  }
  if (profileCount === 0 || (seen & headField) === 0) throw notPassable('incomplete');
  hash.a = a;
  hash.b = b;
  scanText(walk, hash, schemaStart, schemaEnd);
  const { count } = scopes;
  if (scopes.intern(hash.a, hash.b) !== count) throw notPassable('same_resource');
}

/** Feeds a `Resource` into the hash. */
function scanResource(scan: ProfilesScan, end: number): void {
  const { walk, hash } = scan;
  let setA = 0;
  let setB = 0;
  let dropped = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === 0x0a) {
      scanSetMember(scan, walk.fieldEnd(end));
      setA = (setA + hash.a) | 0;
      setB = (setB + hash.b) | 0;
      continue;
    }
    seen = once(seen, tag);
    if (tag !== 0x10) throw notPassable('encoding');
    dropped = walk.index(end);
  }
  hash.start(0);
  hash.words(setA, setB, dropped);
}

/** Feeds an `InstrumentationScope` into the hash. */
function scanScope(scan: ProfilesScan, end: number): void {
  const { walk, hash, resources } = scan;
  let setA = 0;
  let setB = 0;
  let dropped = 0;
  let nameStart = 0;
  let nameEnd = 0;
  let versionStart = 0;
  let versionEnd = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === 0x1a) {
      scanSetMember(scan, walk.fieldEnd(end));
      setA = (setA + hash.a) | 0;
      setB = (setB + hash.b) | 0;
      continue;
    }
    seen = once(seen, tag);
    if (tag === 0x0a) {
      nameEnd = walk.fieldEnd(end);
      nameStart = walk.position;
      walk.position = nameEnd;
    } else if (tag === 0x12) {
      versionEnd = walk.fieldEnd(end);
      versionStart = walk.position;
      walk.position = versionEnd;
    } else if (tag === 0x20) dropped = walk.index(end);
    else throw notPassable('encoding');
  }
  // Scopes of two resources are two scopes.
  hash.start(resources.count);
  hash.words(setA, setB, dropped);
  scanText(walk, hash, nameStart, nameEnd);
  scanText(walk, hash, versionStart, versionEnd);
}

/** Leaves the hash of one attribute in `hash`, ready to be added to those of others: their order means nothing. */
function scanSetMember(scan: ProfilesScan, end: number): void {
  const { hash } = scan;
  hash.start(0);
  scanKeyValue(scan, end);
  const { a, b } = hash;
  // Mixed well before they are added: small differences of two attributes must not cancel each other.
  hash.a = mixWord(a, b);
  hash.b = mixWord(b, ~a);
}

function scanProfile(scan: ProfilesScan, end: number): void {
  const { walk, columns, evidence } = scan;
  let sampleType = 0;
  let periodType = 0;
  let timeStart = -1;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === 0x12) {
      scanSample(scan, walk.fieldEnd(end));
      scan.sampleCount++;
      continue;
    }
    seen = once(seen, tag);
    if (tag === 0x0a) sampleType = scanValueType(scan, walk.fieldEnd(end));
    else if (tag === 0x2a) periodType = scanValueType(scan, walk.fieldEnd(end));
    else if (tag === 0x19) {
      timeStart = walk.position;
      walk.skip(8, end);
    } else if (tag === 0x20 || tag === 0x30) walk.words(end);
    else if (tag === 0x40) walk.index(end);
    else if (tag === 0x5a) {
      const listEnd = walk.fieldEnd(end);
      while (walk.position < listEnd) use(columns, tables.attribute, walk.index(listEnd));
    } else if (tag === 0x3a || tag === 0x4a || tag === 0x52) scanProfileBytes(scan, tag, walk.fieldEnd(end));
    else throw notPassable('encoding');
  }
  if ((seen & typeFields) !== typeFields) throw notPassable('incomplete');
  if (timeStart >= 0) refuseSameTime(scan, timeStart, sampleType, periodType);
  evidence.noteProfile(seen);
}

/** Profiles of equal labels must not begin at one time: some backends keep one of them. A start of 0 is unknown. */
function refuseSameTime(scan: ProfilesScan, timeStart: number, sampleType: number, periodType: number): void {
  const { walk, hash, resources, profiles } = scan;
  const low = walk.view.getInt32(timeStart, true);
  const high = walk.view.getInt32(timeStart + 4, true);
  if (low === 0 && high === 0) return;
  hash.start(resources.count);
  hash.words(low, high, sampleType);
  hash.word(periodType);
  const { count } = profiles;
  if (profiles.intern(hash.a, hash.b) !== count) throw notPassable('same_time');
}

/** Sample type and period type. */
const typeFields = (1 << 1) | (1 << 5);

function scanProfileBytes({ walk, hash, ownIdPrefix }: ProfilesScan, tag: number, end: number): void {
  const sizeBytes = end - walk.position;
  if (tag === 0x3a && sizeBytes !== 0 && sizeBytes !== 16) throw notPassable('reference');
  if (tag === 0x3a && hasPrefix(walk.bytes, walk.position, ownIdPrefix)) throw notPassable('looped');
  if (tag === 0x4a) scanText(walk, hash, walk.position, end);
  walk.position = end;
}

/** Returns a hash of the type. */
function scanValueType({ walk, columns }: ProfilesScan, end: number): number {
  let type = 0;
  let unit = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag !== 0x08 && tag !== 0x10) throw notPassable('encoding');
    const index = walk.index(end);
    use(columns, tables.string, index);
    if (tag === 0x08) type = index;
    else unit = index;
  }
  return mixWord(mixWord(0, type), unit);
}

function scanSample(scan: ProfilesScan, end: number): void {
  const { walk, columns, evidence } = scan;
  let attributesStart = 0;
  let attributesEnd = 0;
  let valueCount = 0;
  let timestampCount = 0;
  let seen = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag === 0x08) use(columns, tables.stack, walk.index(end));
    else if (tag === 0x12) {
      attributesEnd = walk.fieldEnd(end);
      attributesStart = walk.position;
      const count = columns.counts[tables.attribute]!;
      const attributeUse = columns.used[tables.attribute]!;
      while (walk.position < attributesEnd) {
        const attribute = walk.index(attributesEnd);
        if (attribute >= count) throw notPassable('reference');
        attributeUse[attribute]! |= sampled;
      }
    } else if (tag === 0x18) use(columns, tables.link, walk.index(end));
    else if (tag === 0x22) valueCount = walk.skipVarints(walk.fieldEnd(end));
    else if (tag === 0x2a) {
      const listEnd = walk.fieldEnd(end);
      if ((listEnd - walk.position) % 8 !== 0) throw notPassable('encoding');
      timestampCount = (listEnd - walk.position) / 8;
      walk.position = listEnd;
    } else throw notPassable('encoding');
  }
  if (attributesStart < attributesEnd && valueCount + timestampCount === 0) throw notPassable('shape');
  if (valueCount > 1 && valueCount !== timestampCount) throw notPassable('shape');
  if (!evidence.isCurrent) evidence.noteSample(scan, seen, attributesStart, attributesEnd, timestampCount);
}
