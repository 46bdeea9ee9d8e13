// hot
import { isUtf8 } from 'node:buffer';
import type { ByteWalk } from './byte-walk.ts';
import { notPassable } from './not-passable.ts';

// The bound of protobuf's own implementations is 100 messages; nobody nests values so deep.
const maxDepth = 16;

/**
 * Checks the text, key or value that begins at the walk's position, and moves behind it. What passes has one form only:
 * values are equal where their bytes are.
 */
export function walkText(walk: ByteWalk, end: number): void {
  const textEnd = walk.fieldEnd(end);
  checkText(walk.bytes, walk.position, textEnd);
  walk.position = textEnd;
}

export function checkText(bytes: Uint8Array, start: number, end: number): void {
  for (let position = start; position < end; position++) {
    if (bytes[position]! < 0x80) continue;
    if (isUtf8(bytes.subarray(position, end))) return;
    throw notPassable('encoding');
  }
}

/** A `KeyValue`: a key and a value, both there or one of them. */
export function walkKeyValue(walk: ByteWalk, end: number, depth = 0): void {
  const start = walk.position;
  if (walk.has(0x0a, end)) {
    if (walk.bytes[walk.position] === 0) throw notPassable('encoding');
    walkText(walk, end);
  }
  if (walk.has(0x12, end)) {
    const valueEnd = walk.fieldEnd(end);
    if (valueEnd === walk.position) throw notPassable('encoding');
    walkValue(walk, valueEnd, depth);
  }
  if (walk.has(0x18, end)) throw notPassable('string_reference');
  walk.finish(end);
  if (start === end) throw notPassable('encoding');
}

/** An `AnyValue` that holds one value. */
export function walkValue(walk: ByteWalk, end: number, depth = 0): void {
  if (walk.has(0x0a, end)) walkText(walk, end);
  else if (walk.has(0x18, end)) walkInteger(walk, end);
  else if (walk.has(0x10, end)) {
    if (walk.index(end) > 1) throw notPassable('encoding');
  } else if (walk.has(0x21, end)) {
    walk.skip(8, end);
    // One bit pattern of many would come out.
    if (Number.isNaN(walk.view.getFloat64(walk.position - 8, true))) throw notPassable('encoding');
  } else if (walk.has(0x2a, end)) walkList(walk, walk.fieldEnd(end), depth + 1, false);
  else if (walk.has(0x32, end)) walkList(walk, walk.fieldEnd(end), depth + 1, true);
  else if (walk.has(0x3a, end)) walk.position = walk.fieldEnd(end);
  else if (walk.has(0x40, end)) throw notPassable('string_reference');
  walk.finish(end);
}

/** An integer that is written no longer than it must be. */
function walkInteger(walk: ByteWalk, end: number): void {
  const start = walk.position;
  walk.words(end);
  const isOneByte = walk.position === start + 1;
  if (!isOneByte && walk.bytes[walk.position - 1] === 0) throw notPassable('encoding');
}

function walkList(walk: ByteWalk, end: number, depth: number, isKeyValues: boolean): void {
  if (depth > maxDepth) throw notPassable('encoding');
  while (walk.has(0x0a, end)) {
    const itemEnd = walk.fieldEnd(end);
    if (isKeyValues) walkKeyValue(walk, itemEnd, depth);
    // An empty item of an array is a value that is not set.
    else if (walk.position < itemEnd) walkValue(walk, itemEnd, depth);
  }
  walk.finish(end);
}
