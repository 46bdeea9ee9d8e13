import type { Clock } from '../support/clock.ts';

interface Entry {
  readonly atMs: number;
  readonly onPassed: () => void;
}

// Longer ones are none: a timer of Node.js can wait 24.8 days.
const longestMs = 21 * 86_400_000;

/**
 * Deadlines of calls. One timer, for the earliest of those that were open when it was set, serves all: most calls end long
 * before theirs, and a timer for each would cost more than the rest of this.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onPassed` after `ms` unless the result is called before. */
  add(ms: number, onPassed: () => void): () => void {
    if (ms > longestMs) return () => undefined;
    const entry = { atMs: this.#clock.nowMs() + ms, onPassed };
    this.#entries.add(entry);
    if (this.#timer === undefined || entry.atMs < this.#timer.atMs) this.#setTimer(entry.atMs);
    return () => this.#entries.delete(entry);
  }

  stop(): void {
    this.#entries.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #setTimer(atMs: number): void {
    this.#timer?.cancel();
    const cancel = this.#clock.after(Math.max(0, atMs - this.#clock.nowMs()), () => this.#endPassed());
    this.#timer = { atMs, cancel };
  }

  #endPassed(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of [...this.#entries]) {
      if (entry.atMs > nowMs) nextMs = Math.min(nextMs, entry.atMs);
      else if (this.#entries.delete(entry)) entry.onPassed();
    }
    if (nextMs < Number.POSITIVE_INFINITY && this.#timer === undefined) this.#setTimer(nextMs);
  }
}
