/** What became of the samples with numbers, as those who sent them know it. */
export class Ledger {
  readonly #sentInLives = new Map<number, Set<number>>();
  readonly #acknowledged = new Set<number>();
  readonly #life: () => number;
  /** Requests that were answered with "later", and attempts whose connection broke. */
  refusedCount = 0;
  brokenCount = 0;
  duplicateReplyCount = 0;
  rejectedCount = 0;
  /** OTLP samples of attempts that were refused or broken: the exporter may have counted each as not enqueued. */
  otlpUntakenSampleCount = 0;
  readonly problems: string[] = [];

  /** `life`: in which of its lives the service is. */
  constructor(life: () => number) {
    this.#life = life;
  }

  sending(numbers: readonly number[]): void {
    const life = this.#life();
    for (const number of numbers) {
      const lives = this.#sentInLives.get(number);
      if (lives === undefined) this.#sentInLives.set(number, new Set([life]));
      else lives.add(life);
    }
  }

  acknowledge(numbers: Iterable<number>): void {
    for (const number of numbers) this.#acknowledged.add(number);
  }

  get sent(): ReadonlyMap<number, ReadonlySet<number>> {
    return this.#sentInLives;
  }

  get acknowledged(): ReadonlySet<number> {
    return this.#acknowledged;
  }
}

/** Hands out numbers at a steady rate, until the end of the load. */
export class NumberSource {
  readonly #first: number;
  readonly #perMs: number;
  readonly #startedMs = performance.now();
  #next: number;
  #isOver = false;

  constructor(first: number, perSecond: number) {
    this.#first = first;
    this.#next = first;
    this.#perMs = perSecond / 1000;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** There are no more numbers from now on. */
  end(): void {
    this.#isOver = true;
  }

  /** Those that are due, at most `count`. */
  take(count: number): number[] {
    if (this.#isOver) return [];
    const due = Math.floor((performance.now() - this.#startedMs) * this.#perMs) - (this.#next - this.#first);
    const length = Math.max(0, Math.min(count, due));
    const numbers = Array.from({ length }, (_, index) => this.#next + index);
    this.#next += length;
    return numbers;
  }
}
