import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { ServerOptions } from 'node:https';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { Waiters } from './waiters.ts';

/** What the server does with one request. */
export type HttpScriptAnswer =
  /** 200 with the empty partial success that the Collector always sends, in the encoding of the request. */
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array | string;
    }
  /** Waits for the promise, then does as `answer` says. */
  | { readonly kind: 'slow'; readonly until: Promise<void>; readonly answer: HttpScriptAnswer }
  /** Answers by the body, decompressed. */
  | { readonly kind: 'read'; readonly answer: (bytes: Uint8Array) => HttpScriptAnswer }
  /** Takes the request and never answers. */
  | { readonly kind: 'silence' }
  /** Breaks the connection: before the whole request is read, after it, or within the body of a response. */
  | { readonly kind: 'reset'; readonly when: 'mid_request' | 'after_request' }
  | { readonly kind: 'reset'; readonly when: 'mid_response'; readonly status?: number }
  /** Answers with a body that goes on for as long as somebody reads it. */
  | { readonly kind: 'endless'; readonly status: number }
  /** Answers with something that is not HTTP. */
  | { readonly kind: 'garbage' };

/** A request that was read to its end. */
export interface RecordedHttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body, decompressed. */
  readonly bytes: Uint8Array;
  /** The body as it came. */
  readonly body: Uint8Array;
  /** What the script said to it. */
  readonly answer: HttpScriptAnswer;
}

/** Answers of requests in the order of their arrival, 0 being the first; past the end of a list every answer is ok. */
export type HttpScript = readonly HttpScriptAnswer[] | ((requestIndex: number) => HttpScriptAnswer);

/** An OTLP receiver over HTTP that does as a script says and records what it gets. It decodes no messages: they are bytes. */
export class ScriptedHttpServer {
  readonly requests: RecordedHttpRequest[] = [];
  readonly #waiters = new Waiters();
  readonly #server: Server;
  readonly #isTls: boolean;
  readonly #script: (requestIndex: number) => HttpScriptAnswer;
  readonly #sockets = new Set<Socket>();
  #requestCount = 0;
  #connectionCount = 0;

  private constructor(script: HttpScript, tls: ServerOptions | undefined) {
    this.#script = typeof script === 'function' ? script : (index) => script[index] ?? { kind: 'ok' };
    this.#isTls = tls !== undefined;
    this.#server = tls === undefined ? createServer() : createTlsServer(tls);
    // A connection that is closed while a test thinks would make its next request a gamble.
    this.#server.keepAliveTimeout = 0;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // Rejects when the client or the script breaks off: nothing is left to do for it.
      this.#serve(request, response).catch(() => undefined);
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#connectionCount += 1;
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#waiters.wake();
      });
    });
  }

  /** Listens on 127.0.0.1. */
  static async start(
    script: HttpScript = [],
    { port = 0, tls }: { readonly port?: number; readonly tls?: ServerOptions } = {},
  ): Promise<ScriptedHttpServer> {
    const server = new ScriptedHttpServer(script, tls);
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:port`, or `https://localhost:port` with TLS. */
  get endpoint(): string {
    return this.#isTls ? `https://localhost:${this.port}` : `http://127.0.0.1:${this.port}`;
  }

  /** Requests that began, also those that were broken off. */
  get requestCount(): number {
    return this.#requestCount;
  }

  /** Connections so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** Connections that are open. */
  get openCount(): number {
    return this.#sockets.size;
  }

  /** Resolves as soon as the condition holds; it is looked at at every request's beginning and end and every close. */
  until(isDone: (server: ScriptedHttpServer) => boolean): Promise<void> {
    return this.#waiters.until(() => isDone(this));
  }

  /** Breaks all connections and stops listening. May be called again. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = this.#script(this.#requestCount);
    this.#requestCount += 1;
    this.#waiters.wake();
    if (answer.kind === 'reset' && answer.when === 'mid_request') {
      await once(request, 'data');
      request.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url: path = '', headers } = request;
    const bytes = decompress(body, headers['content-encoding']);
    this.requests.push({ method, path, headers, body, bytes, answer });
    this.#waiters.wake();
    await this.#answer(request, response, answer.kind === 'read' ? answer.answer(bytes) : answer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse, answer: HttpScriptAnswer): Promise<void> {
    switch (answer.kind) {
      case 'read':
        throw new Error('an answer by the body leads to another such answer');
      case 'ok': {
        const type = request.headers['content-type']!;
        response.writeHead(200, { 'content-type': type });
        response.end(type === 'application/json' ? '{"partialSuccess":{}}' : Buffer.from([10, 0]));
        return;
      }
      case 'response':
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
        return;
      case 'slow':
        await answer.until;
        return this.#answer(request, response, answer.answer);
      case 'silence':
        return;
      case 'reset':
        if (answer.when === 'mid_response') {
          response.writeHead(answer.status ?? 200, { 'content-type': 'application/x-protobuf', 'content-length': '9' });
          await new Promise((resolve) => response.write(Buffer.from([10]), resolve));
        }
        request.socket.destroy();
        return;
      case 'endless':
        response.writeHead(answer.status, { 'content-type': 'text/html' });
        Readable.from(endlessText()).pipe(response);
        return;
      case 'garbage':
        request.socket.end('go away\r\n\r\n');
    }
  }
}

function* endlessText(): Generator<string> {
  for (;;) yield 'and so on '.repeat(100);
}

function decompress(body: Buffer, encoding: string | undefined): Uint8Array {
  if (encoding === undefined) return body;
  if (encoding === 'gzip') return gunzipSync(body);
  if (encoding === 'zstd') return zstdDecompressSync(body);
  throw new Error(`unexpected encoding: ${encoding}`);
}
