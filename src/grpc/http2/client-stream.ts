// hot
import type { Headers, OutgoingHeaders } from './header-codec.ts';

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

/** A request and its response on a connection. Bytes wait in it for windows of the peer. */
export class ClientStream {
  readonly reader: StreamReader;
  readonly headers: OutgoingHeaders;
  readonly #sender: StreamSender;
  /** 0 while it waits for a place among the streams that the peer takes at the same time. */
  id = 0;
  /** Bytes that the peer still takes. */
  window = 0;
  /** Bytes of the response since the last that the peer was told of. */
  untoldBytes = 0;
  hasHeaders = false;
  isClosed = false;
  /** The kernel, or TLS, has all bytes of the request: nothing of `write`'s pieces is read any more. */
  isWritten = false;
  #pieces: Uint8Array[] = [];
  /** Bytes of the first piece that are sent. */
  #offset = 0;
  #heldBytes = 0;
  #isWhole = false;
  #isSent = false;

  constructor(headers: OutgoingHeaders, reader: StreamReader, sender: StreamSender) {
    this.headers = headers;
    this.reader = reader;
    this.#sender = sender;
  }

  /** Sends pieces of the request, as soon as that may be; they must not change. `isLast`: nothing follows them. */
  write(pieces: readonly Uint8Array[], isLast: boolean): void {
    if (this.isClosed || this.#isWhole) return;
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      this.#pieces.push(piece);
      this.#heldBytes += piece.length;
    }
    this.#isWhole = isLast;
    if (this.id > 0) this.#sender.send(this);
  }

  /** Ends the stream, of which nothing more is sent or read. */
  reset(code: number): void {
    if (!this.isClosed) this.#sender.reset(this, code);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Everything was sent, and that it is everything. */
  get isSent(): boolean {
    return this.#isSent;
  }

  /** Something is to be sent: bytes, or that there are no more. */
  get isWaiting(): boolean {
    return this.#heldBytes > 0 || (this.#isWhole && !this.#isSent);
  }

  /** Nothing follows the next `sizeBytes` bytes. */
  endsWith(sizeBytes: number): boolean {
    return this.#isWhole && sizeBytes === this.#heldBytes;
  }

  /** To be called once the last bytes of the request are written, or cannot be. */
  readonly onWritten = (error?: Error | null): void => {
    this.isWritten = error === undefined || error === null;
  };

  /** Moves the next `sizeBytes` bytes, which there must be, to the end of `target`. */
  take(sizeBytes: number, target: Uint8Array[]): void {
    this.#isSent = this.endsWith(sizeBytes);
    let left = sizeBytes;
    let used = 0;
    while (left > 0) {
      const piece = this.#pieces[used]!;
      const end = Math.min(piece.length, this.#offset + left);
      target.push(this.#offset === 0 && end === piece.length ? piece : piece.subarray(this.#offset, end));
      left -= end - this.#offset;
      this.#offset = end;
      if (end < piece.length) break;
      this.#offset = 0;
      used++;
    }
    if (used > 0) this.#pieces.splice(0, used);
    this.#heldBytes -= sizeBytes;
  }

  /** Lets go of what was not sent. */
  drop(): void {
    this.#pieces = [];
    this.#heldBytes = 0;
    this.#isSent = this.#isWhole;
  }
}
