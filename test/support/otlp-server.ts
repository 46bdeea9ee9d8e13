import { once } from 'node:events';
import type {
  Http2Server,
  Http2Session,
  IncomingHttpHeaders,
  SecureServerOptions,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import { constants, createSecureServer, createServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { framed, readMessage, refuse, respond, responseHeaders } from './grpc-answer.ts';
import type { Answer, Script } from './otlp-answer.ts';
import { Waiters } from './waiters.ts';

/** A call that was read to its end. */
export interface RecordedRequest {
  /** The message, decompressed. */
  readonly bytes: Uint8Array;
  readonly headers: IncomingHttpHeaders;
  /** What the script said to it. */
  readonly answer: Answer;
  /** Whether the client surely has the whole answer: it left, and no connection broke for `confirmedAfterMs` from then on. */
  isConfirmed(): boolean;
}

/** Bytes of an answer can be lost in a connection that breaks; after this time they have arrived. */
const confirmedAfterMs = 1_000;

export interface OtlpServerOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** A Unix socket to listen on instead of a port. */
  readonly socketPath?: string;
  readonly tls?: SecureServerOptions;
}

/**
 * An OTLP receiver over gRPC that does as a script says and records what it gets. It speaks HTTP/2 frames itself, so that it can
 * break off anywhere, and does not decode messages: they are bytes.
 */
export class ScriptedOtlpServer {
  readonly requests: RecordedRequest[] = [];
  readonly #waiters = new Waiters();
  readonly #server: Http2Server;
  readonly #script: (callIndex: number) => Answer;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new WeakMap<Http2Session, Socket>();
  readonly #brokenAtMs = new WeakMap<Http2Session, number>();
  readonly #leaving = new WeakSet<Http2Session>();
  #connecting: Socket | undefined;
  readonly #options: OtlpServerOptions;
  #callCount = 0;
  #cancelledCount = 0;
  #sessionCount = 0;
  #pingCount = 0;

  private constructor(script: Script, options: OtlpServerOptions) {
    this.#script = typeof script === 'function' ? script : (callIndex) => script[callIndex] ?? { kind: 'ok' };
    this.#options = options;
    this.#server = options.tls === undefined ? createServer() : (createSecureServer(options.tls) as Http2Server);
    // Its session is made by the listener that follows.
    this.#server.prependListener(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#connecting = socket;
    });
    this.#server.on('session', (session) => this.#watch(session));
    this.#server.on('stream', (stream, headers) => {
      // Rejects when the client or the script breaks the stream off: nothing is left to do for it.
      this.#serve(stream, headers).catch(() => undefined);
    });
    // Faults of a connection are what the clients under test cause and look at.
    this.#server.on('sessionError', () => undefined);
  }

  /** Listens on 127.0.0.1 or on a Unix socket. */
  static async start(script: Script = [], options: OtlpServerOptions = {}): Promise<ScriptedOtlpServer> {
    const server = new ScriptedOtlpServer(script, options);
    if (options.socketPath === undefined) server.#server.listen(options.port ?? 0, '127.0.0.1');
    else server.#server.listen(options.socketPath);
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:port`, `https://localhost:port` with TLS, or `unix:path`. */
  get endpoint(): string {
    if (this.#options.socketPath !== undefined) return `unix:${this.#options.socketPath}`;
    return this.#options.tls !== undefined ? `https://localhost:${this.port}` : `http://127.0.0.1:${this.port}`;
  }

  /** Calls that began, also those that were broken off. */
  get callCount(): number {
    return this.#callCount;
  }

  /** Calls that the client gave up. */
  get cancelledCount(): number {
    return this.#cancelledCount;
  }

  /** Connections so far. */
  get sessionCount(): number {
    return this.#sessionCount;
  }

  /** Keepalive pings so far. */
  get pingCount(): number {
    return this.#pingCount;
  }

  /** Resolves as soon as the condition holds; it is looked at at every call's beginning and end and every ping. */
  until(isDone: (server: ScriptedOtlpServer) => boolean): Promise<void> {
    return this.#waiters.until(() => isDone(this));
  }

  /** Breaks all connections and stops listening. May be called again. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const session of this.#sessions) this.#break(session);
    await closed;
  }

  #watch(session: ServerHttp2Session): void {
    this.#sessionCount += 1;
    this.#sessions.add(session);
    this.#sockets.set(session, this.#connecting!);
    session.on('error', () => undefined);
    session.on('ping', () => {
      this.#pingCount += 1;
      this.#waiters.wake();
    });
    session.on('close', () => this.#sessions.delete(session));
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    let answer = this.#script(this.#callCount);
    this.#callCount += 1;
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (stream.rstCode === constants.NGHTTP2_CANCEL) this.#cancelledCount += 1;
      this.#waiters.wake();
    });
    this.#waiters.wake();
    if (answer.kind === 'reset' && answer.when === 'mid_request') {
      await once(stream, 'data');
      return this.#break(stream.session);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    if (answer.kind !== 'goaway') {
      const bytes = readMessage(Buffer.concat(chunks), headers);
      if (answer.kind === 'read') answer = answer.answer(bytes);
      this.requests.push({ bytes, headers, answer, isConfirmed: this.#watchAnswer(stream) });
    }
    this.#waiters.wake();
    await this.#answer(stream, answer);
  }

  async #answer(stream: ServerHttp2Stream, answer: Answer): Promise<void> {
    switch (answer.kind) {
      case 'ok':
        return respond(stream, new Uint8Array());
      case 'response':
        return respond(stream, answer.message);
      case 'status':
        return refuse(stream, answer);
      case 'slow':
        await answer.until;
        return stream.closed ? undefined : this.#answer(stream, answer.answer);
      case 'read':
        throw new Error('"read" may not stand within another answer');
      case 'silence':
        return;
      case 'reset':
        if (answer.when === 'mid_response') {
          stream.respond(responseHeaders);
          // Announces more bytes than it sends.
          await new Promise((resolve) => stream.write(Buffer.from([0, 0, 0, 0, 9, 10]), resolve));
        }
        return this.#break(stream.session);
      case 'no_answer':
        return stream.close(constants.NGHTTP2_NO_ERROR);
      case 'half_closed':
        stream.respond(responseHeaders);
        return void stream.end(answer.message === undefined ? undefined : framed(answer.message));
      case 'wrong_compression':
        return respond(stream, gzipSync(new Uint8Array()), { flag: 1, headers: { 'grpc-encoding': 'br' } });
      case 'http':
        return stream.respond({ ':status': answer.status, ...answer.headers }, { endStream: true });
      case 'goaway':
        return this.#leave(stream);
    }
  }

  #leave({ session, id = 1 }: ServerHttp2Stream): void {
    // A second GOAWAY may not name a later stream.
    if (session === undefined || this.#leaving.has(session)) return;
    this.#leaving.add(session);
    session.goaway(constants.NGHTTP2_NO_ERROR, Math.max(0, id - 2));
    setImmediate(() => this.#break(session));
  }

  #watchAnswer(stream: ServerHttp2Stream): () => boolean {
    const { session } = stream;
    let leftAtMs = Infinity;
    stream.once('close', () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) leftAtMs = performance.now();
    });
    return () => {
      const untilMs = (session && this.#brokenAtMs.get(session)) ?? performance.now();
      return leftAtMs + confirmedAfterMs <= untilMs;
    };
  }

  #break(session: Http2Session | undefined): void {
    if (session === undefined) return;
    this.#brokenAtMs.set(session, performance.now());
    // Not the session: that would say goodbye to each stream, which no process does that dies.
    this.#sockets.get(session)?.destroy();
  }
}
