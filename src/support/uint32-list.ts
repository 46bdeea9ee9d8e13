// hot
/** A list of unsigned 32-bit numbers that doubles when full: 4 bytes an element, no objects. */
export class Uint32List {
  #values: Uint32Array;
  #length = 0;

  constructor(capacity = 16) {
    this.#values = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The element at `index`; the caller has checked that it is below `length`. */
  at(index: number): number {
    return this.#values[index]!;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow(this.#length + 1);
    this.#values[this.#length++] = value;
  }

  /** Appends `source[start .. end)`. */
  append(source: Int32Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#values.length) this.#grow(length);
    for (let i = start, j = this.#length; i < end; i++, j++) this.#values[j] = source[i]!;
    this.#length = length;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** The elements; a view that the next `push` may make stale. */
  toArray(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const grown = new Uint32Array(Math.max(needed, this.#values.length * 2));
    grown.set(this.#values);
    this.#values = grown;
  }
}

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
