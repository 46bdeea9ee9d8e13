import { setImmediate } from 'node:timers/promises';
import type { ClockOfSlices, Steps } from './steps.ts';
import { endOfSlice } from './steps.ts';

/** Reason why waiting work is not done: too much waits, nobody waits for its result any more, or the turns have ended. */
export type NotDone = 'busy' | 'gone' | 'closed';

/** Work of one sender. */
export interface SentWork<T> {
  /** The same object for all works that share a fair part of the time: a connection. */
  readonly sender: object;
  /** Size of the work, and its memory while it waits. */
  readonly sizeBytes: number;
  /** Begins the work, at its turn. */
  readonly begin: () => Steps<T>;
  /** The result of work that is given up while it waits. Absent: the work goes before all others, and is always done. */
  readonly giveUp?: (reason: NotDone) => T;
  /** The caller that waits for the result. */
  readonly caller?: { readonly isGone: boolean };
}

/** Work that was not done at once. */
interface QueuedWork {
  /** Place in the order of service, in bytes. */
  readonly finish: number;
  readonly work: SentWork<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** `undefined` until its turn. */
  steps: Steps<unknown> | undefined;
}

// A call and its promise, beside the bytes of its message.
const leastBytes = 4096;

/**
 * Does the works of several senders one after the other, each of them whole before the next one begins. Work that takes no longer
 * than a slice ends in the turn of the event loop that it came in, unless others wait; longer work goes on in slices, with a turn after each.
 *
 * Of works that wait, the next is the one that would end first if all senders were served at once, byte by byte (self-clocked
 * fair queueing, Golestani 1994): a sender of small works waits for little more than the work at hand, whatever large works others
 * have sent. Beyond `mostWaitingBytes` works whose callers have gone are given up, and then the work that would end last.
 */
export class FairTurns {
  readonly #clock: ClockOfSlices;
  readonly #mostWaitingBytes: number;
  /** In the order of service. */
  readonly #waiting: QueuedWork[] = [];
  #waitingBytes = 0;
  /** `finish` of the work at hand, and of the last work of each sender. */
  #virtual = 0;
  #finishes = new WeakMap<object, number>();
  /** True from the first slice of work that is long until nothing waits any more. */
  #isServing = false;
  #isClosed = false;

  constructor(clock: ClockOfSlices, mostWaitingBytes: number) {
    this.#clock = clock;
    this.#mostWaitingBytes = mostWaitingBytes;
  }

  /** The result, or a promise of it where the work is long or has to wait. Throws, or rejects with, what the work throws. */
  run<T>(work: SentWork<T>): T | Promise<T> {
    if (this.#isClosed && work.giveUp !== undefined) return work.giveUp('closed');
    if (this.#isServing) return this.#queue(work);
    const steps = work.begin();
    const ended = this.#advance(steps, this.#clock.sliceEndMs());
    if (ended !== undefined) return ended.result;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#isServing = true;
    void this.#serve(this.#place(work, resolve, reject, steps));
    return promise;
  }

  /** Gives up what waits and all that comes, but for works that are always done; the work at hand goes on to its end. */
  close(): void {
    this.#isClosed = true;
    this.#giveUpWaiting('closed', () => true);
  }

  #queue<T>(work: SentWork<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const queued = this.#place(work, resolve, reject);
    this.#waiting.splice(this.#placeOf(queued.finish), 0, queued);
    this.#waitingBytes += sizeOf(work);
    if (this.#waitingBytes > this.#mostWaitingBytes) this.#giveUpWaiting('gone', isGone);
    while (this.#waitingBytes > this.#mostWaitingBytes) this.#giveUp(this.#waiting.pop()!, 'busy');
    return promise;
  }

  #place<T>(
    work: SentWork<T>,
    resolve: (result: T) => void,
    reject: (error: unknown) => void,
    steps?: Steps<T>,
  ): QueuedWork {
    if (work.giveUp === undefined) {
      return { finish: -1, work, resolve: resolve as QueuedWork['resolve'], reject, steps };
    }
    const finish = Math.max(this.#virtual, this.#finishes.get(work.sender) ?? 0) + sizeOf(work);
    this.#finishes.set(work.sender, finish);
    return { finish, work, resolve: resolve as QueuedWork['resolve'], reject, steps };
  }

  /** Behind all that have the same place in the order. */
  #placeOf(finish: number): number {
    let from = 0;
    let to = this.#waiting.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#waiting[middle]!.finish <= finish) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #giveUpWaiting(reason: NotDone, isMeant: (work: SentWork<unknown>) => boolean): void {
    for (const queued of this.#waiting.splice(0)) {
      if (queued.work.giveUp !== undefined && isMeant(queued.work)) this.#giveUp(queued, reason);
      else this.#waiting.push(queued);
    }
  }

  /** For work that has left the queue. */
  #giveUp({ work, finish, resolve }: QueuedWork, reason: NotDone): void {
    this.#waitingBytes -= sizeOf(work);
    // The sender does not pay for what was not done.
    if (this.#finishes.get(work.sender) === finish) this.#finishes.set(work.sender, finish - sizeOf(work));
    resolve(work.giveUp!(reason));
  }

  /** Ends the work at hand, and does all that waits. */
  async #serve(first: QueuedWork): Promise<void> {
    let queued: QueuedWork | undefined = first;
    this.#virtual = Math.max(0, first.finish);
    // Work that came in by a socket has had a slice, and immediates follow sockets within the same turn.
    await setImmediate();
    while (queued !== undefined) {
      await setImmediate();
      const endMs = endOfSlice(this.#clock);
      do {
        if (!this.#isEnded(queued, endMs)) break;
        queued = this.#next();
      } while (queued !== undefined && this.#clock.nowMs() < endMs);
    }
  }

  #next(): QueuedWork | undefined {
    let next = this.#waiting.shift();
    while (next !== undefined && next.work.giveUp !== undefined && isGone(next.work)) {
      this.#giveUp(next, 'gone');
      next = this.#waiting.shift();
    }
    if (next === undefined) {
      this.#isServing = false;
      this.#virtual = 0;
      this.#finishes = new WeakMap();
    } else {
      this.#waitingBytes -= sizeOf(next.work);
      this.#virtual = Math.max(this.#virtual, next.finish);
    }
    return next;
  }

  /** Goes on with a work for the rest of a slice; false while there is more of it. */
  #isEnded(queued: QueuedWork, endMs: number): boolean {
    try {
      queued.steps ??= queued.work.begin();
      const ended = this.#advance(queued.steps, endMs);
      if (ended === undefined) return false;
      queued.resolve(ended.result);
    } catch (error) {
      queued.reject(error);
    }
    return true;
  }

  /** `undefined` while there are more steps. */
  #advance<T>(steps: Steps<T>, endMs: number): { readonly result: T } | undefined {
    do {
      const step = steps.next();
      if (step.done === true) return { result: step.value };
    } while (this.#clock.nowMs() < endMs);
    return undefined;
  }
}

function isGone({ caller }: SentWork<unknown>): boolean {
  return caller?.isGone === true;
}

/** Bytes that count for what may wait. */
function sizeOf({ sizeBytes, giveUp }: SentWork<unknown>): number {
  return giveUp === undefined ? 0 : Math.max(leastBytes, sizeBytes);
}
