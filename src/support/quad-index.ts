// hot
import { mixWords } from './mix-words.ts';

const leastPlaces = 32;

/**
 * Numbers distinct quadruples of unsigned 32-bit words 0, 1, 2 … in the order of their first appearance.
 * Open addressing with linear probing at a load of at most one half; equality is on all four words.
 * 16 to 32 bytes a quadruple and 8 to 16 of index; no allocation but for growth.
 */
export class QuadIndex {
  /** Four words an entry, with room for half as many entries as there are places. Signed, so that V8 compares words and not doubles. */
  #words: Int32Array<ArrayBuffer>;
  #count = 0;
  /** Entry number plus one; 0 is a free place. The length is a power of two. */
  #places: Int32Array<ArrayBuffer>;

  /** With room for `count` quadruples: an index that grows finds new places for all at once. */
  constructor(count = 0) {
    const places = Math.max(leastPlaces, 2 ** Math.ceil(Math.log2(2 * count + 1)));
    this.#words = new Int32Array(2 * places);
    this.#places = new Int32Array(places);
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#count * 16 + this.#places.length * 4;
  }

  /** Adds the quadruple or finds it. It was new when `count` has grown. */
  intern(a: number, b: number, c: number, d: number): number {
    const place = this.#placeOf(a | 0, b | 0, c | 0, d | 0);
    const entry = this.#places[place]!;
    if (entry !== 0) return entry - 1;
    if ((this.#count + 1) * 2 > this.#places.length) {
      this.#grow();
      return this.intern(a, b, c, d);
    }
    const words = this.#words;
    const added = this.#count++;
    const base = added * 4;
    words[base] = a;
    words[base + 1] = b;
    words[base + 2] = c;
    words[base + 3] = d;
    this.#places[place] = added + 1;
    return added;
  }

  /** The number of the quadruple; -1 when it was never added. */
  find(a: number, b: number, c: number, d: number): number {
    return this.#places[this.#placeOf(a | 0, b | 0, c | 0, d | 0)]! - 1;
  }

  /** Word `position` (0 to 3) of entry `index`. */
  word(index: number, position: number): number {
    return this.#words[index * 4 + position]! >>> 0;
  }

  /** The place of the quadruple, or the free place for it. */
  #placeOf(a: number, b: number, c: number, d: number): number {
    const words = this.#words;
    const places = this.#places;
    const mask = places.length - 1;
    let place = mixWords(a, b, c, d) & mask;
    for (;;) {
      const entry = places[place]!;
      if (entry === 0) return place;
      const base = (entry - 1) * 4;
      if (words[base] === a && words[base + 1] === b && words[base + 2] === c && words[base + 3] === d) return place;
      place = (place + 1) & mask;
    }
  }

  #grow(): void {
    const words = new Int32Array(this.#words.length * 2);
    words.set(this.#words);
    this.#words = words;
    const places = new Int32Array(this.#places.length * 2);
    const mask = places.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      const hash = mixWords(this.word(entry, 0), this.word(entry, 1), this.word(entry, 2), this.word(entry, 3));
      let place = hash & mask;
      while (places[place] !== 0) place = (place + 1) & mask;
      places[place] = entry + 1;
    }
    this.#places = places;
  }
}
