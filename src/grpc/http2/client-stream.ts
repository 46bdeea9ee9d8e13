// hot
import { defaultWindowBytes } from './frames.ts';
import type { Headers, OutgoingHeaders } from './header-codec.ts';
import { InboundWindow } from './inbound-window.ts';
import { OutgoingBody } from './outgoing-body.ts';

/** The end of a stream. */
export interface StreamEnd {
  /** Of a reset, by either side; 0 where there was none. */
  readonly code: number;
  /** Reason why the connection was lost, where the stream ended with that. */
  readonly lost?: string | undefined;
}

/** Side of a stream that reads it. Nothing is called after `onClose`. */
export interface StreamReader {
  /** Headers of the response, and after those of a response that is whole, trailers. */
  onHeaders(headers: Headers, isTrailer: boolean): void;
  /** A piece of the response; lent until the call returns unless it is copied. */
  onData(piece: Buffer): void;
  onClose(end: StreamEnd): void;
}

/** The connection of a stream. */
export interface StreamSender {
  /** Sends what the windows allow. */
  send(stream: ClientStream): void;
  reset(stream: ClientStream, code: number): void;
}

/** A request and its response on a connection. */
export class ClientStream {
  readonly reader: StreamReader;
  readonly headers: OutgoingHeaders;
  /** Of the request. */
  readonly body: OutgoingBody = new OutgoingBody();
  /** For the response. */
  readonly window: InboundWindow = new InboundWindow(defaultWindowBytes);
  readonly #sender: StreamSender;
  hasHeaders = false;
  isClosed = false;

  constructor(headers: OutgoingHeaders, reader: StreamReader, sender: StreamSender) {
    this.headers = headers;
    this.reader = reader;
    this.#sender = sender;
  }

  /** 0 while it waits for a place among the streams that the peer takes at the same time. */
  get id(): number {
    return this.body.id;
  }

  /** The kernel, or TLS, has all bytes of the request: nothing of `write`'s pieces is read any more. */
  get isWritten(): boolean {
    return this.body.isWritten;
  }

  /** Bytes of the request that wait for a window. */
  get heldBytes(): number {
    return this.body.heldBytes;
  }

  /** Sends pieces of the request, as soon as that may be; they must not change. `isLast`: nothing follows them. */
  write(pieces: readonly Uint8Array[], isLast: boolean): void {
    if (this.isClosed || !this.body.add(pieces)) return;
    if (isLast) this.body.end();
    if (this.id > 0) this.#sender.send(this);
  }

  /** Ends the stream, of which nothing more is sent or read. */
  reset(code: number): void {
    if (!this.isClosed) this.#sender.reset(this, code);
  }
}
