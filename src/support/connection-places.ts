import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
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

/** Gives the connections of an HTTP server their places; a request that has come in part keeps its connection idle until its headers are whole. */
export function placeConnections(
  server: Server,
  most: number,
  clock: Pick<Clock, 'nowMs'>,
  events: PlaceEvents,
): ConnectionPlaces {
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

/** Calls that have said nothing for so long do not keep their connection from being idle. */
const silentMs = 30_000;

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
 * where none is idle, that of the busy connection longest without activity, unless it is kept; where busy connections stay, the new
 * connection is closed.
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
    const idle = this.#oldest(({ calls }) => calls === 0) ?? this.#oldest((place) => this.#isSilent(place));
    if (idle !== undefined) return this.#close(idle, this.#events.onIdleClosed);
    const { onBusyClosed } = this.#events;
    const busy = onBusyClosed && this.#oldest(({ isKept }) => !isKept);
    return busy !== undefined && this.#close(busy, onBusyClosed!);
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

  #isSilent({ lastActiveMs }: Place): boolean {
    return this.#clock.nowMs() - lastActiveMs >= silentMs;
  }
}
