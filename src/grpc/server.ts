import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createServer as createAcceptor } from 'node:net';
import type { SecureContextOptions, TLSSocket, Server as TlsServer } from 'node:tls';
import { createServer as createTlsServer } from 'node:tls';
import type { AuthenticationRefusal, RequestGuard } from '../model/authentication.ts';
import { BufferPool } from '../support/buffer-pool.ts';
import type { Clock } from '../support/clock.ts';
import { onAbort } from '../support/clock.ts';
import { ConnectionLimiter, spareConnections } from '../support/connection-limiter.ts';
import { Deadlines } from './deadlines.ts';
import { withLentReads } from './http2/reused-reads.ts';
import type { ServerStream } from './http2/server-stream.ts';
import type { CallParts, Decompress, Method } from './server-call.ts';
import { ServerCall } from './server-call.ts';
import type { ConnectionLimits } from './server-connection.ts';
import { ServerConnection } from './server-connection.ts';
import { parseTimeout, status } from './status.ts';
import type { GivenUpReason } from './unfinished-messages.ts';
import { UnfinishedMessages, unfinishedLimits } from './unfinished-messages.ts';

export interface Http2ServerOptions extends ConnectionLimits {
  /** Flow-control window of each stream and of each connection. */
  readonly windowBytes: number;
  readonly maxConnections: number;
  /** On each connection. */
  readonly maxConcurrentStreams: number;
  /** Of one message, after decompression. */
  readonly maxMessageBytes: number;
  readonly minTlsVersion: 'TLSv1.2' | 'TLSv1.3';
  /** By the names of `grpc-encoding`, besides `identity`. */
  readonly decompressors: ReadonlyMap<string, Decompress>;
  /** Asked about every call before anything else of it is looked at. */
  readonly guard: RequestGuard | undefined;
  readonly clock: Clock;
  readonly events: Http2ServerEvents;
}

/** A handful of messages is in work at a time, or a large one. */
const mostKeptBufferBytes = 4 * 1024 * 1024;
/** A burst of large messages, each held until it is sent on. */
const mostBufferBytes = 32 * 1024 * 1024;

export interface Http2ServerEvents {
  /** A new connection was closed, because there was no place. */
  readonly onConnectionRefused: () => void;
  /** An idle connection was closed to make room. */
  readonly onIdleConnectionClosed: () => void;
  /** A call was not looked at, because its connection had as many open as may be. */
  readonly onStreamRefused: () => void;
  /** A message was given up before it was whole. */
  readonly onMessageGivenUp: (reason: GivenUpReason) => void;
  /** A message was refused for its size. `path` is that of its method. */
  readonly onMessageTooLarge: (path: string) => void;
  /** A handler threw. */
  readonly onFault: (error: unknown) => void;
  /** A connection was closed, because the client asked for too much that is of no use, or did not read the answers. */
  readonly onFloodClosed: () => void;
}

/**
 * A gRPC server over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Methods get and give messages as
 * bytes. Connections, their windows and messages that have come in part are bounded.
 */
export class Http2GrpcServer {
  readonly #options: Http2ServerOptions;
  readonly #methods = new Map<string, Method>();
  readonly #acceptEncoding: string;
  readonly #limiter: ConnectionLimiter;
  readonly #parts: CallParts;
  readonly #unfinished: UnfinishedMessages;
  readonly #deadlines: Deadlines;
  readonly #connections = new Set<ServerConnection>();
  readonly #sockets = new Set<Socket>();
  #acceptors: Server[] = [];
  #tlsServer: TlsServer | undefined;
  #openedCount = 0;
  #isClosing = false;

  constructor(options: Http2ServerOptions) {
    const { clock, events, maxMessageBytes } = options;
    this.#options = options;
    this.#acceptEncoding = ['identity', ...options.decompressors.keys()].join(',');
    this.#limiter = new ConnectionLimiter(options.maxConnections, clock, {
      onIdleClosed: events.onIdleConnectionClosed,
      onRefused: events.onConnectionRefused,
    });
    this.#deadlines = new Deadlines(clock);
    this.#unfinished = new UnfinishedMessages(unfinishedLimits(maxMessageBytes), clock, events.onMessageGivenUp);
    const buffers = new BufferPool(mostKeptBufferBytes, mostBufferBytes);
    this.#parts = { maxMessageBytes, buffers, unfinished: this.#unfinished, ...events };
  }

  /** Methods of a service by their names. */
  addService(name: string, methods: Readonly<Record<string, Method>>): void {
    for (const [method, answer] of Object.entries(methods)) this.#methods.set(`/${name}/${method}`, answer);
  }

  /**
   * Listens on every address of `host`, an empty one being all interfaces; the result is the port. `secure` is TLS.
   * Rejects where no address can be listened on.
   */
  async listen(host: string, port: number, secure: SecureContextOptions | undefined): Promise<number> {
    const isSecure = secure !== undefined;
    const take = this.#takerOf(secure);
    const addresses = host === '' ? [undefined] : (await lookup(host, { all: true })).map(({ address }) => address);
    let usedPort = port;
    let problem: unknown;
    for (const address of addresses) {
      const acceptor = this.#createAcceptor(take, isSecure);
      try {
        await once(acceptor.listen({ port: usedPort, ...(address !== undefined && { host: address }) }), 'listening');
      } catch (error) {
        problem ??= error;
        continue;
      }
      this.#acceptors.push(acceptor);
      usedPort = (acceptor.address() as { readonly port: number }).port;
    }
    if (this.#acceptors.length === 0) throw problem;
    return usedPort;
  }

  /** TLS of the connections to come: certificate, key and the authority of clients. Those that are open stay. */
  setSecureContext(options: SecureContextOptions): void {
    // Options replace all earlier ones, the version of TLS included.
    this.#tlsServer?.setSecureContext({ ...options, minVersion: this.#options.minTlsVersion });
  }

  /** Lets open calls end until `deadline`, then closes every connection. False when some had not ended. */
  async close(deadline: AbortSignal): Promise<boolean> {
    this.#isClosing = true;
    const closed = this.#acceptors.map((acceptor) => new Promise((resolve) => acceptor.close(resolve)));
    for (const connection of this.#connections) connection.close();
    let isForced = false;
    const force = (): void => {
      isForced ||= this.#sockets.size > 0;
      for (const socket of this.#sockets) socket.destroy();
    };
    const withdraw = onAbort(deadline, force);
    await Promise.all(closed);
    withdraw();
    this.#deadlines.stop();
    this.#unfinished.stop();
    return !isForced;
  }

  /** Takes a new socket over, after the handshake of TLS where there is one. */
  #takerOf(secure: SecureContextOptions | undefined): (socket: Socket) => void {
    if (secure === undefined) return (socket) => this.#open(socket);
    const isMutual = secure.ca !== undefined;
    const server = createTlsServer({ ALPNProtocols: ['h2'], requestCert: isMutual, rejectUnauthorized: isMutual });
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', ignore);
      // In the next turn: tickets for the next handshake of TLS are not written yet, and go before what is said first.
      if (socket.alpnProtocol === 'h2') setImmediate(() => this.#open(socket));
      else refuseProtocol(socket);
    });
    this.#tlsServer = server;
    this.setSecureContext(secure);
    return (socket) => void server.emit('connection', socket);
  }

  /** A listening socket. */
  #createAcceptor(take: (socket: Socket) => void, isSecure: boolean): Server {
    const { maxConnections, events } = this.#options;
    // TLS reads in a way of its own.
    const acceptor = createAcceptor({ noDelay: true, pauseOnConnect: !isSecure }, (accepted) => {
      const socket = isSecure ? accepted : withLentReads(accepted);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      take(socket);
    });
    acceptor.maxConnections = maxConnections + spareConnections;
    acceptor.on('drop', events.onConnectionRefused);
    return acceptor;
  }

  #open(socket: Socket): void {
    if (socket.destroyed) return;
    const { clock, events } = this.#options;
    const connection = new ServerConnection(socket, {
      limits: this.#options,
      limiter: this.#limiter,
      clock,
      // Steps of the golden ratio fall evenly between 0 and 1.
      spread: (this.#openedCount++ * 0.618_034) % 1,
      onStream: (stream, from) => this.#accept(stream, from),
      onStreamRefused: events.onStreamRefused,
      onFlood: events.onFloodClosed,
      onClose: (closed) => this.#connections.delete(closed),
    });
    this.#limiter.open(connection);
    if (connection.session.isClosed) return;
    this.#connections.add(connection);
    if (this.#isClosing) connection.close();
  }

  #accept(stream: ServerStream, connection: ServerConnection): void {
    const { headers } = stream;
    const httpStatus = headers[':method'] !== 'POST' ? '405' : isGrpc(headers['content-type']) ? undefined : '415';
    if (httpStatus !== undefined) {
      stream.respond({ ':status': httpStatus }, true);
      return;
    }
    const leave = connection.begin();
    const call = new ServerCall(stream, connection, this.#parts);
    stream.reader = call;
    const timeout = headers['grpc-timeout'];
    const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
    const forgetDeadline =
      timeoutMs === undefined
        ? undefined
        : this.#deadlines.add(timeoutMs, () =>
            call.refuse(status.DEADLINE_EXCEEDED, 'the deadline of the call has passed'),
          );
    call.onClosed = () => {
      leave();
      forgetDeadline?.();
    };
    if (timeout === undefined || timeoutMs !== undefined) this.#admit(call);
    else call.end({ code: status.INTERNAL, details: `Invalid grpc-timeout: ${timeout.slice(0, 100)}` });
  }

  /** Asks the guard, if there is one, and begins the call. */
  #admit(call: ServerCall): void {
    const { guard } = this.#options;
    const decide = (refusal: AuthenticationRefusal | undefined): void => {
      if (refusal === undefined) {
        this.#begin(call);
        return;
      }
      const code = refusal.retryAfterMs === undefined ? status.UNAUTHENTICATED : status.UNAVAILABLE;
      call.end({ code, details: refusal.message });
    };
    const refusal = guard?.check((name) => call.headers[name]);
    if (!(refusal instanceof Promise)) {
      decide(refusal);
      return;
    }
    // A guard that fails lets nobody in.
    const verdict = refusal.catch(() => ({ message: 'the credential could not be checked' }));
    const endWork = call.work();
    void verdict.then((late) => {
      endWork();
      decide(late);
    });
  }

  #begin(call: ServerCall): void {
    if (call.isOver) return;
    const path = call.headers[':path']!;
    const method = this.#methods.get(path);
    const encoding = call.headers['grpc-encoding'] ?? 'identity';
    const decompress = this.#options.decompressors.get(encoding);
    if (method === undefined) {
      const details = `The server does not implement the method ${path.slice(0, 200)}`;
      call.end({ code: status.UNIMPLEMENTED, details });
    } else if (decompress === undefined && encoding !== 'identity') {
      const details = `The grpc-encoding ${encoding.slice(0, 100)} is not known; use one of ${this.#acceptEncoding}`;
      call.end({ code: status.UNIMPLEMENTED, details }, { 'grpc-accept-encoding': this.#acceptEncoding });
    } else call.begin(method, decompress);
  }
}

/** An error of a socket is followed by its close. */
const ignore = (): void => undefined;

// With a suffix, as in application/grpc+proto, and parameters.
function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:$|[+;])/.test(contentType);
}

/** For a client of another protocol than HTTP/2, whatever it speaks. */
function refuseProtocol(socket: TLSSocket): void {
  socket.end('HTTP/1.0 403 Forbidden\r\ncontent-type: text/plain\r\n\r\nHTTP/2 is spoken here (ALPN h2).\n', () =>
    socket.destroy(),
  );
}
