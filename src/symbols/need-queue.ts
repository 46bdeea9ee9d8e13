/** A frame or an executable that a collector is to be asked for. */
export interface Need {
  askedMs: number;
  /** True while the need waits in a queue. */
  isPending: boolean;
}

/** As the protocol says (frames.proto, BatchReply.names_needed and executables_needed). */
const maxPerReply = 1024;

/**
 * Needs of one collector that were noted and not asked for since, the longest waiting first. A need that was asked for lately
 * waits here for the interval to pass.
 */
export class NeedQueue<T extends Need> {
  readonly #intervalMs: number;
  #pending: T[] = [];
  /** No pending need is due before. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  get length(): number {
    return this.#pending.length;
  }

  add(need: T): void {
    need.isPending = true;
    this.#pending.push(need);
    this.#dueMs = Math.min(this.#dueMs, need.askedMs + this.#intervalMs);
  }

  /** Needs to ask for now, at most 1,024. They count as asked for; those that are known by now are dropped. */
  take(nowMs: number, isKnown: (need: T) => boolean): T[] {
    if (nowMs < this.#dueMs) return [];
    const taken: T[] = [];
    const waiting: T[] = [];
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const need of this.#pending) {
      const dueMs = need.askedMs + this.#intervalMs;
      if (dueMs > nowMs || taken.length === maxPerReply) {
        this.#dueMs = Math.min(this.#dueMs, dueMs);
        waiting.push(need);
        continue;
      }
      need.isPending = false;
      if (isKnown(need)) continue;
      need.askedMs = nowMs;
      taken.push(need);
    }
    this.#pending = waiting;
    return taken;
  }
}
