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
import { gunzipSync, gzipSync } from 'node:zlib';

/** What the server does with one call. */
export type Answer =
  | { readonly kind: 'ok' }
  /** OK with these bytes as the response message, e.g. a partial success or garbage. */
  | { readonly kind: 'response'; readonly message: Uint8Array }
  /** A status, with RetryInfo when `retryAfterMs` is there. */
  | { readonly kind: 'status'; readonly code: number; readonly details?: string; readonly retryAfterMs?: number }
  /** Waits for the promise before it answers. */
  | { readonly kind: 'slow'; readonly until: Promise<void>; readonly answer: Answer }
  /** Answers by what is in the message. */
  | { readonly kind: 'read'; readonly answer: (bytes: Uint8Array) => Answer }
  /** Takes the request and never answers. */
  | { readonly kind: 'silence' }
  /** Breaks the connection: before the whole request is read, after it, or within the response. */
  | { readonly kind: 'reset'; readonly when: 'mid_request' | 'after_request' | 'mid_response' }
  /** Ends the call without headers or status, and keeps the connection. */
  | { readonly kind: 'no_answer' }
  /** Ends the stream after a message, or at once, without a status. */
  | { readonly kind: 'half_closed'; readonly message?: Uint8Array }
  /** OK with a message that says it is compressed in an encoding that nobody announced. */
  | { readonly kind: 'wrong_compression' }
  /** HTTP that is not gRPC, as proxies answer. */
  | { readonly kind: 'http'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** GOAWAY that says this call was not processed, then the connection closes. */
  | { readonly kind: 'goaway' };

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

/** Answers of the calls in the order of their arrival, 0 being the first; past the end of a list every answer is ok. */
export type Script = readonly Answer[] | ((callIndex: number) => Answer);

/**
 * An OTLP receiver over gRPC that does as a script says and records what it gets. It speaks HTTP/2 frames itself, so that it can
 * break off anywhere, and does not decode messages: they are bytes.
 */
export class ScriptedOtlpServer {
  readonly requests: RecordedRequest[] = [];
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
  #waiters: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

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
    return new Promise((resolve) => {
      this.#waiters.push({ isDone: () => isDone(this), resolve });
      this.#wake();
    });
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
      this.#wake();
    });
    session.on('close', () => this.#sessions.delete(session));
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    let answer = this.#script(this.#callCount);
    this.#callCount += 1;
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (stream.rstCode === constants.NGHTTP2_CANCEL) this.#cancelledCount += 1;
      this.#wake();
    });
    this.#wake();
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
    this.#wake();
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

  #wake(): void {
    const done = this.#waiters.filter(({ isDone }) => isDone());
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter));
    for (const { resolve } of done) resolve();
  }
}

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' };

function respond(stream: ServerHttp2Stream, message: Uint8Array, { flag = 0, headers = {} } = {}): void {
  stream.respond({ ...responseHeaders, ...headers }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(framed(message, flag));
}

function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function refuse(stream: ServerHttp2Stream, answer: Extract<Answer, { kind: 'status' }>): void {
  const { code, details = '', retryAfterMs } = answer;
  stream.respond(
    {
      ...responseHeaders,
      'grpc-status': String(code),
      'grpc-message': encodeURIComponent(details),
      ...(retryAfterMs !== undefined && {
        'grpc-status-details-bin': encodeStatus(code, details, retryAfterMs).toString('base64'),
      }),
    },
    { endStream: true },
  );
}

/** The one message of a unary call (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
function readMessage(body: Buffer, headers: IncomingHttpHeaders): Uint8Array {
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  if (body[0] === 0) return message;
  if (headers['grpc-encoding'] !== 'gzip') throw new Error(`unexpected encoding: ${headers['grpc-encoding']}`);
  return gunzipSync(message);
}

/** A google.rpc.Status whose only detail is a RetryInfo. */
export function encodeStatus(code: number, message: string, retryAfterMs: number): Buffer {
  const seconds = BigInt(Math.floor(retryAfterMs / 1000));
  const nanos = BigInt(Math.round((retryAfterMs % 1000) * 1e6));
  const duration = Buffer.concat([field(1, seconds), field(2, nanos)]);
  const typeUrl = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  const any = Buffer.concat([field(1, typeUrl), field(2, field(1, duration))]);
  return Buffer.concat([field(1, BigInt(code)), field(2, Buffer.from(message)), field(3, any)]);
}

/** One protobuf field. */
function field(number: number, value: bigint | Buffer): Buffer {
  if (typeof value === 'bigint') return Buffer.concat([varint(BigInt(number * 8)), varint(BigInt.asUintN(64, value))]);
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(value.length)), value]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}
