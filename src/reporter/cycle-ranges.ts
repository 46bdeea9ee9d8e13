import type { TimeRange } from '../profile/build/window-contents.ts';
import type { Clock } from '../support/clock.ts';

/** Time ranges of the reporting cycles, each from the end of the one before. */
export class CycleRanges {
  readonly #clock: Pick<Clock, 'nowMs' | 'unixNano'>;
  /** End of the last range, by both clocks. */
  #endMs = 0;
  #endUnixNano = 0n;

  constructor(clock: Pick<Clock, 'nowMs' | 'unixNano'>) {
    this.#clock = clock;
  }

  /** Begins the first range. */
  start(): void {
    this.#endMs = this.#clock.nowMs();
    this.#endUnixNano = this.#clock.unixNano();
  }

  /**
   * The range up to now, as long as the cycle by the monotonic clock. Ranges never go back: where the real-time clock was
   * set back, they go on from their last end, a hundredth shorter until real time has come up; where it was set
   * forward, or the machine slept, a gap stays between two ranges.
   */
  next(): TimeRange {
    const [nowMs, nowUnixNano] = [this.#clock.nowMs(), this.#clock.unixNano()];
    const lengthNano = BigInt(Math.max(1, Math.round((nowMs - this.#endMs) * 1e6)));
    const steadyEnd = this.#endUnixNano + lengthNano;
    const tolerance = lengthNano / 100n;
    const isGap = nowUnixNano > steadyEnd + tolerance;
    const startUnixNano = isGap ? nowUnixNano - lengthNano : this.#endUnixNano;
    const endUnixNano = nowUnixNano < steadyEnd - tolerance ? steadyEnd - tolerance : nowUnixNano;
    this.#endMs = nowMs;
    this.#endUnixNano = endUnixNano;
    return { startUnixNano, endUnixNano };
  }
}
