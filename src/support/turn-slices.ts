/**
 * Time that all works in slices have together in one turn of the event loop, in which input, immediates and timers follow each other: a
 * usual batch ends within it. A turn has what reads and writes sockets beside it, and perhaps a collection.
 */
const sliceMs = 1;

/** Number of the turn of this thread's event loop; a turn begins with the wait for input. */
export function currentTurn(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount;
}

/** TurnSlices tells works that know nothing of each other how much of a turn is left for them. */
export class TurnSlices {
  readonly #nowMs: () => number;
  readonly #turn: () => number;
  #lastTurn = -1;
  #endMs = 0;

  constructor(nowMs: () => number, turn: () => number = currentTurn) {
    this.#nowMs = nowMs;
    this.#turn = turn;
  }

  /** End of the slice of the turn at hand: the first that asks in a turn begins it. */
  endMs(): number {
    const turn = this.#turn();
    if (turn !== this.#lastTurn) {
      this.#lastTurn = turn;
      this.#endMs = this.#nowMs() + sliceMs;
    }
    return this.#endMs;
  }
}
