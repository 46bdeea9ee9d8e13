import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { ClientSession } from '../../../src/grpc/http2/client-session.ts';
import type { StreamEnd, StreamReader } from '../../../src/grpc/http2/client-stream.ts';
import {
  flags,
  frameHeadBytes,
  frameOf,
  settingsFrame as frameOfSettings,
  frameTypes,
  preface,
} from '../../../src/grpc/http2/frames.ts';
import type { Headers } from '../../../src/grpc/http2/header-codec.ts';
import { HeaderDecoder, HeaderEncoder } from '../../../src/grpc/http2/header-codec.ts';
import { Waiters } from '../../support/waiters.ts';

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Values by the IDs of settings. */
export type Settings = Readonly<Record<number, number>>;

export function settingsFrame(settings: Settings): Buffer {
  return frameOfSettings(Object.entries(settings).map(([id, value]) => [Number(id), value]));
}

/** A server, or a client, that writes the frames that a test wants, and keeps those that come. */
export class RawPeer {
  readonly frames: SeenFrame[] = [];
  readonly socket: Socket;
  readonly #waiters = new Waiters();
  readonly #encoder = new HeaderEncoder();
  readonly #decoder = new HeaderDecoder();
  #held: Buffer = Buffer.alloc(0);
  #hasPreface: boolean;

  /** `peer`: a client begins with the preface. */
  constructor(socket: Socket, peer: 'client' | 'server') {
    this.socket = socket;
    this.#hasPreface = peer === 'server';
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      this.#held = Buffer.concat([this.#held, piece]);
      this.#read();
      this.#waiters.wake();
    });
  }

  #read(): void {
    if (!this.#hasPreface && this.#held.length >= preface.length) {
      this.#hasPreface = true;
      this.#held = this.#held.subarray(preface.length);
    }
    while (this.#hasPreface && this.#held.length >= frameHeadBytes) {
      const held = this.#held;
      const end = frameHeadBytes + held.readUIntBE(0, 3);
      if (held.length < end) return;
      const payload = held.subarray(frameHeadBytes, end);
      this.frames.push({ type: held[3]!, flags: held[4]!, id: held.readUInt32BE(5), payload });
      this.#held = held.subarray(end);
    }
  }

  send(type: number, own: number, id: number, payload: Uint8Array = Buffer.alloc(0)): void {
    this.socket.write(frameOf({ type, flags: own, streamId: id }, payload));
  }

  set(settings: Settings): void {
    this.socket.write(settingsFrame(settings));
  }

  blockOf(headers: Headers): Buffer {
    return this.#encoder.encode(headers, 0);
  }

  sendHeaders(id: number, headers: Headers, isLast = false): void {
    this.send(frameTypes.HEADERS, flags.END_HEADERS | (isLast ? flags.END_STREAM : 0), id, this.blockOf(headers));
  }

  /** The headers of each HEADERS frame, by stream; call once. */
  requests(): Map<number, Headers> {
    const heads = this.frames.filter(({ type }) => type === frameTypes.HEADERS);
    return new Map(heads.map(({ id, payload }) => [id, this.#decoder.decode(payload)]));
  }

  of(type: number, id?: number): SeenFrame[] {
    return this.frames.filter((frame) => frame.type === type && (id === undefined || frame.id === id));
  }

  /** Bytes of a stream's body. */
  body(id: number): Buffer {
    return Buffer.concat(this.of(frameTypes.DATA, id).map(({ payload }) => payload));
  }

  until(isDone: () => boolean): Promise<void> {
    return this.#waiters.until(isDone);
  }

  /** Begins as a client, and resolves when both sides have said their settings and heard the other's. */
  async begin(settings: Settings = {}): Promise<void> {
    this.socket.write(Buffer.concat([preface, settingsFrame(settings)]));
    this.send(frameTypes.SETTINGS, flags.ACK, 0);
    await this.until(() => this.of(frameTypes.SETTINGS).length === 2);
  }

  /** Resolves when the other side has taken what was sent before, or has closed the connection. */
  async settled(): Promise<void> {
    const count = this.of(frameTypes.PING).length;
    this.send(frameTypes.PING, 0, 0, Buffer.alloc(8));
    await Promise.race([this.until(() => this.of(frameTypes.PING).length > count), this.closed()]);
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close');
  }

  /** By how much the other side has widened a window. */
  widened(id: number): number {
    return this.of(frameTypes.WINDOW_UPDATE, id).reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
  }
}

/** A call that keeps what it gets. */
export class Recorder implements StreamReader {
  readonly headers: Headers[] = [];
  readonly pieces: Buffer[] = [];
  readonly ended = Promise.withResolvers<StreamEnd>();

  onHeaders(headers: Headers): void {
    this.headers.push({ ...headers });
  }

  onData(piece: Buffer): void {
    this.pieces.push(Buffer.from(piece));
  }

  onClose(end: StreamEnd): void {
    this.ended.resolve(end);
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }
}

export interface Connected {
  readonly peer: RawPeer;
  readonly session: ClientSession;
  /** The client's. */
  readonly socket: Socket;
  readonly goaways: string[];
  readonly closed: Promise<Error | undefined>;
}

/** A session on a connection to a raw peer, which has sent nothing yet. */
export async function connectRaw(t: TestContext, firstId?: number): Promise<Connected> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[served]] = (await Promise.all([accepted, once(socket, 'connect')])) as [[Socket], unknown];
  const peer = new RawPeer(served, 'client');
  const goaways: string[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>();
  const onGoaway = (code: number, text: string): number => goaways.push(`${code} ${text}`);
  const onExhausted = (): number => goaways.push('exhausted');
  const session = new ClientSession(socket, { onGoaway, onExhausted, onClose: resolve }, firstId);
  t.after(() => {
    session.destroy();
    served.destroy();
    server.close();
  });
  return { peer, session, socket, goaways, closed };
}
