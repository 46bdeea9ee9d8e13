import type { Uint32List } from './uint32-list.ts';

/**
 * The places of a hash table with open addressing in which entry `n` has the hash `hashes.at(n)`: the number of an entry plus one, or 0
 * for a free place. `length` is a power of two above the number of entries.
 */
export function placesOf(hashes: Uint32List, length: number): Uint32Array<ArrayBuffer> {
  const places = new Uint32Array(length);
  const mask = length - 1;
  for (let entry = 0; entry < hashes.length; entry++) {
    let place = hashes.at(entry) & mask;
    while (places[place] !== 0) place = (place + 1) & mask;
    places[place] = entry + 1;
  }
  return places;
}
