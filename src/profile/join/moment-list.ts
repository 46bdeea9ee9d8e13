// hot

import type { MomentGroups } from '../../otlp/sample-columns.ts';

/** Words of a moment: the number of its sample, and the halves of its timestamp; then those of its value, where there are values. */
const wordsWithoutValue = 3;
const wordsWithValue = 5;

/** Pieces grow to some 50 to 80 kB, so that a long list wastes no more, and copies nothing. */
const leastMoments = 16;
const mostMoments = 4096;

const noWords = new Uint32Array(0);

/** Moments of samples in the order of their arrival, in pieces that are never copied. */
export class MomentList {
  readonly #words: 3 | 5;
  readonly #pieces: Uint32Array[] = [];
  /** The last piece, and how much of it is in use. */
  #open: Uint32Array = noWords;
  #used = 0;
  #length = 0;

  constructor(hasValues: boolean) {
    this.#words = hasValues ? wordsWithValue : wordsWithoutValue;
  }

  get length(): number {
    return this.#length;
  }

  /** The value is passed over in a list without values. */
  add(sample: number, timeLow: number, timeHigh: number, valueLow: number, valueHigh: number): void {
    if (this.#used === this.#open.length) this.#extend();
    const open = this.#open;
    const at = this.#used;
    open[at] = sample;
    open[at + 1] = timeLow;
    open[at + 2] = timeHigh;
    if (this.#words === wordsWithValue) {
      open[at + 3] = valueLow;
      open[at + 4] = valueHigh;
    }
    this.#used = at + this.#words;
    this.#length++;
  }

  #extend(): void {
    const moments = Math.min(mostMoments, Math.max(leastMoments, this.#length));
    this.#open = new Uint32Array(this.#words * moments);
    this.#pieces.push(this.#open);
    this.#used = 0;
  }

  /** Adds the number of moments of each sample to `counts`. */
  count(counts: Uint32Array): void {
    for (const piece of this.#pieces) {
      const end = piece === this.#open ? this.#used : piece.length;
      for (let at = 0; at < end; at += this.#words) counts[piece[at]!]!++;
    }
  }

  /** Adds all moments to `groups`, where the first sample has the number `first`. */
  addTo(groups: MomentGroups, first: number): void {
    const hasValues = this.#words === wordsWithValue;
    for (const piece of this.#pieces) {
      const end = piece === this.#open ? this.#used : piece.length;
      for (let at = 0; at < end; at += this.#words) {
        const sample = first + piece[at]!;
        if (hasValues) groups.add(sample, piece[at + 1]!, piece[at + 2]!, piece[at + 3]!, piece[at + 4]!);
        else groups.add(sample, piece[at + 1]!, piece[at + 2]!, 0, 0);
      }
    }
  }
}
