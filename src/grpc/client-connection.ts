import type { ClientHttp2Session } from 'node:http2';
import { connect, constants } from 'node:http2';
import type { Clock, Random } from '../support/clock.ts';
import { messageOf } from '../support/error-text.ts';
import type { ClientTls } from './client-socket.ts';
import { openSocket } from './client-socket.ts';
import type { Address, Target } from './client-target.ts';

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
  #session: ClientHttp2Session | undefined;
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
  get session(): ClientHttp2Session | undefined {
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
      this.#take(await this.#open());
      this.#backoffMs = 0;
    } catch (error) {
      this.#fault = messageOf(error);
      this.#backoffMs = Math.min(Math.max(firstBackoffMs, this.#backoffMs * backoffFactor), maxReconnectBackoffMs);
      this.#retryAtMs = beganMs + this.#backoffMs * (1 + backoffJitter * (2 * random() - 1));
    }
  }

  /** Resolves once the server has sent its settings: it speaks HTTP/2. */
  async #open(): Promise<ClientHttp2Session> {
    const { tls, clock } = this.#options;
    const attempt = new AbortController();
    const end = (): void => attempt.abort(new Error('the server has not spoken HTTP/2 in time'));
    this.#closing.signal.addEventListener('abort', end, { once: true });
    if (this.#closing.signal.aborted) end();
    clock.sleep(connectTimeoutMs, attempt.signal).then(end, () => undefined);
    try {
      const socket = await openSocket(this.#address, this.#target, tls, attempt.signal);
      const session = connect(`${tls === undefined ? 'http' : 'https'}://${this.#target.authority}`, {
        createConnection: () => socket,
        settings: { enablePush: false },
        maxSessionMemory: Number.MAX_SAFE_INTEGER,
      });
      // A session does not end by itself for a fault of TLS behind the handshake, such as a certificate that was refused.
      socket.on('error', (error) => {
        attempt.abort(error);
        socket.destroy();
        session.destroy(error);
      });
      await whenReady(session, attempt.signal);
      return session;
    } finally {
      this.#closing.signal.removeEventListener('abort', end);
      end();
    }
  }

  #take(session: ClientHttp2Session): void {
    if (this.#closing.signal.aborted) {
      session.close();
      return;
    }
    this.#session = session;
    const lost = new AbortController();
    const leave = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    session.on('error', ({ message }: Error) => {
      this.#fault = message;
    });
    session.on('goaway', (code: number, _lastStreamId: number, data?: Buffer) => {
      leave();
      // https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md
      if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM && data?.toString() === 'too_many_pings')
        this.#keepaliveTimeMs *= 2;
    });
    session.once('close', () => {
      leave();
      lost.abort();
    });
    if (this.#options.keepalive !== undefined) void this.#keepAlive(session, this.#options.keepalive, lost.signal);
  }

  async #keepAlive(session: ClientHttp2Session, keepalive: ClientKeepalive, lost: AbortSignal): Promise<void> {
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
  async #ping(session: ClientHttp2Session, timeoutMs: number, lost: AbortSignal): Promise<void> {
    const answered = new AbortController();
    session.ping(() => answered.abort());
    const isLate = await this.#options.clock.sleep(timeoutMs, AbortSignal.any([answered.signal, lost])).then(
      () => true,
      () => false,
    );
    if (isLate) session.destroy(new Error('Keepalive timeout'));
  }
}

function whenReady(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      settle();
      session.destroy();
      reject(error);
    };
    const onClose = (): void => fail(new Error('Failed to connect: the connection was closed before HTTP/2 began'));
    const onAbort = (): void => fail(signal.reason as Error);
    const onSettings = (): void => {
      settle();
      resolve();
    };
    const settle = (): void => {
      session.off('error', fail).off('close', onClose).off('remoteSettings', onSettings);
      session.on('error', () => undefined);
      signal.removeEventListener('abort', onAbort);
    };
    session.once('error', fail).once('close', onClose).once('remoteSettings', onSettings);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
