// hot
import type { Headers, OutgoingHeaders } from './header-codec.ts';
import type { InboundWindow } from './inbound-window.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { PieceQueue } from './piece-queue.ts';

/** Side of a stream that reads the request. Nothing is called after `onClose`. */
export interface RequestReader {
  /** A piece of the body, lent until the call returns. */
  onData(piece: Buffer): void;
  /** The body is whole. */
  onEnd(): void;
  onClose(): void;
}

/** The connection of a stream. */
export interface StreamConnection {
  sendHeaders(stream: ServerStream, headers: OutgoingHeaders, isLast: boolean): void;
  /** Sends what the windows allow. */
  send(stream: ServerStream): void;
  reset(stream: ServerStream, code: number): void;
  /** Notes that bytes of a body wait for their reader, or that they do no more. */
  wait(bytes: number): void;
  /** Notes that a stream takes so many bytes again. */
  consume(stream: ServerStream, bytes: number): void;
  /** Notes that the response has left as a whole. */
  finish(stream: ServerStream): void;
  /** Notes the end of work that went on although its stream was closed. */
  endWork(): void;
}

/** A request and its response on a connection of a server. The request waits until `resume`. */
export class ServerStream {
  readonly id: number;
  readonly headers: Headers;
  /** Of the response. */
  readonly body: OutgoingBody;
  /** For the request. */
  readonly window: InboundWindow;
  /** Without one, the body of the request is dropped. */
  reader: RequestReader | undefined;
  /** Bytes of the body that are still to come, where the headers tell; checked by the connection. */
  expectedBytes: number;
  /** The client has sent everything. */
  hasEnded = false;
  isClosed = false;
  /** Things that are done for the stream, which go on when it is closed. */
  workCount = 0;
  readonly #connection: StreamConnection;
  readonly #queue = new PieceQueue();
  #isPaused = true;
  #isDropped = false;
  #hasToldEnd = false;
  #hasHeaders = false;

  constructor(id: number, headers: Headers, window: InboundWindow, connection: StreamConnection) {
    this.id = id;
    this.headers = headers;
    this.window = window;
    this.#connection = connection;
    this.body = new OutgoingBody(() => connection.finish(this));
    this.body.id = id;
    this.expectedBytes = Number(headers['content-length'] ?? Number.NaN);
  }

  /** Headers of the response have been sent. */
  get hasHeaders(): boolean {
    return this.#hasHeaders;
  }

  /** Sends headers, before all else. `isLast`: they are the whole response. */
  respond(headers: OutgoingHeaders, isLast = false): void {
    if (this.isClosed || this.#hasHeaders) return;
    this.#hasHeaders = true;
    if (isLast) this.body.end();
    this.#connection.sendHeaders(this, headers, isLast);
    if (isLast) this.body.noteSent();
  }

  /** Sends a piece, which must not change; `onSent` is called once it has left, or never will. */
  write(piece: Uint8Array, onSent?: () => void): void {
    if (this.isClosed || !this.body.add([piece], onSent)) return;
    this.#connection.send(this);
  }

  end(trailers: OutgoingHeaders): void {
    if (this.isClosed || this.body.isWhole) return;
    this.body.end(trailers);
    this.#connection.send(this);
  }

  /** Ends the stream, of which nothing more is sent or read. */
  reset(code: number): void {
    if (!this.isClosed) this.#connection.reset(this, code);
  }

  /** Nothing more is read until `resume`: the client can send no more than its window. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    while (!this.#isPaused) {
      const piece = this.#queue.take();
      if (piece === undefined) break;
      this.#connection.wait(-piece.length);
      this.#give(piece);
    }
    this.#tellEnd();
  }

  /** Nobody reads the rest of the request any more. */
  drop(): void {
    this.#isDropped = true;
    this.#isPaused = true;
    this.resume();
  }

  /** A piece of the request, lent until the call returns. */
  push(piece: Buffer): void {
    if (!this.#isPaused && this.#queue.sizeBytes === 0) this.#give(piece);
    else {
      this.#queue.add(piece);
      this.#connection.wait(piece.length);
    }
  }

  /** The request is whole. */
  pushEnd(): void {
    this.hasEnded = true;
    this.#tellEnd();
  }

  /** Work for the stream begins that goes on when it is closed, and takes the place of a stream until the result is called. */
  work(): () => void {
    this.workCount++;
    return () => {
      this.workCount--;
      if (this.isClosed && this.workCount === 0) this.#connection.endWork();
    };
  }

  #give(piece: Buffer): void {
    if (!this.#isDropped) this.reader?.onData(piece);
    this.#connection.consume(this, piece.length);
  }

  #tellEnd(): void {
    if (!this.hasEnded || this.#hasToldEnd || this.#isPaused || this.#queue.sizeBytes > 0) return;
    this.#hasToldEnd = true;
    if (!this.#isDropped) this.reader?.onEnd();
  }
}
