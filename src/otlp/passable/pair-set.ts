// hot
import { mixWord } from '../../support/mix-words.ts';

/** A set as numbers and columns, which another thread can have. */
export interface PairSetParts {
  readonly count: number;
  readonly mask: number;
  readonly a: Int32Array<ArrayBuffer>;
  readonly b: Int32Array<ArrayBuffer>;
  readonly places: Int32Array<ArrayBuffer>;
}

/** Entries 0, 1, 2 … by their hashes, of which two that are equal count as equal entries. */
export class PairSet {
  #count: number;
  #a: Int32Array<ArrayBuffer>;
  #b: Int32Array<ArrayBuffer>;
  /** Entry plus one; 0 is a free place. */
  #places: Int32Array<ArrayBuffer>;
  /** Number of places in use less one: a power of two, at least twice the entries. */
  #mask: number;

  /** Without `parts`, which another thread gave, the set is empty. */
  constructor(parts: PairSetParts = emptyParts()) {
    this.#count = parts.count;
    this.#mask = parts.mask;
    this.#a = parts.a;
    this.#b = parts.b;
    this.#places = parts.places;
  }

  /** The set is not to be used any more once its parts belong to another thread. */
  get parts(): PairSetParts {
    return { count: this.#count, mask: this.#mask, a: this.#a, b: this.#b, places: this.#places };
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#places.byteLength + this.#a.byteLength + this.#b.byteLength;
  }

  /** Forgets all entries, and makes room for `capacity`. */
  clear(capacity = 0): void {
    this.#count = 0;
    let length = 128;
    while (length <= 2 * capacity) length *= 2;
    this.#mask = length - 1;
    if (length > this.#places.length) this.#allocate(length);
    else this.#places.fill(0, 0, length);
  }

  /** The two words of an entry's hash. */
  firstWord(entry: number): number {
    return this.#a[entry]!;
  }

  secondWord(entry: number): number {
    return this.#b[entry]!;
  }

  /** Adds an entry and returns its number, which is `count` before; or the number of the one that is there. */
  intern(a: number, b: number): number {
    const place = this.#placeOf(a, b);
    const known = this.#places[place]!;
    if (known !== 0) return known - 1;
    const entry = this.#count;
    this.#a[entry] = a;
    this.#b[entry] = b;
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
      if (entry === 0 || (this.#a[entry - 1] === (a | 0) && this.#b[entry - 1] === (b | 0))) return place;
      place = (place + 1) & this.#mask;
    }
  }

  #allocate(length: number): void {
    this.#places = new Int32Array(length);
    this.#a = new Int32Array(length / 2);
    this.#b = new Int32Array(length / 2);
  }

  #grow(): void {
    const [a, b, length] = [this.#a, this.#b, 2 * (this.#mask + 1)];
    this.#mask = length - 1;
    this.#allocate(length);
    this.#a.set(a.subarray(0, this.#count));
    this.#b.set(b.subarray(0, this.#count));
    for (let entry = 0; entry < this.#count; entry++) this.#places[this.#placeOf(a[entry]!, b[entry]!)] = entry + 1;
  }
}

function emptyParts(): PairSetParts {
  return { count: 0, mask: 127, a: new Int32Array(64), b: new Int32Array(64), places: new Int32Array(128) };
}
