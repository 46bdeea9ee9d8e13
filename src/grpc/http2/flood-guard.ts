import type { Clock } from '../../support/clock.ts';
import { errorCodes, Http2Fault } from './frames.ts';

/** Frames that a connection may send at once that are no part of a request, and more in each second, and for each piece of a request. */
const mostFrames = 10_000;
const framesPerSecond = 1_000;
const framesPerPiece = 8;
/** Streams that may end at once by a reset, and more in each second: to begin them costs the service more than the client. */
const mostResets = 1_000;
const resetsPerSecond = 100;

/**
 * Bounds what a client can ask for without a use: settings, pings, priorities, windows, frames that are empty or not known, streams that it
 * takes back or breaks (CVE-2023-44487, CVE-2025-8671). Usual clients ping for each piece of data that they get, so a request allows some.
 */
export class FloodGuard {
  readonly #frames: Allowance;
  readonly #resets: Allowance;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#frames = new Allowance(mostFrames, framesPerSecond, clock);
    this.#resets = new Allowance(mostResets, resetsPerSecond, clock);
  }

  /** Notes pieces of requests, or of responses. */
  noteUse(count = 1): void {
    this.#frames.give(framesPerPiece * count);
  }

  /** Notes a frame that is no part of a request. @throws Http2Fault for one too many */
  noteFrame(): void {
    if (!this.#frames.take()) throw tooMany('frames that are of no use');
  }

  /** Notes a stream that was ended by a reset. @throws Http2Fault for one too many */
  noteReset(): void {
    if (!this.#resets.take()) throw tooMany('streams that were reset');
  }
}

/** A number of things that there may be at once, which grows with time up to where it began. */
class Allowance {
  readonly #most: number;
  readonly #perMs: number;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #left: number;
  #sinceMs: number;

  constructor(most: number, perSecond: number, clock: Pick<Clock, 'nowMs'>) {
    this.#most = most;
    this.#perMs = perSecond / 1_000;
    this.#clock = clock;
    this.#left = most;
    this.#sinceMs = clock.nowMs();
  }

  give(count: number): void {
    this.#left = Math.min(this.#most, this.#left + count);
  }

  take(): boolean {
    // Time is asked for when it is needed.
    if (this.#left < 1) {
      const nowMs = this.#clock.nowMs();
      this.give((nowMs - this.#sinceMs) * this.#perMs);
      this.#sinceMs = nowMs;
      if (this.#left < 1) return false;
    }
    this.#left--;
    return true;
  }
}

function tooMany(what: string): Http2Fault {
  return new Http2Fault(errorCodes.ENHANCE_YOUR_CALM, `too many ${what}`);
}
