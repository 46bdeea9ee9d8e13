import { setImmediate } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/**
 * Long work in short steps, each far below a millisecond; between two of them others may have a turn of the event loop. A step that
 * yields a promise is followed by the next one once the promise is settled. Told at a yield: whether nothing else has run since.
 */
export type Steps<T> = Generator<Promise<void> | undefined, T, boolean | undefined>;

/** ClockOfSlices tells works in slices when to let others have a turn of the event loop. */
export type ClockOfSlices = Pick<Clock, 'nowMs' | 'sliceEndMs'>;

/** Time that a work has in each turn in which it goes on, where others have used up the slice of that turn. */
const leastSliceMs = 0.5;

/** Runs the work to its end within this turn of the event loop. @throws TypeError when the work has to wait for something */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next(true);
    if (step.done === true) return step.value;
    if (step.value !== undefined) throw new TypeError('the work has to wait, and cannot be done at once');
  }
}

/** Time at which a slice that begins now ends. */
export function endOfSlice(clock: ClockOfSlices): number {
  return Math.max(clock.sliceEndMs(), clock.nowMs() + leastSliceMs);
}

/** Runs the work in slices, with a turn of the event loop after each. Short work ends within this turn. */
export async function inSlices<T>(steps: Steps<T>, clock: ClockOfSlices): Promise<T> {
  let isSameTurn = false;
  for (let endMs = endOfSlice(clock); ; ) {
    const step = steps.next(isSameTurn);
    if (step.done === true) return step.value;
    isSameTurn = step.value === undefined && clock.nowMs() < endMs;
    if (isSameTurn) continue;
    await (step.value ?? setImmediate());
    endMs = endOfSlice(clock);
  }
}

/** Entries of a list that are handled in one step, at some microseconds each. */
const entriesPerStep = 16;

/** Calls `handle` with each entry of a list, in steps. */
export function* eachInSteps<T>(entries: readonly T[], handle: (entry: T, index: number) => void): Steps<void> {
  for (let i = 0; i < entries.length; i++) {
    if (i > 0 && i % entriesPerStep === 0) yield;
    handle(entries[i]!, i);
  }
}

/** Does long work in slices, one work after the other: however many there are, they take no more than one slice of a turn. */
export class WorkQueue {
  readonly #clock: ClockOfSlices;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: ClockOfSlices) {
    this.#clock = clock;
  }

  /** Rejects with what the work throws. */
  add<T>(steps: Steps<T>): Promise<T> {
    const result = this.#last.then(() => inSlices(steps, this.#clock));
    this.#last = result.catch(() => undefined);
    return result;
  }
}
