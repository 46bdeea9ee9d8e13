// hot
import { isUtf8 } from 'node:buffer';
import type { ByteWalk } from './byte-walk.ts';
import { once } from './byte-walk.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';
import { notPassable } from './not-passable.ts';
import type { PairHash } from './pair-hash.ts';
import { referred, tables } from './table-scan.ts';

/** Feeds values into `hash` by what they mean: equal values have equal hashes, in whatever order their fields are. */
export interface ValueScan {
  readonly walk: ByteWalk;
  readonly columns: DictionaryColumns;
  readonly hash: PairHash;
  /** References to the string table in place of text, so far. */
  referenceCount: number;
}

// The bound of protobuf's own implementations is 100 messages; nobody nests values so deep.
const maxDepth = 16;

/** A `KeyValue`. Key and value are optional; a key may be a reference. */
export function scanKeyValue(scan: ValueScan, end: number, depth = 0): void {
  const { walk, hash } = scan;
  let seen = 0;
  let keyStart = 0;
  let keyEnd = 0;
  let valueStart = 0;
  let valueEnd = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    seen = once(seen, tag);
    if (tag === 0x0a) {
      keyEnd = walk.fieldEnd(end);
      keyStart = walk.position;
      walk.position = keyEnd;
    } else if (tag === 0x12) {
      valueEnd = walk.fieldEnd(end);
      valueStart = walk.position;
      walk.position = valueEnd;
    } else if (tag === 0x18) {
      const key = referTo(scan, walk.index(end));
      keyStart = scan.columns.stringStart[key]!;
      keyEnd = scan.columns.stringEnd[key]!;
    } else throw notPassable('encoding');
  }
  if ((seen & keyOrReference) === keyOrReference) throw notPassable('encoding');
  scanText(walk, hash, keyStart, keyEnd);
  if (valueStart !== 0) {
    walk.position = valueStart;
    scanValue(scan, valueEnd, depth);
    walk.position = end;
  } else hash.word(0);
}

const keyOrReference = (1 << 1) | (1 << 3);

/** An `AnyValue` that holds one value or none. */
export function scanValue(scan: ValueScan, end: number, depth = 0): void {
  const { walk, hash } = scan;
  if (walk.position === end) {
    hash.word(0);
    return;
  }
  const tag = walk.tag();
  hash.word(tag === 0x40 ? 0x0a : tag);
  if (tag === 0x0a) {
    const textEnd = walk.fieldEnd(end);
    scanText(walk, hash, walk.position, textEnd);
    walk.position = textEnd;
  } else if (tag === 0x40) {
    const text = referTo(scan, walk.index(end));
    scanText(walk, hash, scan.columns.stringStart[text]!, scan.columns.stringEnd[text]!);
  } else if (tag === 0x18) {
    walk.words(end);
    hash.word(walk.low);
    hash.word(walk.high);
  } else if (tag === 0x10) {
    const value = walk.index(end);
    if (value > 1) throw notPassable('encoding');
    hash.word(value);
  } else if (tag === 0x21) scanDouble(scan, end);
  else if (tag === 0x2a || tag === 0x32) scanList(scan, walk.fieldEnd(end), depth + 1, tag === 0x32);
  else if (tag === 0x3a) {
    const bytesEnd = walk.fieldEnd(end);
    hash.bytes(walk.bytes, walk.view, walk.position, bytesEnd);
    walk.position = bytesEnd;
  } else throw notPassable('encoding');
  if (walk.position !== end) throw notPassable('encoding');
}

function scanDouble({ walk, hash }: ValueScan, end: number): void {
  const start = walk.position;
  walk.skip(8, end);
  // The decoder knows one of the many bit patterns: two of these values would be one to it.
  if (Number.isNaN(walk.view.getFloat64(start, true))) throw notPassable('encoding');
  hash.bytes(walk.bytes, walk.view, start, walk.position);
}

function scanList(scan: ValueScan, end: number, depth: number, isKeyValues: boolean): void {
  if (depth > maxDepth) throw notPassable('encoding');
  const { walk, hash } = scan;
  let count = 0;
  while (walk.position < end) {
    if (walk.tag() !== 0x0a) throw notPassable('encoding');
    const itemEnd = walk.fieldEnd(end);
    if (isKeyValues) scanKeyValue(scan, itemEnd, depth);
    else scanValue(scan, itemEnd, depth);
    count++;
  }
  hash.word(count);
}

/** Marks a text of the string table as one that an attribute refers to; returns its index. */
function referTo(scan: ValueScan, index: number): number {
  const { columns } = scan;
  if (index >= columns.counts[tables.string]!) throw notPassable('reference');
  columns.used[tables.string]![index]! |= referred;
  scan.referenceCount++;
  return index;
}

/** Feeds a text into the hash, if there is one; absent and empty are the same. */
export function scanText(walk: ByteWalk, hash: PairHash, start: number, end: number): void {
  hash.word(end - start);
  if (!hash.bytes(walk.bytes, walk.view, start, end) && !isUtf8(walk.bytes.subarray(start, end))) {
    throw notPassable('encoding');
  }
}
