import { setImmediate } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** Long work in short steps, each far below a millisecond; between two of them others may have a turn of the event loop. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Time after which work in slices lets others have a turn. */
const sliceMs = 2;

/** Runs the work to its end within this turn of the event loop. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Runs the work in slices of about two milliseconds, with a turn of the event loop after each. Short work ends within this turn. */
export async function inSlices<T>(steps: Steps<T>, clock: Pick<Clock, 'nowMs'>): Promise<T> {
  for (let endMs = clock.nowMs() + sliceMs; ; ) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (clock.nowMs() < endMs) continue;
    await setImmediate();
    endMs = clock.nowMs() + sliceMs;
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
