import type { Clock } from '../../support/clock.ts';

/** Lets through the first `initial` of each second, and then every `thereafter`th (0 = none), as zap's sampler does. */
export class LogSampler {
  readonly #initial: number;
  readonly #thereafter: number;
  readonly #clock: Clock;
  #endOfSecondMs = -Infinity;
  #count = 0;

  constructor(initial: number, thereafter: number, clock: Clock) {
    this.#initial = initial;
    this.#thereafter = thereafter;
    this.#clock = clock;
  }

  take(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#endOfSecondMs) {
      this.#endOfSecondMs = nowMs + 1000;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= this.#initial) return true;
    return this.#thereafter > 0 && (this.#count - this.#initial) % this.#thereafter === 0;
  }
}
