import { setTimeout as sleepMs } from 'node:timers/promises';

/** The only source of time: tests pass one that they move by hand. */
export interface Clock {
  /** Monotonic milliseconds, for ages and deadlines. */
  nowMs(): number;
  /** Nanoseconds since the Unix epoch, for timestamps that leave the process. */
  unixNano(): bigint;
  /** Resolves after `ms`; rejects with an `AbortError` once `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A number in [0, 1), as `Math.random` gives it. */
export type Random = () => number;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixNano: () => unixNanoAtOrigin + BigInt(Math.round(performance.now() * 1e6)),
  sleep: (ms, signal) => sleepMs(ms, undefined, signal === undefined ? {} : { signal }),
};

// Date.now() has whole milliseconds only; performance.now() has fractions but starts at zero.
const unixNanoAtOrigin = BigInt(Math.round(performance.timeOrigin * 1e3)) * 1000n;
