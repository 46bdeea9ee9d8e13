import { TurnSlices } from './turn-slices.ts';

/** The only source of time: tests pass a clock that they move by hand. */
export interface Clock {
  /** Monotonic milliseconds, for ages and deadlines. */
  nowMs(): number;
  /** Nanoseconds since the Unix epoch, for timestamps that leave the process. */
  unixNano(): bigint;
  /** Resolves after `ms`; rejects with an `AbortError` once `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `act` after `ms`, unless the result is called before; never where `ms` is beyond 24 days. Cheaper than a `sleep` that seldom ends. */
  after(ms: number, act: () => void): () => void;
  /** Monotonic milliseconds until which works in slices may go on in the turn of the event loop at hand: they share them. */
  sliceEndMs(): number;
}

/** A number in [0, 1), as `Math.random` gives it. */
export type Random = () => number;

/** Clocks of a machine: whole milliseconds of its real time, and milliseconds since some moment, with fractions. */
export interface ClockReadings {
  readonly unixMs: () => number;
  readonly monotonicMs: () => number;
}

// Beyond a millisecond's rounding, and what passes between two readings.
const toleratedNano = 5_000_000n;

/**
 * Unix time with the resolution of the monotonic clock. That one stands still while a machine sleeps and knows nothing
 * of corrections, so that it is set again wherever it has left real time by some milliseconds.
 */
export function createClock({ unixMs, monotonicMs }: ClockReadings): Clock {
  const readUnixNano = (): bigint => BigInt(unixMs()) * 1_000_000n;
  const readMonotonicNano = (): bigint => BigInt(Math.round(monotonicMs() * 1e6));
  let originUnixNano = readUnixNano() - readMonotonicNano();
  const slices = new TurnSlices(monotonicMs);
  return {
    nowMs: monotonicMs,
    unixNano: () => {
      const monotonicNano = readMonotonicNano();
      const real = readUnixNano();
      const ahead = originUnixNano + monotonicNano - real;
      if (ahead > toleratedNano || ahead < -toleratedNano) originUnixNano = real - monotonicNano;
      return originUnixNano + monotonicNano;
    },
    sleep,
    after,
    sliceEndMs: () => slices.endMs(),
  };
}

/** The longest that a timer of Node.js can wait, 24.8 days: a longer one would fire at once. */
const longestTimerMs = 2_147_483_647;

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let leftMs = ms;
  for (; leftMs > longestTimerMs; leftMs -= longestTimerMs) await sleepOnce(longestTimerMs, signal);
  await sleepOnce(leftMs, signal);
}

/** `setTimeout` of node:timers/promises, without an error and its stack trace for each timer that is not needed any more. */
function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return Promise.reject(aborted);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(aborted);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function after(ms: number, act: () => void): () => void {
  if (ms > longestTimerMs) return () => undefined;
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

/** AbortError of Node.js; one object for all, since callers read its name alone. */
const aborted = Object.freeze(
  Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }),
);

export const systemClock: Clock = createClock({
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
});

/**
 * Runs `work` after each interval until `signal` aborts; the next interval begins when `work` has ended. `intervalMs` is
 * asked before each wait. Rejects with the error of `work`, and then runs it no more.
 */
export async function everyInterval(
  clock: Clock,
  signal: AbortSignal,
  intervalMs: () => number,
  work: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const isOver = await clock.sleep(intervalMs(), signal).then(
      () => true,
      () => false,
    );
    if (!isOver) return;
    await work();
  }
}

/** Result of `work`, or of `late` where the work takes longer than `ms`; it goes on then. */
export function inTime<Result>(
  clock: Clock,
  ms: number,
  work: Promise<Result>,
  late: () => Result | Promise<Result>,
): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const stopTimer = clock.after(ms, () => resolve(late()));
  return Promise.race([work, promise]).finally(stopTimer);
}

/** Result of `work`, which gets a signal that aborts after `ms`, or once `signal` does. */
export async function withDeadline<Result>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const late = new AbortController();
  const stopTimer = clock.after(ms, () => late.abort());
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    stopTimer();
  }
}

/** Calls `listener` once `signal` aborts, at once when it has. The result withdraws the listener. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** Resolves once `signal` aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, resolve);
  });
}
