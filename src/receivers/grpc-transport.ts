import type { Http2SecureServer, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { ServerOptions } from '@grpc/grpc-js';
import { Server, status } from '@grpc/grpc-js';
import type { Clock } from '../support/clock.ts';
import { ConnectionPlaces, sparePlaces } from '../support/connection-places.ts';
import type { MessageWatcher } from '../support/grpc-internals.ts';
import { prepareHttp2Server, watchMessages } from '../support/grpc-internals.ts';
import { readMoreEncodings } from './grpc-encodings.ts';
import type { GivenUpReason, UnfinishedMessage } from './unfinished-messages.ts';
import { givenUpTexts, UnfinishedMessages, unfinishedLimits } from './unfinished-messages.ts';

/** Limits for which grpc-js has no option. */
export interface TransportLimits {
  /** Flow-control window of each stream and of each connection. */
  readonly windowBytes: number;
  readonly maxConnections: number;
  readonly minTlsVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxMessageBytes: number;
  /** Called for each connection that found no place. */
  readonly onConnectionRefused: () => void;
  /** Called for each idle connection that was closed to make room. */
  readonly onIdleConnectionClosed: () => void;
  /** Called for each message that was given up before it was whole. */
  readonly onMessageGivenUp: (reason: GivenUpReason) => void;
  /** Called for each message that was refused for its size. `path` is that of its method. */
  readonly onMessageTooLarge: (path: string) => void;
  /** Time that a new connection has for its first frame, the settings of HTTP/2, before it is closed. */
  readonly settingsTimeoutMs: number;
  readonly clock: Clock;
}

export interface GrpcTransport {
  readonly server: Server;
  /** Closes every connection at once: without channelz, grpc-js's `forceShutdown` forgets them and closes none. */
  readonly destroyConnections: () => void;
  /** TLS of the connections to come: certificate, key and the authority of clients. Those that are open stay. */
  readonly setSecureContext: (options: SecureContextOptions) => void;
}

/**
 * A gRPC server with limits of its own on connections and on messages that come in part, and a flow-control window of its own: with HTTP/2's default of 64 KiB, a batch of 90 KB takes two round trips, and grpc-js applies its option
 * `grpc-node.flow_control_window` to clients only (1.14.7, build/src/transport.js). A test holds that the window takes effect.
 */
export function createGrpcTransport(options: ServerOptions, limits: TransportLimits): GrpcTransport {
  readMoreEncodings();
  const server = new Server(options);
  const sockets = new Set<Socket>();
  const places = new ConnectionPlaces(limits.maxConnections, limits.clock, {
    onIdleClosed: limits.onIdleConnectionClosed,
    onRefused: limits.onConnectionRefused,
  });
  const watchParts = createPartWatcher(places, limits);
  const secureServers = new Set<Http2SecureServer>();
  // Options replace all earlier ones, the version of TLS included.
  const secure = (http2Server: Http2SecureServer, options: SecureContextOptions): void =>
    http2Server.setSecureContext({ ...options, minVersion: limits.minTlsVersion });
  prepareHttp2Server(server, (http2Server, credentials) => {
    http2Server.updateSettings({ initialWindowSize: limits.windowBytes });
    http2Server.on('session', (session: ServerHttp2Session) => {
      places.open(session);
      if (session.destroyed) return;
      session.setLocalWindowSize(limits.windowBytes);
      closeIfSilent(session, limits);
      watchMessages(session, watchParts);
      session.on('stream', (stream: ServerHttp2Stream) => {
        stream.once('close', places.begin(session));
      });
    });
    http2Server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    http2Server.maxConnections = limits.maxConnections + sparePlaces;
    http2Server.on('drop', limits.onConnectionRefused);
    const secureContext = credentials._getSecureContextOptions();
    if (secureContext !== null && 'setSecureContext' in http2Server) {
      secure(http2Server, secureContext);
      secureServers.add(http2Server);
    }
  });
  const destroyConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const setSecureContext = (options: SecureContextOptions): void => {
    for (const http2Server of secureServers) secure(http2Server, options);
  };
  return { server, destroyConnections, setSecureContext };
}

/** Gives up messages that do not get any further, or of which too much is held. */
function createPartWatcher(places: ConnectionPlaces, limits: TransportLimits): MessageWatcher {
  const unfinished = new UnfinishedMessages(
    unfinishedLimits(limits.maxMessageBytes),
    limits.clock,
    limits.onMessageGivenUp,
  );
  /** Unfinished messages by stream; a stream of many messages keeps its entry, and its one listener. */
  const messages = new WeakMap<ServerHttp2Stream, { current: UnfinishedMessage | undefined }>();
  const entryOf = (stream: ServerHttp2Stream): { current: UnfinishedMessage | undefined } => {
    const known = messages.get(stream);
    if (known !== undefined) return known;
    const entry: { current: UnfinishedMessage | undefined } = { current: undefined };
    messages.set(stream, entry);
    stream.once('close', () => entry.current?.finish());
    return entry;
  };
  return {
    onTooLarge: limits.onMessageTooLarge,
    onPart: (stream, { heldBytes, pieces, end }) => {
      if (stream.session === undefined) return;
      places.touch(stream.session);
      if (heldBytes === 0) {
        const known = messages.get(stream);
        known?.current?.finish();
        if (known !== undefined) known.current = undefined;
        return;
      }
      const entry = entryOf(stream);
      entry.current ??= unfinished.begin(stream.session, (reason) => {
        const isLate = reason === 'stalled' || reason === 'too_slow';
        end(isLate ? status.DEADLINE_EXCEEDED : status.RESOURCE_EXHAUSTED, givenUpTexts[reason]);
      });
      entry.current.hold(heldBytes, pieces);
    },
  };
}

/** A connection that says nothing would take a place from those that do. */
function closeIfSilent(session: ServerHttp2Session, { clock, settingsTimeoutMs }: TransportLimits): void {
  const hasSpoken = new AbortController();
  const note = (): void => hasSpoken.abort();
  session.once('remoteSettings', note).once('close', note);
  clock.sleep(settingsTimeoutMs, hasSpoken.signal).then(
    () => session.destroy(),
    () => undefined,
  );
}
