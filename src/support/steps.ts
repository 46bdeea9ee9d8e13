import { setImmediate } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/**
 * Long work in short steps, each far below a millisecond; between two of them others may have a turn of the event loop. A step that
 * yields a promise is followed by the next one once the promise is settled. Told at a yield: whether nothing else has run since.
 */
export type Steps<T> = Generator<Promise<void> | undefined, T, boolean | undefined>;

/**
 * Time after which work in slices lets others have a turn: usual batches end within it. A turn has one slice of the reporting cycle, one of
 * batches that come in, and perhaps a young collection.
 */
export const sliceMs = 2;

/** Runs the work to its end within this turn of the event loop. @throws TypeError when the work has to wait for something */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next(true);
    if (step.done === true) return step.value;
    if (step.value !== undefined) throw new TypeError('the work has to wait, and cannot be done at once');
  }
}

/** Runs the work in slices of about two milliseconds, with a turn of the event loop after each. Short work ends within this turn. */
export async function inSlices<T>(steps: Steps<T>, clock: Pick<Clock, 'nowMs'>): Promise<T> {
  let isSameTurn = false;
  for (let endMs = clock.nowMs() + sliceMs; ; ) {
    const step = steps.next(isSameTurn);
    if (step.done === true) return step.value;
    isSameTurn = step.value === undefined && clock.nowMs() < endMs;
    if (isSameTurn) continue;
    await (step.value ?? setImmediate());
    endMs = clock.nowMs() + sliceMs;
  }
}

/** Entries of a list that are handled in one step, at a few microseconds each. */
const entriesPerStep = 64;

/** Calls `handle` with each entry of a list, in steps. */
export function* eachInSteps<T>(entries: readonly T[], handle: (entry: T, index: number) => void): Steps<void> {
  for (let i = 0; i < entries.length; i++) {
    if (i > 0 && i % entriesPerStep === 0) yield;
    handle(entries[i]!, i);
  }
}

/** Does long work in slices, one work after the other: however many there are, they take no more than one slice of a turn. */
export class WorkQueue {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** Rejects with what the work throws. */
  add<T>(steps: Steps<T>): Promise<T> {
    const result = this.#last.then(() => inSlices(steps, this.#clock));
    this.#last = result.catch(() => undefined);
    return result;
  }
}
