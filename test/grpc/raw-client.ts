import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { flags, frameTypes } from '../../src/grpc/http2/frames.ts';
import type { Headers } from '../../src/grpc/http2/header-codec.ts';
import { HeaderDecoder } from '../../src/grpc/http2/header-codec.ts';
import { frameMessage } from '../../src/grpc/message-reader.ts';
import type { Settings } from './http2/raw-peer.ts';
import { RawPeer } from './http2/raw-peer.ts';

export const echoRequest: Headers = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/test.Service/Echo',
  ':authority': 'localhost',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** What became of a call. */
export interface Answer {
  /** Headers and trailers of the response, together. */
  readonly headers: Headers;
  readonly body: Buffer;
  /** The code of the reset that ended the stream; `undefined` for a response that is whole. */
  readonly reset: number | undefined;
}

/** A client that writes its frames itself. */
export class RawClient {
  readonly peer: RawPeer;
  readonly #decoder = new HeaderDecoder();
  readonly #headers = new Map<number, Record<string, string>>();
  #decodedCount = 0;

  /** Has said nothing yet. */
  static async silent(t: TestContext, port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    t.after(() => socket.destroy());
    return new RawClient(new RawPeer(socket, 'server'));
  }

  /** Has exchanged settings with the server. */
  static async ready(t: TestContext, port: number, settings: Settings = {}): Promise<RawClient> {
    const client = await RawClient.silent(t, port);
    await client.peer.begin(settings);
    return client;
  }

  constructor(peer: RawPeer) {
    this.peer = peer;
  }

  write(...frames: Uint8Array[]): void {
    this.peer.socket.write(Buffer.concat(frames));
  }

  /** Calls `Echo`. */
  call(id: number, message: Uint8Array): Promise<Answer> {
    this.peer.sendHeaders(id, echoRequest);
    this.peer.send(frameTypes.DATA, flags.END_STREAM, id, frameMessage(message));
    return this.answer(id);
  }

  /** Resolves when the response is whole or the stream is reset. @throws Error when the connection ends before that */
  async answer(id: number): Promise<Answer> {
    const { peer } = this;
    const isOver = (): boolean =>
      peer.of(frameTypes.RST_STREAM, id).length > 0 ||
      peer.frames.some(({ id: of, type, flags: own }) => of === id && type <= 1 && (own & flags.END_STREAM) !== 0);
    await Promise.race([peer.until(() => isOver() || this.hasLeft), this.closed()]);
    if (!isOver()) throw new Error(`the connection ended before stream ${id} did: GOAWAY ${this.goawayCode}`);
    this.#decode();
    const isWhole = peer.frames.some((one) => one.id === id && one.type <= 1 && (one.flags & flags.END_STREAM) !== 0);
    const [reset] = peer.of(frameTypes.RST_STREAM, id);
    const code = isWhole ? undefined : reset?.payload.readUInt32BE();
    return { headers: this.#headers.get(id) ?? {}, body: peer.body(id), reset: code };
  }

  #decode(): void {
    for (const { type, id, payload } of this.peer.frames.slice(this.#decodedCount)) {
      if (type === frameTypes.HEADERS) {
        this.#headers.set(id, { ...this.#headers.get(id), ...this.#decoder.decode(payload) });
      }
    }
    this.#decodedCount = this.peer.frames.length;
  }

  /** The code of the last GOAWAY; `undefined` where there was none. */
  get goawayCode(): number | undefined {
    return this.peer.of(frameTypes.GOAWAY).at(-1)?.payload.readUInt32BE(4);
  }

  /** The server has ended the connection for a fault. */
  get hasLeft(): boolean {
    return (this.goawayCode ?? 0) > 0;
  }

  closed(): Promise<void> {
    return this.peer.closed();
  }

  /** Resolves with the code of the GOAWAY when the server has ended the connection. */
  async ended(): Promise<number | undefined> {
    await Promise.race([this.peer.until(() => this.hasLeft), this.closed()]);
    return this.goawayCode;
  }
}
