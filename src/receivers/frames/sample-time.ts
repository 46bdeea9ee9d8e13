// hot

import { highWord, lowWord } from '../../model/frame-batch.ts';
import { highHalf, isBefore, lowHalf } from '../../support/halves.ts';

/** TimeBounds is the largest distance of a timestamp from the service's own time. */
export interface TimeBounds {
  readonly maxAgeMs: number;
  readonly maxFutureMs: number;
}

/** `Clock` of a batch: the same moment on the collector's clock and in Unix time. */
export interface ClockAnchor {
  readonly anchorNano: bigint;
  readonly anchorUnixNano: bigint;
}

const wordRange = 0x1_0000_0000;
const mask64 = 0xffff_ffff_ffff_ffffn;

/**
 * Turns the timestamps of one batch into Unix nanoseconds and holds them against the service's time, in 32-bit words:
 * a `bigint` a timestamp would cost as much as the rest of the sample.
 */
export class SampleTime {
  readonly earliestUnixNano: bigint;
  readonly latestUnixNano: bigint;
  readonly nowUnixNano: bigint;
  readonly #isOffset: boolean;
  readonly #offsetLow: number;
  readonly #offsetHigh: number;
  // A sum of 64 bits is right when its last carry is 0 for an offset forward, and 1 for one backward (2^64 - n).
  readonly #carryWhenExact: 0 | 1;
  readonly #earliestLow: number;
  readonly #earliestHigh: number;
  readonly #latestLow: number;
  readonly #latestHigh: number;

  constructor(nowUnixNano: bigint, bounds: TimeBounds, anchor?: ClockAnchor) {
    this.nowUnixNano = nowUnixNano;
    this.earliestUnixNano = clamp(nowUnixNano - nanoseconds(bounds.maxAgeMs));
    this.latestUnixNano = clamp(nowUnixNano + nanoseconds(bounds.maxFutureMs));
    this.#earliestLow = lowHalf(this.earliestUnixNano);
    this.#earliestHigh = highHalf(this.earliestUnixNano);
    this.#latestLow = lowHalf(this.latestUnixNano);
    this.#latestHigh = highHalf(this.latestUnixNano);
    const offset = anchor === undefined ? 0n : anchor.anchorUnixNano - anchor.anchorNano;
    this.#isOffset = offset !== 0n;
    this.#offsetLow = lowHalf(offset);
    this.#offsetHigh = highHalf(offset);
    this.#carryWhenExact = offset < 0n ? 1 : 0;
  }

  /**
   * Converts elements `start..end` of an array of 64-bit timestamps, given as its words, in place. Returns the element
   * that lies too far from now, or -1 when there is none. A sum that 64 bits cannot hold becomes the nearest that they can.
   */
  convert(words: Uint32Array, start: number, end: number): number {
    const isOffset = this.#isOffset;
    for (let i = start; i < end; i++) {
      let low = words[2 * i + lowWord]!;
      let high = words[2 * i + highWord]!;
      if (isOffset) {
        low += this.#offsetLow;
        high += this.#offsetHigh + (low >= wordRange ? 1 : 0);
        const isExact = (high >= wordRange ? 1 : 0) === this.#carryWhenExact;
        const saturated = this.#carryWhenExact === 0 ? 0xffffffff : 0;
        low = isExact ? low >>> 0 : saturated;
        high = isExact ? high >>> 0 : saturated;
        words[2 * i + lowWord] = low;
        words[2 * i + highWord] = high;
      }
      const isEarly = isBefore(low, high, this.#earliestLow, this.#earliestHigh);
      const isLate = isBefore(this.#latestLow, this.#latestHigh, low, high);
      if (isEarly || isLate) return i;
    }
    return -1;
  }
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}

function clamp(value: bigint): bigint {
  if (value < 0n) return 0n;
  return value > mask64 ? mask64 : value;
}
