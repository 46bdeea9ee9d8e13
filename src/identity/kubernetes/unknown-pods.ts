import type { Clock } from '../../support/clock.ts';
import type { PodKey } from './pod-index.ts';

/** Keys that nobody knew a while ago are not waited for again so soon: they may be of no pod at all. */
const quietMs = 60_000;
/** Bound of the keys that are remembered. */
const maxKeys = 4096;

/** Waits for pods that samples came of before they were known, each once and no longer than `holdMs`. */
export class UnknownPods {
  readonly #holdMs: number;
  readonly #clock: Clock;
  /** Time of the first miss, by key. */
  readonly #missed = new Map<PodKey, number>();
  readonly #stopping = new AbortController();
  #news = Promise.withResolvers<void>();

  constructor(holdMs: number, clock: Clock) {
    this.#holdMs = holdMs;
    this.#clock = clock;
  }

  miss(key: PodKey): void {
    if (this.#holdMs === 0) return;
    const nowMs = this.#clock.nowMs();
    const known = this.#missed.get(key);
    if (known !== undefined && nowMs - known < this.#holdMs + quietMs) return;
    this.#missed.delete(key);
    this.#missed.set(key, nowMs);
    const [oldest] = this.#missed.keys();
    if (this.#missed.size > maxKeys) this.#missed.delete(oldest!);
  }

  /** Tells who waits that more is known. */
  hear(isKnown: (key: PodKey) => boolean): void {
    let hasNews = false;
    for (const key of this.#missed.keys()) {
      if (!isKnown(key)) continue;
      this.#missed.delete(key);
      hasNews = true;
    }
    if (!hasNews) return;
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  /** Resolves when none is waited for any more; `undefined` when none is. */
  settled(): Promise<void> | undefined {
    return this.#waitedUntilMs() > this.#clock.nowMs() ? this.#wait() : undefined;
  }

  stop(): void {
    this.#stopping.abort();
    this.#news.resolve();
  }

  #waitedUntilMs(): number {
    let untilMs = 0;
    for (const missedMs of this.#missed.values()) untilMs = Math.max(untilMs, missedMs + this.#holdMs);
    return untilMs;
  }

  async #wait(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const leftMs = this.#waitedUntilMs() - this.#clock.nowMs();
      if (leftMs <= 0) return;
      const ended = new AbortController();
      const late = this.#clock.sleep(leftMs, AbortSignal.any([ended.signal, signal])).catch(() => undefined);
      await Promise.race([this.#news.promise, late]);
      ended.abort();
    }
  }
}
