import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Meter } from '@opentelemetry/api';
import type { Clock } from './clock.ts';

/** A connection as `ConnectionPlaces` sees it. */
export interface PlacedConnection {
  destroy(): void;
  once(event: 'close', listener: () => void): unknown;
}

export interface PlaceEvents {
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

/** Gives the connections of an HTTP server their places; a request that has come in part keeps its connection idle until its headers are whole. */
export function placeConnections(
  server: Server,
  most: number,
  clock: Pick<Clock, 'nowMs'>,
  events: PlaceEvents & PipelineEvents,
): ConnectionPlaces {
  boundPipeline(server, events.onPipelineClosed);
  const places = new ConnectionPlaces(most, clock, events);
  const isSecure = 'setSecureContext' in server;
  server.on(isSecure ? 'secureConnection' : 'connection', (socket: Socket) => places.open(socket));
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    response.once('close', places.begin(socket));
  });
  server.maxConnections = most + sparePlaces;
  server.on('drop', events.onRefused);
  return places;
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

/** A new connection has this long to begin its first request before it is idle: a probe must not lose its place on the way. */
const requestMs = 1_000;

/** More sockets than places: those that have not finished their TLS handshake have none yet, and a new one needs a moment to get its. */
export const sparePlaces = 64;

interface Place {
  calls: number;
  lastActiveMs: number;
  /** False where the calls in progress may be ended to make room. */
  isKept: boolean;
}

/**
 * Places of a server's connections. A new connection without a free place takes that of the connection that has been idle for longest;
 * where none is idle, that of the busy connection longest without activity, unless it is kept. Where busy connections stay, one that has
 * just become idle makes room, or else the new connection is closed.
 */
export class ConnectionPlaces {
  readonly #most: number;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #events: PlaceEvents;
  // In the order of their last activity.
  readonly #places = new Map<PlacedConnection, Place>();

  constructor(most: number, clock: Pick<Clock, 'nowMs'>, events: PlaceEvents) {
    this.#most = most;
    this.#clock = clock;
    this.#events = events;
  }

  open(connection: PlacedConnection): void {
    if (this.#places.size >= this.#most && !this.#makeRoom()) {
      this.#events.onRefused();
      connection.destroy();
      return;
    }
    this.#places.set(connection, { calls: 0, lastActiveMs: this.#clock.nowMs(), isKept: false });
    connection.once('close', () => this.#places.delete(connection));
  }

  /** Notes that something came in. */
  touch(connection: PlacedConnection): void {
    const place = this.#places.get(connection);
    if (place === undefined) return;
    place.lastActiveMs = this.#clock.nowMs();
    this.#places.delete(connection);
    this.#places.set(connection, place);
  }

  /** Lets no other connection take the place while a call is in progress. */
  keep(connection: PlacedConnection): void {
    const place = this.#places.get(connection);
    if (place !== undefined) place.isKept = true;
  }

  /** Notes that a call has begun; the result notes its end, and can be called again. */
  begin(connection: PlacedConnection): () => void {
    this.touch(connection);
    const place = this.#places.get(connection);
    if (place === undefined) return () => undefined;
    place.calls++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      place.calls--;
      if (place.calls === 0) place.isKept = false;
      this.touch(connection);
    };
  }

  #makeRoom(): boolean {
    const { onBusyClosed, onIdleClosed } = this.#events;
    const idle = this.#oldest((place) => place.calls === 0 && this.#isSilentFor(place, requestMs));
    if (idle !== undefined) return this.#close(idle, onIdleClosed);
    const silent = this.#oldest((place) => this.#isSilentFor(place, silentMs));
    if (silent !== undefined) return this.#close(silent, onIdleClosed);
    const busy = onBusyClosed && this.#oldest(({ calls, isKept }) => calls > 0 && !isKept);
    if (busy !== undefined) return this.#close(busy, onBusyClosed!);
    const young = this.#oldest(({ calls }) => calls === 0);
    return young !== undefined && this.#close(young, onIdleClosed);
  }

  #close(connection: PlacedConnection, onClosed: () => void): true {
    this.#places.delete(connection);
    onClosed();
    connection.destroy();
    return true;
  }

  #oldest(isMeant: (place: Place) => boolean): PlacedConnection | undefined {
    for (const [connection, place] of this.#places) if (isMeant(place)) return connection;
    return undefined;
  }

  #isSilentFor({ lastActiveMs }: Place, ms: number): boolean {
    return this.#clock.nowMs() - lastActiveMs >= ms;
  }
}
