import { mixWord } from './hash.ts';
import { allocate } from './memory.ts';

// Sets of `pair-set.ts`: entries 0, 1, 2 … by their hashes, of which two that are equal count as equal entries. A set is a record of:
//
//     mask     number of places in use less one: a power of two, at least twice the entries
//     places   entry plus one; 0 is a free place
//     pairs    hashes of the entries
//     count    number of entries, where the set grows
//     room     number of places that there is memory for
//
// Loops over a table hold these in variables. Its set has room for all entries.

const maskAt: usize = 0;
const placesAt: usize = 4;
const pairsAt: usize = 8;
const countAt: usize = 12;
const roomAt: usize = 16;
/** Bytes of a record. */
export const setBytes: usize = 20;

/** Number of places for `capacity` entries: as many as in `pair-set.ts`. */
export function placesFor(capacity: u32): u32 {
  let length: u32 = 128;
  while (length <= 2 * capacity) length *= 2;
  return length;
}

/** Gives a set room for `length` places. */
export function layOutSet(set: usize, length: u32): void {
  store<u32>(set + maskAt, length - 1);
  store<u32>(set + roomAt, length);
  store<u32>(set + placesAt, <u32>allocate(4 * <u64>length));
  store<u32>(set + pairsAt, <u32>allocate(4 * <u64>length));
}

/** Forgets all entries of a set that has room for `capacity`; returns its mask. */
export function clearSet(set: usize, capacity: u32): u32 {
  const length = placesFor(capacity);
  store<u32>(set + countAt, 0);
  store<u32>(set + maskAt, length - 1);
  memory.fill(placesOf(set), 0, 4 * length);
  return length - 1;
}

export function placesOf(set: usize): usize {
  return load<u32>(set + placesAt);
}

export function pairsOf(set: usize): usize {
  return load<u32>(set + pairsAt);
}

/** Adds entry `index` to the set of a table; false when its hash is there. */
export function addPair(places: usize, mask: u32, pairs: usize, pair: i64, index: u32): bool {
  const place = placeOf(places, mask, pairs, pair);
  if (load<u32>(place) !== 0) return false;
  store<i64>(pairs + 8 * index, pair);
  store<u32>(place, index + 1);
  return true;
}

/** The place of a hash, or the free one where it belongs. */
function placeOf(places: usize, mask: u32, pairs: usize, pair: i64): usize {
  let place: u32 = mixWord(<i32>pair, <i32>(pair >>> 32)) & mask;
  let entry = load<u32>(places + 4 * place);
  while (entry !== 0 && load<i64>(pairs + 8 * entry - 8) !== pair) {
    place = (place + 1) & mask;
    entry = load<u32>(places + 4 * place);
  }
  return places + 4 * place;
}

/** Number of the entries of a set that grows. */
export function countOfSet(set: usize): u32 {
  return load<u32>(set + countAt);
}

/** Adds an entry to a set that grows; false when it is there. */
export function addToGrowing(set: usize, pair: i64): bool {
  const count = countOfSet(set);
  if (load<u32>(set + maskAt) < 2 * count + 2) growSet(set, count);
  if (!addPair(placesOf(set), load<u32>(set + maskAt), pairsOf(set), pair, count)) return false;
  store<u32>(set + countAt, count + 1);
  return true;
}

/** Twice the places. Those that an earlier message took are there already: memory is not given back until the next layout. */
function growSet(set: usize, count: u32): void {
  const before = pairsOf(set);
  const length: u32 = 2 * (load<u32>(set + maskAt) + 1);
  if (length > load<u32>(set + roomAt)) layOutSet(set, length);
  store<u32>(set + maskAt, length - 1);
  const places = placesOf(set);
  memory.fill(places, 0, 4 * length);
  for (let index: u32 = 0; index < count; index++) {
    addPair(places, length - 1, pairsOf(set), load<i64>(before + 8 * index), index);
  }
}
