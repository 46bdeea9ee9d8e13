import type { Clock } from '../support/clock.ts';
import { everyInterval } from '../support/clock.ts';

export interface UnfinishedLimits {
  /** Of all connections. */
  readonly mostBytes: number;
  /** Of all connections, of which the memory may be taken long before the bytes come. */
  readonly mostEarlyBytes: number;
  /** Of one connection. */
  readonly mostConnectionBytes: number;
  /** A message that has not got any further for so long is given up. */
  readonly stallMs: number;
  /** A message that is not whole after so long is given up. */
  readonly wholeMs: number;
}

/** Reason why an unfinished message was given up; the value of the counter's `reason`. */
export type GivenUpReason = 'stalled' | 'too_slow' | 'connection_full' | 'all_full';

/** Told to the sender. */
export const givenUpTexts: Readonly<Record<GivenUpReason, string>> = {
  stalled: 'the message did not get any further for 10 s; send it again',
  too_slow: 'the message was not whole in time; send it again, or less at once',
  connection_full: 'this connection has sent too many messages in part; finish one before the next',
  all_full: 'too many messages have come in part; send this one again later',
};

/** A message of which a part has come. */
export interface UnfinishedMessage {
  /** Notes that so many bytes of the message are held now, in so many pieces. */
  hold(bytes: number, pieces: number): void;
  /** Notes that the message is whole, or will not come. */
  finish(): void;
}

interface Entry {
  readonly connection: object;
  readonly giveUp: (reason: GivenUpReason) => void;
  readonly beganMs: number;
  movedMs: number;
  heldBytes: number;
}

// A piece is a buffer object beside its bytes.
const pieceBytes = 256;
const checkIntervalMs = 1_000;

/** Limits of a server whose messages may have `mostMessageBytes`. */
export function unfinishedLimits(mostMessageBytes: number, wholeMs = 60_000): UnfinishedLimits {
  return {
    // A handful of the largest messages, or hundreds of the usual ones.
    mostBytes: Math.max(64 * 1024 * 1024, 3 * mostMessageBytes),
    mostEarlyBytes: 8 * 1024 * 1024,
    mostConnectionBytes: Math.max(16 * 1024 * 1024, Math.ceil(1.5 * mostMessageBytes)),
    stallMs: 10_000,
    wholeMs,
  };
}

/**
 * Accounts for messages that have come in part. One that does not get any further is given up. Where all connections together hold too
 * much, the connection that holds most gives up its largest message: whoever sends messages and finishes them is never that one
 * while somebody else holds more.
 */
export class UnfinishedMessages {
  readonly #limits: UnfinishedLimits;
  readonly #clock: Clock;
  readonly #onGivenUp: (reason: GivenUpReason) => void;
  readonly #entries = new Set<Entry>();
  readonly #heldByConnection = new Map<object, number>();
  readonly #stopping = new AbortController();
  #heldBytes = 0;
  #isChecking = false;

  constructor(limits: UnfinishedLimits, clock: Clock, onGivenUp: (reason: GivenUpReason) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onGivenUp = onGivenUp;
  }

  /** Bytes of all unfinished messages. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** False where memory for so many bytes more is to wait until half of them have come. */
  hasRoomFor(sizeBytes: number): boolean {
    return this.#heldBytes + sizeBytes <= this.#limits.mostEarlyBytes;
  }

  /** `giveUp` ends the call; afterwards nothing of the message is held any more. */
  begin(connection: object, giveUp: (reason: GivenUpReason) => void): UnfinishedMessage {
    const nowMs = this.#clock.nowMs();
    const entry: Entry = { connection, giveUp, beganMs: nowMs, movedMs: nowMs, heldBytes: 0 };
    this.#entries.add(entry);
    this.#checkFromNowOn();
    return {
      hold: (bytes, pieces) => this.#hold(entry, bytes + pieces * pieceBytes),
      finish: () => this.#finish(entry),
    };
  }

  /** Ends the checks of time. */
  stop(): void {
    this.#stopping.abort();
  }

  #hold(entry: Entry, heldBytes: number): void {
    if (!this.#entries.has(entry)) return;
    entry.movedMs = this.#clock.nowMs();
    this.#setHeld(entry, heldBytes);
    if ((this.#heldByConnection.get(entry.connection) ?? 0) > this.#limits.mostConnectionBytes) {
      this.#giveUp(this.#largestOf(entry.connection), 'connection_full');
    }
    if (this.#heldBytes > this.#limits.mostBytes) this.#giveUp(this.#largestOf(this.#fullestConnection()), 'all_full');
  }

  #finish(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    this.#setHeld(entry, 0);
  }

  #setHeld(entry: Entry, heldBytes: number): void {
    const change = heldBytes - entry.heldBytes;
    entry.heldBytes = heldBytes;
    this.#heldBytes += change;
    const ofConnection = (this.#heldByConnection.get(entry.connection) ?? 0) + change;
    if (ofConnection > 0) this.#heldByConnection.set(entry.connection, ofConnection);
    else this.#heldByConnection.delete(entry.connection);
  }

  #giveUp(entry: Entry | undefined, reason: GivenUpReason): void {
    if (entry === undefined) return;
    this.#finish(entry);
    this.#onGivenUp(reason);
    entry.giveUp(reason);
  }

  #fullestConnection(): object | undefined {
    let fullest: object | undefined;
    let most = 0;
    for (const [connection, heldBytes] of this.#heldByConnection) {
      if (heldBytes <= most) continue;
      fullest = connection;
      most = heldBytes;
    }
    return fullest;
  }

  #largestOf(connection: object | undefined): Entry | undefined {
    let largest: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.connection === connection && entry.heldBytes > (largest?.heldBytes ?? 0)) largest = entry;
    }
    return largest;
  }

  /** Runs while there are unfinished messages: an idle service has no timer. */
  #checkFromNowOn(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const round = new AbortController();
    const signal = AbortSignal.any([round.signal, this.#stopping.signal]);
    void everyInterval(
      this.#clock,
      signal,
      () => checkIntervalMs,
      () => {
        this.#giveUpLate();
        if (this.#entries.size === 0) round.abort();
      },
    ).finally(() => {
      this.#isChecking = false;
    });
  }

  #giveUpLate(): void {
    const nowMs = this.#clock.nowMs();
    for (const entry of [...this.#entries]) {
      if (nowMs - entry.movedMs >= this.#limits.stallMs) this.#giveUp(entry, 'stalled');
      else if (nowMs - entry.beganMs >= this.#limits.wholeMs) this.#giveUp(entry, 'too_slow');
    }
  }
}
