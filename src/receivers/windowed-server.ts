import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { ServerOptions } from '@grpc/grpc-js';
import { Server } from '@grpc/grpc-js';
import type { Clock } from '../support/clock.ts';
import { prepareHttp2Server } from '../support/grpc-internals.ts';
import { readMoreEncodings } from './grpc-encodings.ts';

/** Limits for which grpc-js has no option. */
export interface TransportLimits {
  /** Flow-control window of each stream and of each connection. */
  readonly windowBytes: number;
  readonly maxConnections: number;
  readonly minTlsVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Called for each connection beyond `maxConnections`. */
  readonly onConnectionRefused: () => void;
  /** Time that a new connection has for its first frame, the settings of HTTP/2, before it is closed. */
  readonly settingsTimeoutMs: number;
  readonly clock: Clock;
}

export interface WindowedServer {
  readonly server: Server;
  /** Closes every connection at once: without channelz, grpc-js's `forceShutdown` forgets them and closes none. */
  readonly destroyConnections: () => void;
  /** TLS of the connections to come: certificate, key and the authority of clients. Those that are open stay. */
  readonly setSecureContext: (options: SecureContextOptions) => void;
}

/**
 * A gRPC server with a flow-control window of its own.
 *
 * With HTTP/2's default of 64 KiB, a batch of 90 KB takes two round trips, and grpc-js applies its option
 * `grpc-node.flow_control_window` to clients only (1.14.7, build/src/transport.js). A test holds that the window takes effect.
 */
export function createWindowedServer(options: ServerOptions, limits: TransportLimits): WindowedServer {
  readMoreEncodings();
  const server = new Server(options);
  const sockets = new Set<Socket>();
  const secureServers = new Set<Http2SecureServer>();
  // Options replace all earlier ones, the version of TLS included.
  const secure = (http2Server: Http2SecureServer, options: SecureContextOptions): void =>
    http2Server.setSecureContext({ ...options, minVersion: limits.minTlsVersion });
  prepareHttp2Server(server, (http2Server, credentials) => {
    http2Server.updateSettings({ initialWindowSize: limits.windowBytes });
    http2Server.on('session', (session: ServerHttp2Session) => {
      session.setLocalWindowSize(limits.windowBytes);
      closeIfSilent(session, limits);
    });
    http2Server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    http2Server.maxConnections = limits.maxConnections;
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
