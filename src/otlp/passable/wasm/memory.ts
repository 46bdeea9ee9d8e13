import { refuseMemory } from './refuse.ts';

// Memory of the module. Its owner writes the message and reads the columns.
//
//     | results | directory | scratch | message | columns … |
//     1024      2048        3072      4096      by capacities

/**
 * Numbers of 32 bits that the owner reads (`scan-memory.ts`); by table: entries, begin, end. The place of the uses is the module's own.
 *
 *     | counts | starts | ends | told | – | uses |
 *     0        32       64     96     132 160    192
 */
const results: usize = 1024;
export const counts: usize = results;
export const starts: usize = results + 32;
export const ends: usize = results + 64;
export const told: usize = results + 96;
export const uses: usize = results + 160;
/** Place and capacity of each column, 32 bits each. */
export const directory: usize = 2048;
/**
 * Of a sample's keys (`version-evidence.ts`), the own ID prefix (`scan-profiles.ts`), and the records of sets (`columns.ts`).
 *
 *     | keys | prefix | sets |
 *     0      128      256
 */
export const scratch: usize = 3072;
export const message: usize = 4096;

const pageBytes: usize = 65536;

/** Place of the next column. */
let top: usize = message;
/** Changes whenever a column moves. */
export let layoutVersion: u32 = 0;

/** Begins to place columns behind the message. */
export function startLayout(messageCapacity: usize): void {
  top = align(message + messageCapacity);
  noteMove();
}

export function noteMove(): void {
  layoutVersion++;
}

/** Makes room for a column of `sizeBytes`; returns its place. What lies there may be anything. */
export function allocate(sizeBytes: u64): usize {
  const place = top;
  const end: u64 = <u64>top + sizeBytes;
  reserve(end);
  top = align(<usize>end);
  return place;
}

/** Makes the memory at least `sizeBytes` large. */
export function reserve(sizeBytes: u64): void {
  // Place for the last load of 8 bytes.
  const pages = (sizeBytes + 16 + (pageBytes - 1)) / pageBytes;
  const missing = <i64>pages - <i64>memory.size();
  if (missing <= 0) return;
  if (pages > 65535 || memory.grow(<i32>missing) < 0) refuseMemory();
}

/** Tells the owner of a column. */
export function publish(column: i32, place: usize, capacity: u32): void {
  store<u32>(directory + 8 * column, <u32>place);
  store<u32>(directory + 8 * column + 4, capacity);
}

/** A power of two. */
export function roomFor(count: u32): u32 {
  return count <= 64 ? 64 : (<u32>1) << (32 - clz(count - 1));
}

function align(place: usize): usize {
  return (place + 15) & ~15;
}
