import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Meter } from '@opentelemetry/api';
import type { Clock } from './clock.ts';

/** A connection as `ConnectionLimiter` sees it. */
export interface LimitedConnection {
  destroy(): void;
  once(event: 'close', listener: () => void): unknown;
}

export interface LimiterEvents {
  /** An idle connection was closed to make room. */
  readonly onIdleClosed: () => void;
  /** A new connection was closed, because no other was idle. */
  readonly onRefused: () => void;
  /** A busy connection was closed to make room. Where not set, none is: busy connections stay. */
  readonly onBusyClosed?: (() => void) | undefined;
}

/** PipelineEvents hears of connections with too many requests ahead of their responses. */
export interface PipelineEvents {
  readonly onPipelineClosed: () => void;
}

const closings = {
  refused_connections: 'Connections closed at once because there were as many as may be.',
  closed_idle_connections: 'Idle connections closed to make room for new ones.',
  closed_busy_connections: 'Connections closed amid a response to make room where health shares their listener.',
  closed_flooding_connections:
    'Connections closed because they asked for too much without a use, or did not read the answers.',
  closed_pipelining_connections: 'Connections closed because they sent too many requests ahead of their responses.',
} as const;

/** A counter of closed connections, there from the start for alerts. `prefix` is the server's, e.g. `framekeeper_http`. */
export function countClosed(meter: Meter, prefix: string, name: keyof typeof closings): () => void {
  const counter = meter.createCounter(`${prefix}_${name}`, { description: closings[name], unit: '{connection}' });
  counter.add(0);
  return () => counter.add(1);
}

/** Clients send a request when they have the last response, but for some of the last century. */
const mostPipelined = 8;

/** Limits the connections of an HTTP server to `most`. A connection is idle until the headers of its first request are whole. */
export function limitConnections(
  server: Server,
  most: number,
  clock: Pick<Clock, 'nowMs'>,
  events: LimiterEvents & PipelineEvents,
): ConnectionLimiter {
  boundPipeline(server, events.onPipelineClosed);
  const limiter = new ConnectionLimiter(most, clock, events);
  const isSecure = 'setSecureContext' in server;
  server.on(isSecure ? 'secureConnection' : 'connection', (socket: Socket) => limiter.open(socket));
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    response.once('close', limiter.begin(socket));
  });
  server.maxConnections = most + spareConnections;
  server.on('drop', events.onRefused);
  return limiter;
}

/**
 * Closes a connection that sends one more request than may wait for their responses. Node.js takes all requests of a read at once: a
 * thousand of them, on each of 128 connections, would stop the loop for seconds, and their responses fill the memory when nobody reads.
 */
function boundPipeline(server: Server, onClosed: () => void): void {
  const listeners = server.listeners('request');
  const waiting = new WeakMap<Socket, number>();
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // The rest of what was read with the request that was one too many.
    if (socket.destroyed) return;
    const count = waiting.get(socket) ?? 0;
    if (count >= mostPipelined) {
      onClosed();
      socket.destroy();
      return;
    }
    waiting.set(socket, count + 1);
    response.once('close', () => waiting.set(socket, waiting.get(socket)! - 1));
    for (const listener of listeners) listener.call(server, request, response);
  });
}

/** Calls that have said nothing for so long do not keep their connection from being idle. */
const silentMs = 30_000;

/** A new connection has this long to begin its first request before it is idle: a probe must not be closed on the way. */
const requestMs = 1_000;

/** Sockets beyond the limit: those amid their TLS handshake do not count yet, and to close one for another takes a moment. */
export const spareConnections = 64;

interface ConnectionState {
  calls: number;
  lastActiveMs: number;
  /** False where the calls in progress may be ended to make room. */
  isKept: boolean;
}

/**
 * ConnectionLimiter bounds a server's connections. A new connection above the limit closes the one that has been idle for longest; where
 * none is idle, the busy connection longest without activity, unless it is kept. Where busy connections stay, one that has just become
 * idle makes room, or else the new connection is closed.
 */
export class ConnectionLimiter {
  readonly #most: number;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #events: LimiterEvents;
  // In the order of their last activity.
  readonly #connections = new Map<LimitedConnection, ConnectionState>();

  constructor(most: number, clock: Pick<Clock, 'nowMs'>, events: LimiterEvents) {
    this.#most = most;
    this.#clock = clock;
    this.#events = events;
  }

  open(connection: LimitedConnection): void {
    if (this.#connections.size >= this.#most && !this.#makeRoom()) {
      this.#events.onRefused();
      connection.destroy();
      return;
    }
    this.#connections.set(connection, { calls: 0, lastActiveMs: this.#clock.nowMs(), isKept: false });
    connection.once('close', () => this.#connections.delete(connection));
  }

  /** Notes that something came in. */
  touch(connection: LimitedConnection): void {
    const state = this.#connections.get(connection);
    if (state === undefined) return;
    state.lastActiveMs = this.#clock.nowMs();
    this.#connections.delete(connection);
    this.#connections.set(connection, state);
  }

  /** Lets no other connection close this one while a call is in progress. */
  keep(connection: LimitedConnection): void {
    const state = this.#connections.get(connection);
    if (state !== undefined) state.isKept = true;
  }

  /** Notes that a call has begun; the result notes its end, and can be called again. */
  begin(connection: LimitedConnection): () => void {
    this.touch(connection);
    const state = this.#connections.get(connection);
    if (state === undefined) return () => undefined;
    state.calls++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      state.calls--;
      if (state.calls === 0) state.isKept = false;
      this.touch(connection);
    };
  }

  #makeRoom(): boolean {
    const { onBusyClosed, onIdleClosed } = this.#events;
    const idle = this.#oldest((state) => state.calls === 0 && this.#isSilentFor(state, requestMs));
    if (idle !== undefined) return this.#close(idle, onIdleClosed);
    const silent = this.#oldest((state) => this.#isSilentFor(state, silentMs));
    if (silent !== undefined) return this.#close(silent, onIdleClosed);
    const busy = onBusyClosed && this.#oldest(({ calls, isKept }) => calls > 0 && !isKept);
    if (busy !== undefined) return this.#close(busy, onBusyClosed!);
    const young = this.#oldest(({ calls }) => calls === 0);
    return young !== undefined && this.#close(young, onIdleClosed);
  }

  #close(connection: LimitedConnection, onClosed: () => void): true {
    this.#connections.delete(connection);
    onClosed();
    connection.destroy();
    return true;
  }

  #oldest(isMeant: (state: ConnectionState) => boolean): LimitedConnection | undefined {
    for (const [connection, state] of this.#connections) if (isMeant(state)) return connection;
    return undefined;
  }

  #isSilentFor({ lastActiveMs }: ConnectionState, ms: number): boolean {
    return this.#clock.nowMs() - lastActiveMs >= ms;
  }
}
