/** Time of a step, at which a slice ends little later than it should. */
const stepMs = 0.3;
/** Work too short to tell how long it takes. */
const leastMeasuredMs = 0.02;

/**
 * StepPace fits the work of a step to the time that steps took before: until code is optimized, with cold caches and on a busy machine
 * the same work takes several times as long.
 */
export class StepPace {
  readonly #least: number;
  readonly #most: number;
  #work: number;

  /** Bounds of the work of one step, in units that take about the same time each; the first step does the least. */
  constructor(least: number, most: number) {
    this.#least = least;
    this.#most = most;
    this.#work = least;
  }

  /** Work of the next step, at most. */
  get work(): number {
    return this.#work;
  }

  /** The next steps are of another kind. */
  restart(): void {
    this.#work = this.#least;
  }

  /** Tells how long a step took that did so much. */
  took(work: number, ms: number): void {
    if (ms < leastMeasuredMs && work < this.#work) return;
    const fitting = Math.min((work * stepMs) / ms, 1.5 * this.#work);
    this.#work = Math.max(this.#least, Math.min(this.#most, Math.floor(fitting)));
  }
}
