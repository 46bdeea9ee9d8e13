import { encoding, reference, refuse } from './refuse.ts';

// A position in protobuf whose field numbers are below 16, whose lists are packed, and whose indices are not negative, as every
// known encoder writes it. Anything else is refused: the decoder knows more, and says what is wrong.

/** End of the last number. Loops over many entries keep their place in a variable. */
export let behind: usize = 0;

/** A number below 2^31 that begins at `position`. */
export function readIndex(position: usize, end: usize): u32 {
  if (position >= end) refuse(encoding);
  const first: u32 = load<u8>(position);
  if (first < 0x80) {
    behind = position + 1;
    return first;
  }
  return readLonger(first, position + 1, end);
}

/** A number below 2^31 of which `first`, the byte before `position`, is not the last. */
export function readLonger(first: u32, position: usize, end: usize): u32 {
  if (position < end) {
    const next: u32 = load<u8>(position);
    if (next < 0x80) {
      behind = position + 1;
      return (first & 0x7f) | (next << 7);
    }
  }
  return readLongest(first, position, end);
}

function readLongest(first: u32, position: usize, end: usize): u32 {
  let value = first & 0x7f;
  let at = position;
  for (let shift: u32 = 7; shift < 35 && at < end; shift += 7) {
    const byte: u32 = load<u8>(at++);
    if (shift === 28 && byte > 0x07) refuse(reference);
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    behind = at;
    return value;
  }
  refuse(encoding);
  return 0;
}

/** The end of a length-delimited field whose length begins at `position`; `behind` is where its content begins. */
export function fieldEnd(position: usize, end: usize): usize {
  const sizeBytes = readIndex(position, end);
  const at = behind + sizeBytes;
  if (at > end) refuse(encoding);
  return at;
}

// Seven bits of each byte; then of pairs, of fours and of all eight bytes, the parts that stay in their place.
const sevens: u64 = ((<u64>0x007f007f) << 32) | 0x007f007f;
const fourteens: u64 = ((<u64>0x3fff) << 32) | 0x3fff;
const twentyEights: u64 = 0x0fffffff;
const lastBits: u64 = ((<u64>0x80808080) << 32) | 0x80808080;

/** A number of 64 bits that begins at `position`. */
export function readWords(position: usize, end: usize): u64 {
  if (position >= end) refuse(encoding);
  const bytes = load<u64>(position);
  // The bytes that are the last of a number.
  const stops = ~bytes & lastBits;
  if (stops === 0) return readLongWords(position, end);
  const at = position + <usize>((ctz(stops) + 1) >>> 3);
  if (at > end) refuse(encoding);
  behind = at;
  let value = bytes & (stops ^ (stops - 1));
  value = (value & sevens) | ((value & (sevens << 8)) >>> 1);
  value = (value & fourteens) | ((value & (fourteens << 16)) >>> 2);
  return (value & twentyEights) | ((value & (twentyEights << 32)) >>> 4);
}

/** A number of more than eight bytes. */
function readLongWords(position: usize, end: usize): u64 {
  let value: u64 = 0;
  let at = position;
  for (let shift: u64 = 0; shift < 70 && at < end; shift += 7) {
    const byte: u64 = load<u8>(at++);
    if (shift === 63 && byte > 1) break;
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    behind = at;
    return value;
  }
  refuse(encoding);
  return 0;
}

/** Passes over numbers of at most 64 bits from `start` to `end`; returns how many there are. */
export function skipVarints(start: usize, end: usize): u32 {
  let count: u32 = 0;
  let size: u32 = 0;
  for (let position = start; position < end; position++) {
    if (load<u8>(position) < 0x80) {
      size = 0;
      count++;
    } else if (++size === 10) refuse(encoding);
  }
  if (size !== 0) refuse(encoding);
  return count;
}

/**
 * Adds a field to those of its message that were met so far, a bit for each number. Refuses one that is there already: encoders write it
 * once, and protobuf merges two in ways of its own.
 */
export function once(seen: u32, tag: u32): u32 {
  const bit: u32 = 1 << (tag >>> 3);
  if ((seen & bit) !== 0) refuse(encoding);
  return seen | bit;
}
