/** Namer of names whose sender is not told apart: OTLP, files of this node, a snapshot. All others may replace these. */
export const anonymous = 0;

/** Collectors on a node are few; behind a gateway there are as many as nodes. */
const maxNamers = 4_096;
/** A namer that is silent for longer is gone: a collector sends every few seconds. */
const liveMs = 300_000;

interface Namer {
  readonly number: number;
  lastSeenMs: number;
}

/** Namers that were seen once; made-up ones are among these, and are the first to be forgotten. */
const mostSeenOnce = 1_024;

/**
 * Senders of names, as numbers that are never used again: the collectors of one host are one namer, as far as they tell
 * their host; an instance without a host is one by itself.
 */
export class Namers {
  readonly #byId = new Map<string, Namer>();
  /** The oldest first. */
  readonly #seenOnce = new Map<string, Namer>();
  readonly #byNumber = new Map<number, Namer>();
  #lastNumber = anonymous;

  /** The number of a namer, which is live now. */
  seen(id: string, nowMs: number): number {
    const known = this.#byId.get(id) ?? this.#repeated(id, nowMs);
    if (known !== undefined) {
      known.lastSeenMs = nowMs;
      return known.number;
    }
    const created = { number: ++this.#lastNumber, lastSeenMs: nowMs };
    this.#seenOnce.set(id, created);
    this.#byNumber.set(created.number, created);
    if (this.#seenOnce.size > mostSeenOnce) {
      const [oldest, { number }] = this.#seenOnce.entries().next().value!;
      this.#seenOnce.delete(oldest);
      this.#byNumber.delete(number);
    }
    return created.number;
  }

  /** A namer that is seen for the second time, unless there are too many of these. */
  #repeated(id: string, nowMs: number): Namer | undefined {
    const namer = this.#seenOnce.get(id);
    if (namer === undefined) return undefined;
    if (this.#byId.size >= maxNamers) this.purge(nowMs);
    if (this.#byId.size >= maxNamers) return namer;
    this.#seenOnce.delete(id);
    this.#byId.set(id, namer);
    return namer;
  }

  isLive(number: number, nowMs: number): boolean {
    const namer = this.#byNumber.get(number);
    return namer !== undefined && nowMs - namer.lastSeenMs < liveMs;
  }

  /** Forgets namers that are gone. */
  purge(nowMs: number): void {
    for (const namers of [this.#byId, this.#seenOnce]) {
      for (const [id, { number }] of namers) {
        if (this.isLive(number, nowMs)) continue;
        namers.delete(id);
        this.#byNumber.delete(number);
      }
    }
  }
}

/** The sender of a name at one time. */
export interface Submitter {
  readonly namer: number;
  readonly namers: Namers;
  readonly nowMs: number;
}

/** True if `submitter` may replace what `owner` named. */
export function mayReplace(owner: number, { namer, namers, nowMs }: Submitter): boolean {
  return owner === namer || owner === anonymous || !namers.isLive(owner, nowMs);
}
