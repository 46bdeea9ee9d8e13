import type { FrameSymbol } from '../model/frame-symbol.ts';
import { highHalf, lowHalf } from '../support/halves.ts';

/**
 * A named range of addresses, both ends inclusive: an exclusive end could be 2^64. Each end is two words with the sign
 * bit flipped, so that signed comparison, which V8 does without boxing, is the comparison of the unsigned words.
 */
export interface StubRange {
  readonly startHigh: number;
  readonly startLow: number;
  lastHigh: number;
  lastLow: number;
  readonly symbol: FrameSymbol;
  /** The reporting cycle in which it was last written to the store. */
  writtenCycle: number;
  /** Neighbours in the order of last use within the owner. */
  newer: StubRange | undefined;
  older: StubRange | undefined;
}

/** The word as ranges keep it, and back. */
export function flipped(word: number): number {
  return word ^ signBit;
}

const signBit = 0x8000_0000 | 0;

export function createStubRange(start: bigint, length: bigint, symbol: FrameSymbol, cycle: number): StubRange {
  const last = start + length - 1n;
  return {
    startHigh: flipped(highHalf(start)),
    startLow: flipped(lowHalf(start)),
    lastHigh: flipped(highHalf(last)),
    lastLow: flipped(lowHalf(last)),
    symbol,
    writtenCycle: cycle,
    newer: undefined,
    older: undefined,
  };
}

/** The part of `range` after `cut`, which covers its middle or its start. */
export function restAfter(range: StubRange, cut: StubRange): StubRange {
  const carries = cut.lastLow === 0x7fff_ffff;
  return {
    ...range,
    startHigh: carries ? (cut.lastHigh + 1) | 0 : cut.lastHigh,
    startLow: (cut.lastLow + 1) | 0,
    newer: undefined,
    older: undefined,
  };
}

/** Lets `range` end before `cut` starts. */
export function endBefore(range: StubRange, cut: StubRange): void {
  const borrows = cut.startLow === signBit;
  range.lastHigh = borrows ? (cut.startHigh - 1) | 0 : cut.startHigh;
  range.lastLow = (cut.startLow - 1) | 0;
}

/** True if the first address is at or before the second. */
export function isAtOrBefore(high: number, low: number, otherHigh: number, otherLow: number): boolean {
  return high < otherHigh || (high === otherHigh && low <= otherLow);
}
