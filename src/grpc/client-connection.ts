import type { Socket } from 'node:net';
import type { Clock, Random } from '../support/clock.ts';
import { onAbort } from '../support/clock.ts';
import { messageOf } from '../support/error-text.ts';
import type { ClientTls } from './client-socket.ts';
import { openSocket } from './client-socket.ts';
import type { Address, Target } from './client-target.ts';
import { ClientSession } from './http2/client-session.ts';
import { errorCodes } from './http2/frames.ts';

export interface ClientKeepalive {
  /** Silence after which a connection is pinged. */
  readonly timeMs: number;
  /** Time for the answer to a ping. */
  readonly timeoutMs: number;
  /** Pings also while no call is open. */
  readonly permitWithoutStream: boolean;
}

export interface ClientConnectionOptions {
  readonly tls: ClientTls | undefined;
  readonly keepalive: ClientKeepalive | undefined;
  readonly maxReconnectBackoffMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

// https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
const firstBackoffMs = 1_000;
const backoffFactor = 1.6;
const backoffJitter = 0.2;
const connectTimeoutMs = 20_000;

/** A connection to one address, made again when it is asked for after a loss, with growing pauses between attempts that fail. */
export class ClientConnection {
  readonly #address: Address;
  readonly #target: Target;
  readonly #options: ClientConnectionOptions;
  readonly #closing = new AbortController();
  #session: ClientSession | undefined;
  #connecting: Promise<void> | undefined;
  #backoffMs = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #fault = '';
  #callCount = 0;
  #activityCount = 0;
  #keepaliveTimeMs: number;

  constructor(address: Address, target: Target, options: ClientConnectionOptions) {
    this.#address = address;
    this.#target = target;
    this.#options = options;
    this.#keepaliveTimeMs = options.keepalive?.timeMs ?? 0;
  }

  /** Takes calls; `undefined` while there is no connection, and from the server's GOAWAY on. */
  get session(): ClientSession | undefined {
    return this.#session;
  }

  /** Monotonic time before which no attempt to connect is made. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  /** Reason why the last attempt to connect failed, or the last connection was lost. */
  get fault(): string {
    return this.#fault;
  }

  /** Resolves after an attempt to connect, whatever came of it. Concurrent callers share one attempt. */
  connect(): Promise<void> {
    this.#connecting ??= this.#attempt().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Notes that a call begins; the result notes its end. */
  begin(): () => void {
    this.#callCount++;
    this.#activityCount++;
    return () => {
      this.#callCount--;
      this.#activityCount++;
    };
  }

  close(): void {
    this.#closing.abort();
    const session = this.#session;
    this.#session = undefined;
    session?.close();
  }

  async #attempt(): Promise<void> {
    const { clock, random, maxReconnectBackoffMs } = this.#options;
    const beganMs = clock.nowMs();
    try {
      await this.#open();
      this.#backoffMs = 0;
    } catch (error) {
      this.#fault = messageOf(error);
      this.#backoffMs = Math.min(Math.max(firstBackoffMs, this.#backoffMs * backoffFactor), maxReconnectBackoffMs);
      this.#retryAtMs = beganMs + this.#backoffMs * (1 + backoffJitter * (2 * random() - 1));
    }
  }

  /** Resolves once the server has sent its settings: it speaks HTTP/2. */
  async #open(): Promise<void> {
    const { tls, clock } = this.#options;
    const attempt = new AbortController();
    const end = (): void => attempt.abort(new Error('the server has not spoken HTTP/2 in time'));
    const stayOpen = onAbort(this.#closing.signal, end);
    const stopTimer = clock.after(connectTimeoutMs, end);
    try {
      const socket = await openSocket(this.#address, this.#target, tls, attempt.signal);
      const { session, lost } = this.#createSession(socket);
      await session.ready.finally(onAbort(attempt.signal, () => session.destroy(attempt.signal.reason as Error)));
      this.#take(session, lost);
    } finally {
      stayOpen();
      stopTimer();
    }
  }

  #createSession(socket: Socket): { readonly session: ClientSession; readonly lost: AbortSignal } {
    const lost = new AbortController();
    const leave = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    const session: ClientSession = new ClientSession(socket, {
      onGoaway: (code, text) => {
        leave();
        // https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md
        if (code === errorCodes.ENHANCE_YOUR_CALM && text === 'too_many_pings') this.#keepaliveTimeMs *= 2;
      },
      onExhausted: leave,
      onClose: (error) => {
        leave();
        if (error !== undefined) this.#fault = error.message;
        lost.abort();
      },
    });
    return { session, lost: lost.signal };
  }

  #take(session: ClientSession, lost: AbortSignal): void {
    if (this.#closing.signal.aborted) {
      session.close();
      return;
    }
    if (!session.isOpen) throw new Error(this.#fault || 'the server takes no calls');
    this.#session = session;
    if (this.#options.keepalive !== undefined) void this.#keepAlive(session, this.#options.keepalive, lost);
  }

  async #keepAlive(session: ClientSession, keepalive: ClientKeepalive, lost: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    try {
      for (;;) {
        const known = this.#activityCount;
        await clock.sleep(this.#keepaliveTimeMs, lost);
        const isDue = known === this.#activityCount && (this.#callCount > 0 || keepalive.permitWithoutStream);
        if (isDue) await this.#ping(session, keepalive.timeoutMs, lost);
      }
    } catch {
      // The connection is lost.
    }
  }

  /** Resolves once the ping is answered; ends the connection where it is not in time. */
  async #ping(session: ClientSession, timeoutMs: number, lost: AbortSignal): Promise<void> {
    const answered = new AbortController();
    session.ping(() => answered.abort());
    const isLate = await this.#options.clock.sleep(timeoutMs, AbortSignal.any([answered.signal, lost])).then(
      () => true,
      () => false,
    );
    if (isLate) session.destroy(new Error('Keepalive timeout'));
  }
}
