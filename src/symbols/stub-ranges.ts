// hot

import type { StubRange } from './stub-range.ts';
import { endBefore, flipped, isAtOrBefore, restAfter } from './stub-range.ts';

/** Ranges that came to be, and ceased to be, when one was added. */
export interface RangeChange {
  readonly added: StubRange[];
  readonly removed: StubRange[];
}

// Adding moves half a chunk; a single sorted array of 65,536 ranges would move 256 KiB for each.
const maxChunkRanges = 256;

/**
 * Ranges of addresses without overlap, in the order of addresses and in the order of their last use. A new range wins over the ranges
 * that it overlaps: only their parts outside of it stay.
 * Invariant: `#newest` to `#oldest` links exactly the ranges of all chunks, each once.
 */
export class StubRanges {
  /** Sorted, none of them empty. */
  readonly #chunks: StubRange[][] = [];
  #count = 0;
  #newest: StubRange | undefined;
  #oldest: StubRange | undefined;

  get count(): number {
    return this.#count;
  }

  get chunkCount(): number {
    return this.#chunks.length;
  }

  /** Some ranges in order, for walking through all of them by parts; `undefined` behind the last. */
  chunkAt(index: number): readonly StubRange[] | undefined {
    return this.#chunks[index];
  }

  /** The range that was not added or used for longest; `newer` leads from there to all others. */
  get oldest(): StubRange | undefined {
    return this.#oldest;
  }

  /** Takes some ranges out, without a thought for their order: they are given back by parts. */
  takeLastChunk(): readonly StubRange[] | undefined {
    const chunk = this.#chunks.pop();
    this.#count -= chunk?.length ?? 0;
    return chunk;
  }

  /** The range that holds an address, which is the newest now. */
  use(addressHigh: number, addressLow: number): StubRange | undefined {
    const range = this.find(addressHigh, addressLow);
    if (range !== undefined) this.touch(range);
    return range;
  }

  /** Makes a range the newest. */
  touch(range: StubRange): void {
    if (range === this.#newest) return;
    this.#unlink(range);
    this.#linkNewest(range);
  }

  /** The range that holds an address. */
  find(addressHigh: number, addressLow: number): StubRange | undefined {
    const high = flipped(addressHigh);
    const low = flipped(addressLow);
    const range = this.#lastStartingAtOrBefore(high, low);
    return range !== undefined && isAtOrBefore(high, low, range.lastHigh, range.lastLow) ? range : undefined;
  }

  /** True if a range shares an address with `range`. */
  overlaps(range: StubRange): boolean {
    const other = this.#lastStartingAtOrBefore(range.lastHigh, range.lastLow);
    return other !== undefined && isAtOrBefore(range.startHigh, range.startLow, other.lastHigh, other.lastLow);
  }

  /** The range that starts exactly at these words, flipped as in a range. */
  at(startHigh: number, startLow: number): StubRange | undefined {
    const range = this.#lastStartingAtOrBefore(startHigh, startLow);
    return range !== undefined && range.startHigh === startHigh && range.startLow === startLow ? range : undefined;
  }

  /** Adds a range, which is the newest now, and the rests of ranges that it cuts in two. */
  add(range: StubRange): RangeChange {
    const change: RangeChange = { added: [range], removed: [] };
    // Ranges are disjoint, so if the last one that starts before our end does not reach us, none does.
    for (;;) {
      const other = this.#lastStartingAtOrBefore(range.lastHigh, range.lastLow);
      if (other === undefined) break;
      if (!isAtOrBefore(range.startHigh, range.startLow, other.lastHigh, other.lastLow)) break;
      this.#cut(other, range, change);
    }
    this.#insert(range);
    return change;
  }

  remove(range: StubRange): void {
    this.#unlink(range);
    const at = this.#chunkFor(range.startHigh, range.startLow);
    const chunk = this.#chunks[at]!;
    chunk.splice(chunk.indexOf(range), 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    this.#count--;
  }

  #cut(other: StubRange, by: StubRange, change: RangeChange): void {
    const reachesBeyond = !isAtOrBefore(other.lastHigh, other.lastLow, by.lastHigh, by.lastLow);
    const rest = reachesBeyond ? restAfter(other, by) : undefined;
    const startsBefore = !isAtOrBefore(by.startHigh, by.startLow, other.startHigh, other.startLow);
    if (startsBefore) {
      endBefore(other, by);
    } else {
      this.remove(other);
      change.removed.push(other);
    }
    if (rest === undefined) return;
    this.#insert(rest);
    change.added.push(rest);
  }

  #insert(range: StubRange): void {
    this.#linkNewest(range);
    this.#count++;
    if (this.#chunks.length === 0) {
      this.#chunks.push([range]);
      return;
    }
    const at = Math.max(0, this.#chunkFor(range.startHigh, range.startLow));
    const chunk = this.#chunks[at]!;
    chunk.splice(placeAfter(chunk, range.startHigh, range.startLow), 0, range);
    if (chunk.length > maxChunkRanges) this.#chunks.splice(at + 1, 0, chunk.splice(maxChunkRanges >>> 1));
  }

  #linkNewest(range: StubRange): void {
    range.newer = undefined;
    range.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = range;
    else this.#newest.newer = range;
    this.#newest = range;
  }

  #unlink(range: StubRange): void {
    if (range.newer === undefined) this.#newest = range.older;
    else range.newer.older = range.older;
    if (range.older === undefined) this.#oldest = range.newer;
    else range.older.newer = range.newer;
    range.newer = undefined;
    range.older = undefined;
  }

  #lastStartingAtOrBefore(high: number, low: number): StubRange | undefined {
    const chunk = this.#chunks[this.#chunkFor(high, low)];
    return chunk === undefined ? undefined : chunk[placeAfter(chunk, high, low) - 1];
  }

  /** The last chunk that starts at or before an address; -1 when there is none. */
  #chunkFor(high: number, low: number): number {
    let from = 0;
    let to = this.#chunks.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const first = this.#chunks[middle]![0]!;
      if (isAtOrBefore(first.startHigh, first.startLow, high, low)) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }
}

/** The number of ranges of a chunk that start at or before an address. */
function placeAfter(chunk: readonly StubRange[], high: number, low: number): number {
  let from = 0;
  let to = chunk.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const range = chunk[middle]!;
    if (isAtOrBefore(range.startHigh, range.startLow, high, low)) from = middle + 1;
    else to = middle;
  }
  return from;
}
