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
 * Ranges of addresses that never overlap, in order. A range that is added wins against those it overlaps: they are cut
 * to what lies outside of it, or go.
 */
export class StubRanges {
  /** None is empty. */
  readonly #chunks: StubRange[][] = [];
  #count = 0;

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

  /** Takes the last of those parts out. */
  takeLastChunk(): readonly StubRange[] | undefined {
    const chunk = this.#chunks.pop();
    this.#count -= chunk?.length ?? 0;
    return chunk;
  }

  /** The range that holds an address. */
  find(addressHigh: number, addressLow: number): StubRange | undefined {
    const high = flipped(addressHigh);
    const low = flipped(addressLow);
    const range = this.#lastStartingAtOrBefore(high, low);
    return range !== undefined && isAtOrBefore(high, low, range.lastHigh, range.lastLow) ? range : undefined;
  }

  /** The range that starts exactly at these words, flipped as in a range. */
  at(startHigh: number, startLow: number): StubRange | undefined {
    const range = this.#lastStartingAtOrBefore(startHigh, startLow);
    return range !== undefined && range.startHigh === startHigh && range.startLow === startLow ? range : undefined;
  }

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

/** How many ranges of a chunk start at or before an address. */
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
