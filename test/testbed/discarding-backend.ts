import { once } from 'node:events';
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** Windows that a Collector has come to after two messages of megabytes, for a stream and for the connection: it begins with 64 KiB of both and measures. */
const windowBytes = 1 << 20;

/** An OTLP backend over gRPC that takes everything, keeps nothing and looks at nothing: it costs as little as one can. */
export class DiscardingBackend {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Requests so far, and their bytes on the wire. */
  requestCount = 0;
  receivedBytes = 0;

  private constructor(server: Http2Server) {
    this.#server = server;
    server.on('session', (session) => {
      session.setLocalWindowSize(windowBytes);
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', () => undefined);
    });
    server.on('stream', (stream) => this.#take(stream));
  }

  static async start(): Promise<DiscardingBackend> {
    const server = createServer({ settings: { initialWindowSize: windowBytes } });
    const backend = new DiscardingBackend(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
    await closed;
  }

  #take(stream: ServerHttp2Stream): void {
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      this.receivedBytes += chunk.length;
    });
    stream.on('end', () => {
      this.requestCount += 1;
      // A client whose attempt has timed out has left.
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      // An empty message: nothing was rejected.
      stream.end(Buffer.alloc(5));
    });
  }
}
