import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { constants } from 'node:http2';
import { messageOf } from '../support/error-text.ts';
import type { CallEnd, ResponseHeaders } from './client-call.ts';
import { endWithoutStatus, statusOf } from './client-call.ts';
import { frameMessage, MessageReader } from './message-reader.ts';
import type { GrpcStatus } from './status.ts';
import { status } from './status.ts';

/**
 * A call of messages in both directions. Messages that are sent before there is a connection wait for it, without a bound of their own:
 * whoever sends them counts those without a reply. Messages are not compressed.
 */
export class StreamCall {
  /** Never rejects. */
  readonly ended: Promise<CallEnd>;
  readonly #reader: MessageReader;
  readonly #maxResponseBytes: number;
  readonly #onMessage: (bytes: Uint8Array) => void;
  readonly #signal: AbortSignal;
  readonly #resolve: (end: CallEnd) => void;
  #stream: ClientHttp2Stream | undefined;
  #waiting: Buffer[] = [];
  #isDone = false;
  #headers: ResponseHeaders | undefined;
  #trailers: IncomingHttpHeaders | undefined;
  #error: Error | undefined;
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
    else if (this.#stream.writable) this.#stream.write(frame);
  }

  /** Nothing more is sent; replies still come. */
  end(): void {
    this.#isDone = true;
    this.#stream?.end();
  }

  /** Ends the call without a connection. */
  fail(end: CallEnd): void {
    this.#waiting = [];
    this.#resolve(end);
  }

  /** Makes the call on a connection. */
  open(session: ClientHttp2Session, headers: OutgoingHttpHeaders): void {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers);
    } catch (error) {
      // The connection has just ended.
      const lost = { code: status.UNAVAILABLE, details: messageOf(error) };
      this.fail({ status: lost, isAnswered: false, origin: 'lost', isUnprocessed: true });
      return;
    }
    this.#stream = stream;
    stream.on('response', (response) => {
      this.#headers = response;
    });
    stream.on('trailers', (trailers) => {
      this.#trailers = trailers;
    });
    stream.on('data', (piece: Buffer) => this.#take(piece));
    stream.on('end', () => {
      // The rest of the request is of no use to a receiver that has ended the call.
      if (!stream.writableFinished) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (error) => {
      this.#error = error;
    });
    stream.on('close', () => {
      this.#signal.removeEventListener('abort', this.#cancel);
      this.#resolve(this.#endOf(session, stream));
    });
    for (const frame of this.#waiting) stream.write(frame);
    this.#waiting = [];
    if (this.#isDone) stream.end();
    if (this.#signal.aborted) this.#cancel();
    else this.#signal.addEventListener('abort', this.#cancel, { once: true });
  }

  readonly #cancel = (): void => this.#stop({ code: status.CANCELLED, details: 'the call was cancelled' });

  #stop(fault: GrpcStatus): void {
    this.#fault ??= fault;
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  #take(piece: Buffer): void {
    this.#reader.push(piece);
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

  #pass(bytes: Uint8Array): void {
    try {
      this.#onMessage(bytes);
    } catch (error) {
      this.#stop({ code: status.INTERNAL, details: `unreadable response: ${messageOf(error)}` });
    }
  }

  #endOf(session: ClientHttp2Session, stream: ClientHttp2Stream): CallEnd {
    const isAnswered = this.#headers !== undefined;
    const told = this.#fault ?? statusOf(this.#trailers) ?? statusOf(this.#headers);
    if (told !== undefined) return { status: told, isAnswered, origin: 'receiver' };
    return { ...endWithoutStatus(session, stream, this.#headers, this.#error), isAnswered };
  }
}
