import type { ServerHttp2Session } from 'node:http2';
import type { Clock } from '../support/clock.ts';
import type { ConnectionLimiter } from '../support/connection-limiter.ts';
import { ReadBuffers } from './read-buffers.ts';

/** Limits of a connection in milliseconds; `undefined` is no limit. */
export interface ConnectionLimits {
  readonly maxConnectionIdleMs: number | undefined;
  readonly maxConnectionAgeMs: number | undefined;
  /** Time for the calls of a connection that is closed for its age. */
  readonly maxConnectionAgeGraceMs: number | undefined;
  /** Silence after which a connection is pinged. */
  readonly keepaliveTimeMs: number;
  /** Time for the answer to a ping. */
  readonly keepaliveTimeoutMs: number;
  /** Time that a new connection has for its first frame, the settings of HTTP/2. */
  readonly settingsTimeoutMs: number;
}

export interface ConnectionParts {
  readonly limits: ConnectionLimits;
  readonly limiter: ConnectionLimiter;
  readonly clock: Clock;
  /** A number from 0 to 1: connections that were opened together do not end together. */
  readonly spread: number;
}

/** A connection to a server: its place among others, and its end for age, idleness or silence. */
export class ServerConnection {
  readonly session: ServerHttp2Session;
  readonly readBuffers: ReadBuffers = new ReadBuffers();
  readonly #parts: ConnectionParts;
  readonly #closed = new AbortController();
  #callCount = 0;
  #activityCount = 0;
  #idle: AbortController | undefined;

  constructor(session: ServerHttp2Session, parts: ConnectionParts) {
    this.session = session;
    this.#parts = parts;
    session.once('close', () => {
      this.#closed.abort();
      this.#idle?.abort();
    });
    this.#closeIfSilent();
    this.#closeForAge();
    this.#waitWhileIdle();
    void this.#keepAlive();
  }

  /** Notes that something came in. */
  touch(): void {
    this.#activityCount++;
    this.#parts.limiter.touch(this.session);
  }

  /** Notes that a call has begun; the result notes its end. */
  begin(): () => void {
    this.#callCount++;
    this.readBuffers.open();
    this.#activityCount++;
    this.#idle?.abort();
    const leave = this.#parts.limiter.begin(this.session);
    return () => {
      leave();
      this.#callCount--;
      this.readBuffers.close();
      this.#waitWhileIdle();
    };
  }

  /** Takes no new calls, and ends with the last of those that are open. */
  close(): void {
    if (!this.session.closed && !this.session.destroyed) this.session.close();
  }

  #after(ms: number, signal: AbortSignal, act: () => void): void {
    this.#parts.clock.sleep(ms, signal).then(act, () => undefined);
  }

  /** A connection that says nothing would take a place from those that do. */
  #closeIfSilent(): void {
    const hasSpoken = new AbortController();
    const note = (): void => hasSpoken.abort();
    this.session.once('remoteSettings', note).once('close', note);
    this.#after(this.#parts.limits.settingsTimeoutMs, hasSpoken.signal, () => this.session.destroy());
  }

  #closeForAge(): void {
    const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = this.#parts.limits;
    if (maxConnectionAgeMs === undefined) return;
    // As in grpc-go, a tenth more or less.
    this.#after(maxConnectionAgeMs * (0.9 + 0.2 * this.#parts.spread), this.#closed.signal, () => {
      this.close();
      if (maxConnectionAgeGraceMs === undefined) return;
      this.#after(maxConnectionAgeGraceMs, this.#closed.signal, () => this.session.destroy());
    });
  }

  #waitWhileIdle(): void {
    const { maxConnectionIdleMs } = this.#parts.limits;
    if (maxConnectionIdleMs === undefined || this.#callCount > 0 || this.#closed.signal.aborted) return;
    this.#idle = new AbortController();
    this.#after(maxConnectionIdleMs, this.#idle.signal, () => this.close());
  }

  async #keepAlive(): Promise<void> {
    const { keepaliveTimeMs, keepaliveTimeoutMs } = this.#parts.limits;
    const { signal } = this.#closed;
    try {
      for (let known = -1; ; ) {
        await this.#parts.clock.sleep(keepaliveTimeMs, signal);
        if (known === this.#activityCount) await this.#ping(keepaliveTimeoutMs);
        known = this.#activityCount;
      }
    } catch {
      // The connection is closed.
    }
  }

  /** Resolves once the ping is answered; rejects when the connection is closed. */
  async #ping(timeoutMs: number): Promise<void> {
    const answered = new AbortController();
    const end = (): void => answered.abort();
    this.#closed.signal.addEventListener('abort', end, { once: true });
    this.session.ping(end);
    const isLate = await this.#parts.clock.sleep(timeoutMs, answered.signal).then(
      () => true,
      () => false,
    );
    this.#closed.signal.removeEventListener('abort', end);
    if (isLate) this.session.destroy();
  }
}
