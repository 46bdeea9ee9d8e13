import {
  countOf,
  endOf,
  mappings,
  prepareColumns,
  setCount,
  setSpan,
  stacks,
  startOf,
  stringEnd,
  stringSet,
  stringStart,
  strings,
} from './columns.ts';
import { describeEntries } from './describe-entries.ts';
import { takeElements } from './elements.ts';
import { feedBytes, pair, startHash } from './hash.ts';
import { message } from './memory.ts';
import { addPair, clearSet, pairsOf, placesOf } from './pair-sets.ts';
import { duplicate, encoding, incomplete, reference, refuse } from './refuse.ts';
import { scanFunctions } from './scan-functions.ts';
import { scanLocations } from './scan-locations.ts';
import { scanMappings } from './scan-mappings.ts';
import { scanAttributes, scanLinks, scanStacks } from './scan-sample-tables.ts';
import { isUtf8 } from './utf8.ts';
import { behind, readLonger } from './varint.ts';

/** A `ProfilesDictionary`: tables may come in any order, each in one piece. */
export function scanDictionary(start: usize, end: usize): void {
  findTables(start, end);
  for (let table = mappings; table <= stacks; table++) {
    if (countOf(table) === 0) refuse(incomplete);
    takeElements(countOf(table));
  }
  prepareColumns();
  findTexts();
  scanMappings();
  scanLocations();
  scanFunctions();
  scanLinks();
  scanAttributes();
  scanStacks();
  // Last: what is not passable shows mostly before the bulk of the bytes is hashed.
  scanStrings();
  describeEntries();
}

/** Finds the place of each table and the number of its entries. */
function findTables(start: usize, end: usize): void {
  for (let table = mappings; table <= stacks; table++) setCount(table, 0);
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position);
    const table: i32 = tag >>> 3;
    if (table < mappings || table > stacks || (tag & 7) !== 2 || countOf(table) !== 0) refuse(encoding);
    const tableStart = position;
    let count: u32 = 0;
    do {
      if (++position === end) refuse(encoding);
      let sizeBytes: u32 = load<u8>(position++);
      if (sizeBytes >= 0x80) {
        sizeBytes = readLonger(sizeBytes, position, end);
        position = behind;
      }
      position += sizeBytes;
      count++;
    } while (position < end && load<u8>(position) === tag);
    if (position > end) refuse(encoding);
    setCount(table, count);
    setSpan(table, tableStart, position);
  }
}

function findTexts(): void {
  const count = countOf(strings);
  const end = endOf(strings);
  const starts = stringStart;
  const ends = stringEnd;
  let position = startOf(strings);
  for (let index: u32 = 0; index < count; index++) {
    let sizeBytes: u32 = load<u8>(position + 1);
    position += 2;
    if (sizeBytes >= 0x80) {
      sizeBytes = readLonger(sizeBytes, position, end);
      position = behind;
    }
    store<u32>(starts + 4 * index, <u32>(position - message));
    position += sizeBytes;
    store<u32>(ends + 4 * index, <u32>(position - message));
  }
}

function scanStrings(): void {
  const count = countOf(strings);
  const mask = clearSet(stringSet, count);
  const places = placesOf(stringSet);
  const pairs = pairsOf(stringSet);
  if (load<u32>(stringStart) !== load<u32>(stringEnd)) refuse(reference);
  for (let index: u32 = 0; index < count; index++) {
    const start = message + load<u32>(stringStart + 4 * index);
    const end = message + load<u32>(stringEnd + 4 * index);
    startHash(strings);
    if (!feedBytes(start, end) && !isUtf8(start, end)) refuse(encoding);
    if (!addPair(places, mask, pairs, pair(), index)) refuse(duplicate);
  }
}
