// hot

import { sizeOf } from '../support/gather-bytes.ts';
import type { ClientSession } from './http2/client-session.ts';
import type { ClientStream, StreamEnd, StreamReader } from './http2/client-stream.ts';
import { errorCodes } from './http2/frames.ts';
import type { Headers, OutgoingHeaders } from './http2/header-codec.ts';
import type { ReadMessage } from './message-reader.ts';
import { MessageReader, prefixOf } from './message-reader.ts';
import type { Decompress, Decompressed } from './server-call.ts';
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
  /** The connection has taken the whole message: nothing of it is read any more. */
  readonly isWritten?: boolean;
  /** Encodings that the receiver says it takes; `undefined` where it does not say. */
  readonly acceptEncoding?: string | undefined;
}

export interface CallLimits {
  readonly maxResponseBytes: number;
  readonly decompressors: ReadonlyMap<string, Decompress>;
}

/** A message as it is sent. */
export interface OutgoingMessage {
  readonly pieces: readonly Uint8Array[];
  readonly isCompressed: boolean;
}

/** Makes a unary call on a connection. Never rejects; `signal` cancels. */
export function callUnary(
  session: ClientSession,
  headers: OutgoingHeaders,
  message: OutgoingMessage,
  { signal, ...limits }: CallLimits & { readonly signal: AbortSignal },
): Promise<CallEnd> {
  return new Promise((resolve) => new UnaryClientCall(limits, signal, resolve).begin(session, headers, message));
}

/** The end of a call on a connection that has just ended. */
export const notBegun: CallEnd = {
  status: { code: status.UNAVAILABLE, details: 'the connection takes no more calls' },
  isAnswered: false,
  origin: 'lost',
  isUnprocessed: true,
};

class UnaryClientCall implements StreamReader {
  readonly #limits: CallLimits;
  readonly #signal: AbortSignal;
  readonly #resolve: (end: CallEnd | Promise<CallEnd>) => void;
  readonly #reader: MessageReader;
  #stream: ClientStream | undefined;
  #headers: Headers | undefined;
  #trailers: Headers | undefined;
  #read: ReadMessage | undefined;
  /** Bytes have come behind the only message that there may be. */
  #hasMore = false;
  #isCancelled = false;

  constructor(limits: CallLimits, signal: AbortSignal, resolve: (end: CallEnd | Promise<CallEnd>) => void) {
    this.#limits = limits;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reader = new MessageReader(limits.maxResponseBytes);
  }

  begin(session: ClientSession, headers: OutgoingHeaders, { pieces, isCompressed }: OutgoingMessage): void {
    const stream = session.open(headers, this);
    if (stream === undefined) {
      this.#resolve(notBegun);
      return;
    }
    this.#stream = stream;
    this.#signal.addEventListener('abort', this.#cancel);
    // The message is not copied.
    stream.write([prefixOf(sizeOf(pieces), isCompressed), ...pieces], true);
    if (this.#signal.aborted) this.#cancel();
  }

  onHeaders(headers: Headers, isTrailer: boolean): void {
    if (isTrailer) this.#trailers = headers;
    else this.#headers = headers;
  }

  onData(piece: Buffer): void {
    if (this.#read === undefined) {
      this.#reader.push(piece);
      this.#read = this.#reader.next();
      this.#reader.keep();
      this.#hasMore = this.#read?.kind === 'message' && this.#reader.heldBytes > 0;
    } else if (this.#read.kind === 'message') this.#hasMore ||= piece.length > 0;
    if (this.#fault() !== undefined) this.#stream!.reset(errorCodes.CANCEL);
  }

  onClose(end: StreamEnd): void {
    this.#signal.removeEventListener('abort', this.#cancel);
    this.#resolve(this.#end(end));
  }

  readonly #cancel = (): void => {
    this.#isCancelled = true;
    this.#stream!.reset(errorCodes.CANCEL);
  };

  #end(end: StreamEnd): CallEnd | Promise<CallEnd> {
    const headers = this.#headers;
    const isAnswered = headers !== undefined;
    const acceptEncoding = headers?.['grpc-accept-encoding'];
    const told = statusOf(this.#trailers) ?? statusOf(headers);
    if (told === undefined) return { ...this.#endWithoutStatus(end), isAnswered, acceptEncoding };
    const { isWritten } = this.#stream!;
    const common = { isAnswered, origin: 'receiver', isWritten, acceptEncoding } as const;
    if (told.code !== status.OK) return { status: told, ...common };
    const withResponse = (response: Uint8Array | GrpcStatus): CallEnd =>
      response instanceof Uint8Array ? { status: told, response, ...common } : { status: response, ...common };
    const response = this.#response(headers?.['grpc-encoding'] ?? 'identity');
    return response instanceof Promise ? response.then(withResponse) : withResponse(response);
  }

  #endWithoutStatus(end: StreamEnd): EndWithoutStatus {
    const fault = this.#fault();
    if (this.#isCancelled) return failed(status.CANCELLED, 'the call was cancelled');
    if (fault !== undefined) return { status: fault, origin: 'receiver' };
    return endWithoutStatus(end, this.#headers);
  }

  /** The message of the response, or the reason why it cannot be read. */
  #response(encoding: string): Uint8Array | GrpcStatus | Promise<Uint8Array | GrpcStatus> {
    const fault = this.#fault();
    if (fault !== undefined) return fault;
    if (this.#read?.kind !== 'message') {
      return { code: status.UNIMPLEMENTED, details: 'Not enough responses received' };
    }
    const { bytes, isCompressed } = this.#read;
    if (!isCompressed) return bytes;
    const decompress = this.#limits.decompressors.get(encoding);
    if (decompress === undefined) return { code: status.INTERNAL, details: 'unreadable response' };
    const result = decompress(bytes, this.#limits.maxResponseBytes);
    return result instanceof Promise ? result.then((late) => this.#expanded(late)) : this.#expanded(result);
  }

  #expanded(result: Decompressed): Uint8Array | GrpcStatus {
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
export function endWithoutStatus({ code, lost: reason }: StreamEnd, headers: Headers | undefined): EndWithoutStatus {
  if (code === errorCodes.REFUSED_STREAM) {
    return { ...lost('the receiver refused the stream'), isUnprocessed: true };
  }
  const httpStatus = Number(headers?.[':status'] ?? 200);
  if (httpStatus !== 200) return failed(codeOfHttp(httpStatus), `Received HTTP status code ${httpStatus}`);
  const isLost = reason !== undefined || (headers === undefined && code === errorCodes.NO_ERROR);
  if (isLost) return lost(reason ?? 'Connection dropped');
  const end = code === errorCodes.NO_ERROR ? 'ended without a status' : `was reset with code ${code}`;
  return failed(codeOfReset(code), `the stream ${end}`);
}

function failed(code: number, details: string): EndWithoutStatus {
  return { status: { code, details }, origin: 'receiver' };
}

function lost(details: string): EndWithoutStatus {
  return { status: { code: status.UNAVAILABLE, details }, origin: 'lost' };
}

/** `undefined` where the headers tell no status. */
export function statusOf(headers: Headers | undefined): GrpcStatus | undefined {
  const code = headers?.['grpc-status'];
  if (headers === undefined || code === undefined) return undefined;
  const details = percentDecode(headers['grpc-message'] ?? '');
  const detailsBin = headers['grpc-status-details-bin'];
  return {
    code: /^\d{1,4}$/.test(code) ? Number(code) : status.UNKNOWN,
    details,
    detailsBin: detailsBin === undefined ? undefined : Buffer.from(detailsBin, 'base64'),
  };
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
    case errorCodes.CANCEL:
      return status.CANCELLED;
    case errorCodes.ENHANCE_YOUR_CALM:
      return status.RESOURCE_EXHAUSTED;
    case errorCodes.INADEQUATE_SECURITY:
      return status.PERMISSION_DENIED;
    default:
      return status.INTERNAL;
  }
}
