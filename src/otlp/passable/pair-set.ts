// hot
import { mixWord } from '../../support/mix-words.ts';

/** A set as numbers and columns, which the scan has made, and another thread can have. Columns may be longer than the set. */
export interface PairSetParts {
  readonly count: number;
  readonly mask: number;
  /** Two words of each entry. */
  readonly pairs: Int32Array<ArrayBuffer>;
  readonly places: Int32Array<ArrayBuffer>;
}

/** Entries 0, 1, 2 … by their hashes, of which two that are equal count as equal entries. */
export class PairSet {
  #count: number;
  #pairs: Int32Array<ArrayBuffer>;
  /** Entry plus one; 0 is a free place. */
  #places: Int32Array<ArrayBuffer>;
  /** Number of places in use less one: a power of two, at least twice the entries. */
  #mask: number;

  /** Without `parts` the set is empty. */
  constructor(parts: PairSetParts = emptyParts()) {
    this.#count = parts.count;
    this.#mask = parts.mask;
    this.#pairs = parts.pairs;
    this.#places = parts.places;
  }

  /** A copy, in memory of its own. */
  copyParts(): PairSetParts {
    const [count, mask, length] = [this.#count, this.#mask, this.#mask + 1];
    return { count, mask, pairs: this.#pairs.slice(0, length), places: this.#places.slice(0, length) };
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the entries of `parts`, and their memory, in place of its own. */
  hold({ count, mask, pairs, places }: PairSetParts): void {
    this.#count = count;
    this.#mask = mask;
    this.#pairs = pairs;
    this.#places = places;
  }

  /** The two words of an entry's hash. */
  firstWord(entry: number): number {
    return this.#pairs[2 * entry]!;
  }

  secondWord(entry: number): number {
    return this.#pairs[2 * entry + 1]!;
  }

  /** Adds an entry and returns its number, which is `count` before; or the number of the one that is there. */
  intern(a: number, b: number): number {
    const place = this.#placeOf(a, b);
    const known = this.#places[place]!;
    if (known !== 0) return known - 1;
    const entry = this.#count;
    this.#pairs[2 * entry] = a;
    this.#pairs[2 * entry + 1] = b;
    this.#places[place] = ++this.#count;
    if (2 * this.#count > this.#mask) this.#grow();
    return entry;
  }

  /** -1 when there is none. */
  find(a: number, b: number): number {
    return this.#places[this.#placeOf(a, b)]! - 1;
  }

  #placeOf(a: number, b: number): number {
    let place = mixWord(a, b) & this.#mask;
    for (;;) {
      const entry = this.#places[place]!;
      if (entry === 0) return place;
      if (this.#pairs[2 * entry - 2] === (a | 0) && this.#pairs[2 * entry - 1] === (b | 0)) return place;
      place = (place + 1) & this.#mask;
    }
  }

  #grow(): void {
    const length = 2 * (this.#mask + 1);
    const pairs = new Int32Array(length);
    pairs.set(this.#pairs.subarray(0, 2 * this.#count));
    this.#pairs = pairs;
    this.#places = new Int32Array(length);
    this.#mask = length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      this.#places[this.#placeOf(pairs[2 * entry]!, pairs[2 * entry + 1]!)] = entry + 1;
    }
  }
}

/** Number of places for `capacity` entries: as many as in `wasm/pair-sets.ts`. */
export function placesFor(capacity: number): number {
  let length = 128;
  while (length <= 2 * capacity) length *= 2;
  return length;
}

function emptyParts(): PairSetParts {
  return { count: 0, mask: 127, pairs: new Int32Array(128), places: new Int32Array(128) };
}
