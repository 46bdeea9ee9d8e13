import type { Clock } from '../../src/support/clock.ts';
import { TurnSlices } from '../../src/support/turn-slices.ts';

interface Sleeper {
  readonly wakeMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. Monotonic and Unix time move together. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #unixNanoAtZero: bigint;
  #sleepers: Sleeper[] = [];
  readonly #slices = new TurnSlices(() => this.nowMs());

  /** Unix time at start, in nanoseconds; the default is 2026-01-01T00:00:00Z. */
  constructor(unixNanoAtZero = 1_767_225_600_000_000_000n) {
    this.#unixNanoAtZero = unixNanoAtZero;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  unixNano(): bigint {
    return this.#unixNanoAtZero + BigInt(Math.round(this.#nowMs * 1e6));
  }

  /** Sets Unix time forward, or back, as NTP or a person would; monotonic time goes on. */
  setUnixBy(ms: number): void {
    this.#unixNanoAtZero += BigInt(Math.round(ms * 1e6));
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(new DOMException('The operation was aborted', 'AbortError'));
      if (signal?.aborted) return abort();
      const cancel = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        abort();
      });
    });
  }

  after(ms: number, act: () => void): () => void {
    const sleeper = { wakeMs: this.#nowMs + ms, wake: act };
    this.#sleepers.push(sleeper);
    return () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    };
  }

  sliceEndMs(): number {
    return this.#slices.endMs();
  }

  /** How many sleeps and other timers are waiting for time to pass. */
  get sleeperCount(): number {
    return this.#sleepers.length;
  }

  /** Moves time on, waking sleepers in the order of their times and letting each run before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers.filter(({ wakeMs }) => wakeMs <= endMs).sort((a, b) => a.wakeMs - b.wakeMs)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.#nowMs = Math.max(this.#nowMs, next.wakeMs);
      next.wake();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Lets promise chains that need no I/O run to their end. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A clock that moves by half a millisecond at each reading: a slice has two steps, and each is a long one. */
export class PassingClock extends FakeClock {
  #passedMs = 0;

  override nowMs(): number {
    this.#passedMs += 0.5;
    return super.nowMs() + this.#passedMs;
  }
}
