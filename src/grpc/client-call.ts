// hot

import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
} from 'node:http2';
import { constants } from 'node:http2';
import { messageOf } from '../support/error-text.ts';
import type { ReadMessage } from './message-reader.ts';
import { MessageReader, prefixOf } from './message-reader.ts';
import type { Decompress } from './server-call.ts';
import type { GrpcStatus } from './status.ts';
import { percentDecode, status } from './status.ts';

/** The end of a unary call. */
export interface CallEnd {
  readonly status: GrpcStatus;
  /** Present when the status is OK. */
  readonly response?: Uint8Array | undefined;
  /** The receiver has sent headers. */
  readonly isAnswered: boolean;
  /** Origin of the status: the receiver, or this client, which found no connection or lost it. */
  readonly origin: 'receiver' | 'unconnected' | 'lost';
  /** The receiver has not looked at the call: it can be made again. */
  readonly isUnprocessed?: true;
  /** Encodings that the receiver says it takes; `undefined` where it does not say. */
  readonly acceptEncoding?: string | undefined;
}

export interface CallLimits {
  readonly maxResponseBytes: number;
  readonly decompressors: ReadonlyMap<string, Decompress>;
}

export type ResponseHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** A message as it is sent. */
export interface OutgoingMessage {
  readonly body: Uint8Array;
  readonly isCompressed: boolean;
}

/** Makes a unary call on a connection. Never rejects; `signal` cancels. */
export function callUnary(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  message: OutgoingMessage,
  { signal, ...limits }: CallLimits & { readonly signal: AbortSignal },
): Promise<CallEnd> {
  let stream: ClientHttp2Stream;
  try {
    stream = session.request(headers);
  } catch (error) {
    // The connection has just ended.
    const lost = { code: status.UNAVAILABLE, details: messageOf(error) };
    return Promise.resolve({ status: lost, isAnswered: false, origin: 'lost', isUnprocessed: true });
  }
  return new Promise((resolve) => new UnaryClientCall(session, stream, limits, signal, resolve).send(message));
}

class UnaryClientCall {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #limits: CallLimits;
  readonly #signal: AbortSignal;
  readonly #resolve: (end: CallEnd) => void;
  readonly #reader: MessageReader;
  #headers: ResponseHeaders | undefined;
  #trailers: IncomingHttpHeaders | undefined;
  #read: ReadMessage | undefined;
  /** Bytes have come behind the only message that there may be. */
  #hasMore = false;
  #error: Error | undefined;
  #isCancelled = false;

  constructor(
    session: ClientHttp2Session,
    stream: ClientHttp2Stream,
    limits: CallLimits,
    signal: AbortSignal,
    resolve: (end: CallEnd) => void,
  ) {
    this.#session = session;
    this.#stream = stream;
    this.#limits = limits;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reader = new MessageReader(limits.maxResponseBytes);
  }

  send({ body, isCompressed }: OutgoingMessage): void {
    const stream = this.#stream;
    stream.on('response', (headers) => {
      this.#headers = headers;
    });
    stream.on('trailers', (trailers) => {
      this.#trailers = trailers;
    });
    stream.on('data', (piece: Buffer) => this.#take(piece));
    stream.on('end', () => {
      // The rest of the request is of no use to a receiver that has answered.
      if (!stream.writableFinished) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (error) => {
      this.#error = error;
    });
    stream.on('close', () => {
      this.#signal.removeEventListener('abort', this.#cancel);
      void this.#end().then(this.#resolve);
    });
    // Prefix and message leave together, and the message is not copied.
    stream.cork();
    stream.write(prefixOf(body, isCompressed));
    stream.end(body);
    if (this.#signal.aborted) this.#cancel();
    else this.#signal.addEventListener('abort', this.#cancel, { once: true });
  }

  readonly #cancel = (): void => {
    this.#isCancelled = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  };

  #take(piece: Buffer): void {
    if (this.#read === undefined) {
      this.#reader.push(piece);
      this.#read = this.#reader.next();
      this.#hasMore = this.#read?.kind === 'message' && this.#reader.heldBytes > 0;
    } else if (this.#read.kind === 'message') this.#hasMore = true;
    if (this.#fault() !== undefined) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  async #end(): Promise<CallEnd> {
    const headers = this.#headers;
    const isAnswered = headers !== undefined;
    const acceptEncoding = firstOf(headers?.['grpc-accept-encoding']);
    const told = statusOf(this.#trailers) ?? statusOf(headers);
    if (told === undefined) return { ...this.#endWithoutStatus(), isAnswered, acceptEncoding };
    const common = { isAnswered, origin: 'receiver', acceptEncoding } as const;
    if (told.code !== status.OK) return { status: told, ...common };
    const response = await this.#response(firstOf(headers?.['grpc-encoding']) ?? 'identity');
    if (response instanceof Uint8Array) return { status: told, response, ...common };
    return { status: response, ...common };
  }

  #endWithoutStatus(): EndWithoutStatus {
    const fault = this.#fault();
    if (this.#isCancelled) return failed(status.CANCELLED, 'the call was cancelled');
    if (fault !== undefined) return { status: fault, origin: 'receiver' };
    return endWithoutStatus(this.#session, this.#stream, this.#headers, this.#error);
  }

  /** The message of the response, or the reason why it cannot be read. */
  async #response(encoding: string): Promise<Uint8Array | GrpcStatus> {
    const fault = this.#fault();
    if (fault !== undefined) return fault;
    if (this.#read?.kind !== 'message') {
      return { code: status.UNIMPLEMENTED, details: 'Not enough responses received' };
    }
    const { bytes, isCompressed } = this.#read;
    if (!isCompressed) return bytes;
    const decompress = this.#limits.decompressors.get(encoding);
    if (decompress === undefined) return { code: status.INTERNAL, details: 'unreadable response' };
    const result = await decompress(bytes, this.#limits.maxResponseBytes);
    switch (result.kind) {
      case 'whole':
        return result.bytes;
      case 'too_large': {
        const details = `Received message that decompresses to a size larger than ${this.#limits.maxResponseBytes}`;
        return { code: status.RESOURCE_EXHAUSTED, details };
      }
      case 'damaged':
        return { code: status.INTERNAL, details: `Failed to decompress message: ${result.reason}` };
    }
  }

  /** Fault of the bytes of the response. */
  #fault(): GrpcStatus | undefined {
    if (this.#hasMore) return { code: status.UNIMPLEMENTED, details: 'Too many responses received' };
    if (this.#read?.kind === 'bad_flag') return { code: status.INTERNAL, details: 'unreadable response' };
    if (this.#read?.kind !== 'too_large') return undefined;
    const details = `Received message larger than max (${this.#read.sizeBytes} vs ${this.#limits.maxResponseBytes})`;
    return { code: status.RESOURCE_EXHAUSTED, details };
  }
}

type EndWithoutStatus = Pick<CallEnd, 'status' | 'origin' | 'isUnprocessed'>;

/** The end of a call whose stream has closed before the receiver told a status. */
export function endWithoutStatus(
  session: ClientHttp2Session,
  { rstCode = 0 }: ClientHttp2Stream,
  headers: ResponseHeaders | undefined,
  fault: Error | undefined,
): EndWithoutStatus {
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) {
    return { ...lost('the receiver refused the stream'), isUnprocessed: true };
  }
  const httpStatus = headers?.[':status'];
  if (httpStatus !== undefined && httpStatus !== 200) {
    return failed(codeOfHttp(httpStatus), `Received HTTP status code ${httpStatus}`);
  }
  // Node.js gives a stream that its peer has reset an error of its own.
  const error = fault as NodeJS.ErrnoException | undefined;
  const isOwnFault = error !== undefined && error.code !== 'ERR_HTTP2_STREAM_ERROR';
  const isLost = session.destroyed || (headers === undefined && (rstCode === 0 || isOwnFault));
  if (isLost) return lost(error?.message ?? 'Connection dropped');
  const end = rstCode === 0 ? 'ended without a status' : `was reset with code ${rstCode}`;
  return failed(codeOfReset(rstCode), `the stream ${end}`);
}

function failed(code: number, details: string): EndWithoutStatus {
  return { status: { code, details }, origin: 'receiver' };
}

function lost(details: string): EndWithoutStatus {
  return { status: { code: status.UNAVAILABLE, details }, origin: 'lost' };
}

/** `undefined` where the headers tell no status. */
export function statusOf(headers: IncomingHttpHeaders | undefined): GrpcStatus | undefined {
  const code = firstOf(headers?.['grpc-status']);
  if (headers === undefined || code === undefined) return undefined;
  const details = percentDecode(firstOf(headers['grpc-message']) ?? '');
  const detailsBin = firstOf(headers['grpc-status-details-bin']);
  return {
    code: /^\d{1,4}$/.test(code) ? Number(code) : status.UNKNOWN,
    details,
    detailsBin: detailsBin === undefined ? undefined : Buffer.from(detailsBin, 'base64'),
  };
}

function firstOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
function codeOfHttp(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return status.INTERNAL;
    case 401:
      return status.UNAUTHENTICATED;
    case 403:
      return status.PERMISSION_DENIED;
    case 404:
      return status.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return status.UNAVAILABLE;
    default:
      return status.UNKNOWN;
  }
}

// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors
function codeOfReset(code: number): number {
  switch (code) {
    case constants.NGHTTP2_CANCEL:
      return status.CANCELLED;
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return status.RESOURCE_EXHAUSTED;
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return status.PERMISSION_DENIED;
    default:
      return status.INTERNAL;
  }
}
