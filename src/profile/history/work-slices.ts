import { setImmediate } from 'node:timers/promises';

const sliceMs = 8;
const maxWorkMs = 10_000;

/** A query took too long, or nobody waits for its answer any more. */
export class QueryAborted extends Error {}

/**
 * WorkSlices lets the event loop go on while a query reads: after 8 ms of work comes a turn of the loop. A query's own work ends after 10 s.
 */
export class WorkSlices {
  readonly #nowMs: () => number;
  readonly #signal: AbortSignal | undefined;
  #beganMs: number;
  #workedMs = 0;

  constructor(nowMs: () => number, signal?: AbortSignal) {
    this.#nowMs = nowMs;
    this.#signal = signal;
    this.#beganMs = nowMs();
  }

  /** Call every few thousand steps. @throws QueryAborted */
  async breathe(): Promise<void> {
    const workedMs = this.#nowMs() - this.#beganMs;
    if (workedMs < sliceMs) return;
    this.#workedMs += workedMs;
    if (this.#workedMs > maxWorkMs) throw new QueryAborted(`the query took ${maxWorkMs} ms of work`);
    await setImmediate();
    if (this.#signal?.aborted) throw new QueryAborted('nobody waits for the answer');
    this.#beganMs = this.#nowMs();
  }
}

/** Steps between two looks at the clock. */
export const breath = 2048;
