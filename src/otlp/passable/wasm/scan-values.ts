import { countOf, mark, referred, stringEnd, stringStart, strings, useOf } from './columns.ts';
import { feed, feedBytes } from './hash.ts';
import { message } from './memory.ts';
import { encoding, refuse } from './refuse.ts';
import { isUtf8 } from './utf8.ts';
import { behind, fieldEnd, once, readIndex, readWords } from './varint.ts';

// Values are fed into the hash by what they mean: equal values have equal hashes, in whatever order their fields are.

/** References to the string table in place of text, so far. */
export let referenceCount: u32 = 0;

export function startReferences(): void {
  referenceCount = 0;
}

// The bound of protobuf's own implementations is 100 messages; nobody nests values so deep.
const maxDepth: u32 = 16;

const keyOrReference: u32 = (1 << 1) | (1 << 3);

/** A `KeyValue`. Key and value are optional; a key may be a reference. */
export function scanKeyValue(start: usize, end: usize, depth: u32): void {
  let seen: u32 = 0;
  let keyStart: usize = 0;
  let keyEnd: usize = 0;
  let valueStart: usize = 0;
  let valueEnd: usize = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    seen = once(seen, tag);
    if (tag === 0x0a) {
      keyEnd = fieldEnd(position, end);
      keyStart = behind;
      position = keyEnd;
    } else if (tag === 0x12) {
      valueEnd = fieldEnd(position, end);
      valueStart = behind;
      position = valueEnd;
    } else if (tag === 0x18) {
      const key = readIndex(position, end);
      position = behind;
      referTo(key);
      keyStart = message + load<u32>(stringStart + 4 * key);
      keyEnd = message + load<u32>(stringEnd + 4 * key);
    } else refuse(encoding);
  }
  if ((seen & keyOrReference) === keyOrReference) refuse(encoding);
  scanText(keyStart, keyEnd);
  if (valueStart !== 0) scanValue(valueStart, valueEnd, depth);
  else feed(0);
}

/** An `AnyValue` that holds one value or none. */
export function scanValue(start: usize, end: usize, depth: u32): void {
  if (start === end) {
    feed(0);
    return;
  }
  const tag: u32 = load<u8>(start);
  let position = start + 1;
  feed(tag === 0x40 ? 0x0a : tag);
  if (tag === 0x0a) {
    position = fieldEnd(position, end);
    scanText(behind, position);
  } else if (tag === 0x40) {
    const text = readIndex(position, end);
    position = behind;
    referTo(text);
    scanText(message + load<u32>(stringStart + 4 * text), message + load<u32>(stringEnd + 4 * text));
  } else if (tag === 0x18) {
    const value = readWords(position, end);
    position = behind;
    feed(<i32>value);
    feed(<i32>(value >>> 32));
  } else if (tag === 0x10) {
    const value = readIndex(position, end);
    position = behind;
    if (value > 1) refuse(encoding);
    feed(value);
  } else if (tag === 0x21) {
    position += 8;
    if (position > end) refuse(encoding);
    // The decoder knows one of the many bit patterns: two of these values would be one to it.
    if (F64.isNaN(load<f64>(position - 8))) refuse(encoding);
    feedBytes(position - 8, position);
  } else if (tag === 0x2a || tag === 0x32) {
    position = fieldEnd(position, end);
    scanList(behind, position, depth + 1, tag === 0x32);
  } else if (tag === 0x3a) {
    position = fieldEnd(position, end);
    feedBytes(behind, position);
  } else refuse(encoding);
  if (position !== end) refuse(encoding);
}

function scanList(start: usize, end: usize, depth: u32, isKeyValues: bool): void {
  if (depth > maxDepth) refuse(encoding);
  let count: u32 = 0;
  let position = start;
  while (position < end) {
    if (load<u8>(position) !== 0x0a) refuse(encoding);
    const itemEnd = fieldEnd(position + 1, end);
    if (isKeyValues) scanKeyValue(behind, itemEnd, depth);
    else scanValue(behind, itemEnd, depth);
    position = itemEnd;
    count++;
  }
  feed(count);
}

/** Marks a text of the string table as one that an attribute refers to. */
function referTo(index: u32): void {
  mark(useOf(strings), countOf(strings), index, referred);
  referenceCount++;
}

/** Feeds a text into the hash, if there is one; absent and empty are the same. */
export function scanText(start: usize, end: usize): void {
  feed(<i32>(end - start));
  if (!feedBytes(start, end) && !isUtf8(start, end)) refuse(encoding);
}
