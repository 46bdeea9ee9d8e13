import { messageOf } from '../support/error-text.ts';
import type { CallEnd } from './client-call.ts';
import { endWithoutStatus, notBegun, statusOf } from './client-call.ts';
import type { ClientSession } from './http2/client-session.ts';
import type { ClientStream, StreamEnd, StreamReader } from './http2/client-stream.ts';
import { errorCodes } from './http2/frames.ts';
import type { Headers, OutgoingHeaders } from './http2/header-codec.ts';
import { frameMessage, MessageReader } from './message-reader.ts';
import type { GrpcStatus } from './status.ts';
import { status } from './status.ts';

/**
 * A call of messages in both directions. Messages that are sent before there is a connection wait for it, without a bound of their own:
 * whoever sends them counts those without a reply. Messages are not compressed.
 */
export class StreamCall implements StreamReader {
  /** Never rejects. */
  readonly ended: Promise<CallEnd>;
  readonly #reader: MessageReader;
  readonly #maxResponseBytes: number;
  readonly #onMessage: (bytes: Uint8Array) => void;
  readonly #signal: AbortSignal;
  readonly #resolve: (end: CallEnd) => void;
  #stream: ClientStream | undefined;
  #waiting: Buffer[] = [];
  #isDone = false;
  #headers: Headers | undefined;
  #trailers: Headers | undefined;
  #fault: GrpcStatus | undefined;

  constructor(maxResponseBytes: number, onMessage: (bytes: Uint8Array) => void, signal: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<CallEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#reader = new MessageReader(maxResponseBytes);
    this.#maxResponseBytes = maxResponseBytes;
    this.#onMessage = onMessage;
    this.#signal = signal;
  }

  send(message: Uint8Array): void {
    const frame = frameMessage(message);
    if (this.#stream === undefined) this.#waiting.push(frame);
    else this.#stream.write([frame], false);
  }

  /** Nothing more is sent; replies still come. */
  end(): void {
    this.#isDone = true;
    this.#stream?.write([], true);
  }

  /** Ends the call without a connection. */
  fail(end: CallEnd): void {
    this.#waiting = [];
    this.#resolve(end);
  }

  /** Makes the call on a connection. */
  open(session: ClientSession, headers: OutgoingHeaders): void {
    const stream = session.open(headers, this);
    if (stream === undefined) {
      this.fail(notBegun);
      return;
    }
    this.#stream = stream;
    this.#signal.addEventListener('abort', this.#cancel);
    stream.write(this.#waiting, this.#isDone);
    this.#waiting = [];
    if (this.#signal.aborted) this.#cancel();
  }

  onHeaders(headers: Headers, isTrailer: boolean): void {
    if (isTrailer) this.#trailers = headers;
    else this.#headers = headers;
  }

  onData(piece: Buffer): void {
    this.#reader.push(piece);
    this.#readMessages();
    this.#reader.keep();
  }

  #readMessages(): void {
    while (this.#fault === undefined) {
      const read = this.#reader.next();
      if (read === undefined) return;
      if (read.kind === 'message' && !read.isCompressed) this.#pass(read.bytes);
      else if (read.kind === 'too_large') {
        const details = `Received message larger than max (${read.sizeBytes} vs ${this.#maxResponseBytes})`;
        this.#stop({ code: status.RESOURCE_EXHAUSTED, details });
      } else this.#stop({ code: status.INTERNAL, details: 'unreadable response' });
    }
  }

  onClose(end: StreamEnd): void {
    this.#signal.removeEventListener('abort', this.#cancel);
    const isAnswered = this.#headers !== undefined;
    const told = this.#fault ?? statusOf(this.#trailers) ?? statusOf(this.#headers);
    if (told !== undefined) this.#resolve({ status: told, isAnswered, origin: 'receiver' });
    else this.#resolve({ ...endWithoutStatus(end, this.#headers), isAnswered });
  }

  readonly #cancel = (): void => this.#stop({ code: status.CANCELLED, details: 'the call was cancelled' });

  #stop(fault: GrpcStatus): void {
    this.#fault ??= fault;
    this.#stream?.reset(errorCodes.CANCEL);
  }

  #pass(bytes: Uint8Array): void {
    try {
      this.#onMessage(bytes);
    } catch (error) {
      this.#stop({ code: status.INTERNAL, details: `unreadable response: ${messageOf(error)}` });
    }
  }
}
