// hot
import type { BufferPool } from '../support/buffer-pool.ts';
import type { Headers, OutgoingHeaders } from './http2/header-codec.ts';
import type { RequestReader, ServerStream } from './http2/server-stream.ts';
import type { ReadMessage } from './message-reader.ts';
import { frameMessage, MessageReader } from './message-reader.ts';
import type { GrpcStatus } from './status.ts';
import { status, statusHeaders } from './status.ts';
import type { GivenUpReason, UnfinishedMessage, UnfinishedMessages } from './unfinished-messages.ts';
import { givenUpTexts } from './unfinished-messages.ts';

/** Result of decompressing a message. */
export type Decompressed =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'too_large' };

/** Decompresses a message, a short one at once; stops beyond `maxBytes`. Never throws or rejects. */
export type Decompress = (bytes: Uint8Array, maxBytes: number) => Decompressed | Promise<Decompressed>;

/**
 * The side of a call that answers it. It ends the call once, by `ServerCall.end` or `finish`; where the call ends before that,
 * because the client cancelled, its deadline passed or its bytes were at fault, `onCancel` is called instead.
 */
export interface CallHandler {
  onMessage(message: Buffer): void;
  /** The client has sent its last message. */
  onHalfClose(): void;
  onCancel(): void;
}

/** A method of a service; called for each of its calls. */
export type Method = (call: ServerCall) => CallHandler;

/** Parts that all calls of a server share. */
export interface CallParts {
  readonly maxMessageBytes: number;
  /** Memory of messages. */
  readonly buffers: BufferPool;
  readonly unfinished: UnfinishedMessages;
  /** `path` is that of the method. */
  readonly onMessageTooLarge: (path: string) => void;
  /** Told of what a handler threw. */
  readonly onFault: (error: unknown) => void;
}

const responseHeaders: OutgoingHeaders = { ':status': '200', 'content-type': 'application/grpc+proto' };

const ok: GrpcStatus = { code: status.OK, details: '' };
const okTrailers: OutgoingHeaders = statusHeaders(ok);

/** One call of a server: messages come in through a `CallHandler`, and messages and one status go out. */
export class ServerCall implements RequestReader {
  readonly headers: Headers;
  /** The connection that the call came by. */
  readonly connection: object;
  /** Called once, when the stream is closed. */
  onClosed: (() => void) | undefined;
  readonly #stream: ServerStream;
  readonly #parts: CallParts;
  readonly #reader: MessageReader;
  #handler: CallHandler | undefined;
  /** `undefined` where no compression was declared. */
  #decompress: Decompress | undefined;
  #unfinished: UnfinishedMessage | undefined;
  #isOver = false;
  #isPaused = false;
  #isDecompressing = false;
  /** The client's side of the stream has ended. */
  #hasEnded = false;
  #isHalfClosed = false;

  constructor(stream: ServerStream, connection: object, parts: CallParts) {
    this.headers = stream.headers;
    this.connection = connection;
    this.#stream = stream;
    this.#parts = parts;
    this.#reader = new MessageReader(parts.maxMessageBytes, parts.buffers, parts.unfinished);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins to read. Nothing of a message is read before. */
  begin(method: Method, decompress: Decompress | undefined): void {
    this.#decompress = decompress;
    const handler = method(this);
    if (this.#isOver) return;
    this.#handler = handler;
    if (!this.#isPaused) this.#stream.resume();
  }

  onData(piece: Buffer): void {
    if (this.#isOver) return;
    this.#reader.push(piece);
    this.#drain();
    this.#reader.keep();
  }

  onEnd(): void {
    this.#hasEnded = true;
    if (!this.#isOver) this.#drain();
  }

  /** No message is delivered until `resume`: the client can send no more than its window. */
  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#isOver) return;
    this.#isPaused = false;
    this.#goOn();
  }

  /** `onSent` is called once the message has left for the client's window, or never will. */
  send(message: Uint8Array, onSent?: () => void): void {
    if (this.#isOver) return;
    this.#respond();
    this.#stream.write(frameMessage(message), onSent);
  }

  /** Gives the memory of a message back, of which nothing is read any more. */
  release(message: Buffer): void {
    this.#parts.buffers.giveBack(message);
  }

  /** Does the same later, and keeps nothing of the call. */
  releaseOf(message: Buffer): () => void {
    const { buffers } = this.#parts;
    return () => buffers.giveBack(message);
  }

  /** Ends the call with its only, or last, message. */
  finish(message: Uint8Array): void {
    if (this.#isOver) return;
    this.#respond();
    this.#settle();
    this.#stream.write(frameMessage(message));
    this.#stream.end(okTrailers);
  }

  /** `more` are further headers, of a call that has sent no message. */
  end(result: GrpcStatus = ok, more?: Readonly<Record<string, string>>): void {
    if (this.#isOver) return;
    this.#settle();
    const headers = result === ok ? okTrailers : statusHeaders(result);
    if (this.#stream.hasHeaders) this.#stream.end(headers);
    else this.#stream.respond({ ...responseHeaders, ...headers, ...more }, true);
  }

  /** Ends the call in place of its handler. */
  refuse(code: number, details: string): void {
    if (this.#isOver) return;
    this.end({ code, details });
    this.#handler?.onCancel();
  }

  /** Ends the call because of a fault of this service. */
  fail(error: unknown): void {
    this.#parts.onFault(error);
    this.refuse(status.INTERNAL, 'the service failed to handle the call; its log says why');
  }

  /** Work for the call begins that goes on when nobody waits for it any more; the result notes its end. Such work counts as an open call. */
  work(): () => void {
    return this.#stream.work();
  }

  onClose(): void {
    if (!this.#isOver) {
      this.#settle();
      this.#handler?.onCancel();
    }
    this.onClosed?.();
  }

  #respond(): void {
    if (!this.#stream.hasHeaders) this.#stream.respond(responseHeaders);
  }

  #settle(): void {
    this.#isOver = true;
    this.#finishUnfinished();
    this.#reader.drop();
    // The rest of the request is of no use, and must not keep the stream open.
    this.#stream.drop();
  }

  #goOn(): void {
    if (!this.#isOver) this.#drain();
    if (!this.#isOver && !this.#isPaused && !this.#isDecompressing) this.#stream.resume();
  }

  #drain(): void {
    while (this.#isReading()) {
      const read = this.#reader.next();
      if (read === undefined) break;
      this.#take(read);
    }
    this.#account();
    if (this.#hasEnded && !this.#isHalfClosed && this.#isReading()) this.#halfClose();
  }

  #halfClose(): void {
    this.#isHalfClosed = true;
    if (this.#reader.heldBytes > 0) this.refuse(status.INTERNAL, 'the last message is not whole');
    else this.#deliver((handler) => handler.onHalfClose());
  }

  #isReading(): boolean {
    return !this.#isOver && !this.#isPaused && !this.#isDecompressing;
  }

  #take(read: ReadMessage): void {
    switch (read.kind) {
      case 'too_large': {
        const { maxMessageBytes } = this.#parts;
        this.#refuseTooLarge(`larger than max (${read.sizeBytes} vs. ${maxMessageBytes})`);
        break;
      }
      case 'bad_flag': {
        const details = `the compressed flag of a message is ${read.flag}, which is neither 0 nor 1`;
        this.refuse(status.INTERNAL, details);
        break;
      }
      case 'message':
        if (!read.isCompressed) this.#deliver((handler) => handler.onMessage(read.bytes));
        else if (this.#decompress !== undefined) this.#expand(read.bytes, this.#decompress);
        else this.refuse(status.INTERNAL, 'a message is compressed, and no grpc-encoding says how');
    }
  }

  /** Messages keep their order: none is read while another is decompressed. */
  #expand(bytes: Buffer, decompress: Decompress): void {
    const result = decompress(bytes, this.#parts.maxMessageBytes);
    if (!(result instanceof Promise)) {
      this.#takeExpanded(result, bytes);
      return;
    }
    this.#isDecompressing = true;
    this.#stream.pause();
    const endWork = this.work();
    void result.then((late) => {
      endWork();
      this.#isDecompressing = false;
      if (this.#isOver) return;
      this.#takeExpanded(late, bytes);
      this.#goOn();
    });
  }

  #takeExpanded(result: Decompressed, compressed: Buffer): void {
    if (result.kind !== 'whole' || result.bytes.buffer !== compressed.buffer) this.release(compressed);
    switch (result.kind) {
      case 'whole': {
        const { buffer, byteOffset, byteLength } = result.bytes;
        this.#deliver((handler) => handler.onMessage(Buffer.from(buffer, byteOffset, byteLength)));
        break;
      }
      case 'too_large':
        this.#refuseTooLarge(`that decompresses to a size larger than ${this.#parts.maxMessageBytes}`);
        break;
      case 'damaged':
        this.refuse(status.INTERNAL, `Failed to decompress message: ${result.reason}`);
    }
  }

  // Senders know a message that is too large by these words, and read the limit out of them.
  #refuseTooLarge(complaint: string): void {
    this.#parts.onMessageTooLarge(this.headers[':path']!);
    const remedy = 'raise max_recv_msg_size_mib, or send less at once';
    this.refuse(status.RESOURCE_EXHAUSTED, `Received message ${complaint}; ${remedy}`);
  }

  #deliver(call: (handler: CallHandler) => void): void {
    try {
      call(this.#handler!);
    } catch (error) {
      this.fail(error);
    }
  }

  /** A message that has come in part is held for as long as `UnfinishedMessages` lets it. */
  #account(): void {
    // Bytes beyond a message that is in work are less than a frame, and wait for this service, not for the client.
    const { memoryBytes, pieceCount } = this.#reader;
    if (memoryBytes === 0 || !this.#isReading()) {
      this.#finishUnfinished();
      return;
    }
    this.#unfinished ??= this.#parts.unfinished.begin(this.connection, (reason) => this.#giveUp(reason));
    this.#unfinished.hold(memoryBytes, pieceCount);
  }

  #giveUp(reason: GivenUpReason): void {
    const isLate = reason === 'stalled' || reason === 'too_slow';
    this.refuse(isLate ? status.DEADLINE_EXCEEDED : status.RESOURCE_EXHAUSTED, givenUpTexts[reason]);
  }

  #finishUnfinished(): void {
    this.#unfinished?.finish();
    this.#unfinished = undefined;
  }
}
