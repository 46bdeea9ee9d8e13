import { firstFrom } from '../elf/code-ranges.ts';
import type { PerfMapEntry } from './perf-map.ts';

/** One piece of generated code that holds an address. */
export interface GeneratedCode {
  readonly start: number;
  /** The address after the last one. */
  readonly end: number;
  /** Entry of the perf map. */
  readonly name: string;
}

/**
 * Finds the code at some addresses in one pass over a perf map, and keeps nothing else of the map. The last entry that holds an
 * address counts: runtimes reuse memory and never take a line back. Code ends where a later entry begins.
 * Invariant: the pieces found for two addresses are the same one, or apart.
 */
export class PerfMapSearch {
  readonly #addresses: Float64Array;
  readonly #found: (GeneratedCode | undefined)[];

  /** `addresses` rise. */
  constructor(addresses: Float64Array) {
    this.#addresses = addresses;
    this.#found = new Array(addresses.length).fill(undefined);
  }

  /** In the order of the addresses; `undefined` where no entry holds one. */
  get found(): readonly (GeneratedCode | undefined)[] {
    return this.#found;
  }

  /** Takes the next entry of the map. Code of programs lies below 2^53; other entries are left out. */
  add(entry: PerfMapEntry): void {
    const start = Number(entry.start);
    const end = Number(entry.start + entry.size);
    if (end > Number.MAX_SAFE_INTEGER) return;
    const first = firstFrom(this.#addresses, start);
    const piece = { start, end, name: entry.name };
    let next = first;
    for (; next < this.#addresses.length && this.#addresses[next]! < end; next++) this.#found[next] = piece;
    this.#cutBefore(first - 1, start);
    this.#cutAfter(next, end);
  }

  #cutBefore(last: number, end: number): void {
    for (let index = last; index >= 0; index--) {
      const piece = this.#found[index];
      if (piece === undefined) continue;
      if (piece.end <= end) return;
      this.#found[index] = { ...piece, end };
    }
  }

  #cutAfter(first: number, start: number): void {
    for (let index = first; index < this.#found.length; index++) {
      const piece = this.#found[index];
      if (piece === undefined) continue;
      if (piece.start >= start) return;
      this.#found[index] = { ...piece, start };
    }
  }
}
