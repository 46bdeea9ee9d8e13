import type { Socket } from 'node:net';
import type { Clock } from '../support/clock.ts';
import type { ConnectionLimiter, LimitedConnection } from '../support/connection-limiter.ts';
import type { ServerSessionOptions } from './http2/server-session.ts';
import { ServerSession } from './http2/server-session.ts';
import type { ServerStream } from './http2/server-stream.ts';

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

type SessionLimits = Omit<ServerSessionOptions, 'clock'>;

export interface ConnectionParts {
  readonly limits: ConnectionLimits & SessionLimits;
  readonly limiter: ConnectionLimiter;
  readonly clock: Clock;
  /** A number from 0 to 1: connections that were opened together do not end together. */
  readonly spread: number;
  readonly onStream: (stream: ServerStream, connection: ServerConnection) => void;
  /** A request was not looked at, because as many as may be are open. */
  readonly onStreamRefused: () => void;
  /** The connection ends because the client asked for too much. */
  readonly onFlood: () => void;
  readonly onClose: (connection: ServerConnection) => void;
}

/** A connection to a server: its place among others, and its end for age, idleness or silence. */
export class ServerConnection implements LimitedConnection {
  readonly session: ServerSession;
  readonly #parts: ConnectionParts;
  readonly #closed = new AbortController();
  #callCount = 0;
  #activityCount = 0;
  #idle: AbortController | undefined;

  /** Takes the socket over. */
  constructor(socket: Socket, parts: ConnectionParts) {
    this.#parts = parts;
    const { limits, clock } = parts;
    // A connection that says nothing would take a place from those that do.
    const noteSpoken = clock.after(limits.settingsTimeoutMs, () => this.session.destroy());
    this.session = new ServerSession(
      socket,
      { ...limits, clock },
      {
        onStream: (stream) => parts.onStream(stream, this),
        onStreamRefused: parts.onStreamRefused,
        onSettings: noteSpoken,
        onPieces: () => this.#touch(),
        onFlood: parts.onFlood,
        onClose: () => {
          noteSpoken();
          this.#closed.abort();
          this.#idle?.abort();
          parts.onClose(this);
        },
      },
    );
    this.#closeForAge();
    this.#waitWhileIdle();
    void this.#keepAlive();
  }

  #touch(): void {
    this.#activityCount++;
    this.#parts.limiter.touch(this);
  }

  /** Notes that a call has begun; the result notes its end. */
  begin(): () => void {
    this.#callCount++;
    this.#activityCount++;
    this.#idle?.abort();
    const leave = this.#parts.limiter.begin(this);
    return () => {
      leave();
      this.#callCount--;
      this.#waitWhileIdle();
    };
  }

  /** Takes no new calls, and ends with the last of those that are open. */
  close(): void {
    this.session.close();
  }

  /** Ends at once, with all calls. */
  destroy(): void {
    this.session.destroy();
  }

  once(_event: 'close', listener: () => void): void {
    this.#closed.signal.addEventListener('abort', listener, { once: true });
  }

  #after(ms: number, signal: AbortSignal, act: () => void): void {
    this.#parts.clock.sleep(ms, signal).then(act, () => undefined);
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
