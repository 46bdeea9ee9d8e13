import type { ExportRequest } from './export-request.ts';

/** Last link of the chain: writes to a connection, a file or a log. One attempt a call; time limits and retries belong to the chain. */
export interface ExportClient {
  /** Rejects when the client cannot work, with a message that names field, value and remedy. */
  start(): Promise<void>;
  readonly send: Send;
  /** True where `send` takes the protobuf of a request. */
  readonly sendsProtobuf: boolean;
  /** Writes out what is buffered and closes. Called once, after the last `send`, also after a failed start. */
  close(): Promise<void>;
}

/**
 * One link of the chain from the sending queue to the wire. Resolves soon after `signal` aborts; never rejects for a fault of
 * the other side or of the network.
 */
export type Send = (request: ExportRequest, signal: AbortSignal) => Promise<SendResult>;

/** Result of sending a request. `errorType` is the Collector's word: a gRPC code name, `Shutdown` or `_OTHER`. */
export type SendResult = Accepted | Retryable | Permanent;

/** The receiver has the request. Partial success is told here and never retried; without it the count is 0 and the text empty. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly rejectedProfiles: bigint;
  readonly message: string;
}

/** The same bytes may be taken later. From a whole chain: interrupted by shutdown, and never refused. */
export interface Retryable {
  readonly kind: 'retryable';
  readonly errorType: string;
  readonly reason: string;
  /** Least time that the receiver asked for. */
  readonly retryAfterMs?: number;
  readonly isPartial?: true;
}

/** Retrying cannot succeed, or has been tried for long enough. */
export interface Permanent {
  readonly kind: 'permanent';
  readonly errorType: string;
  readonly reason: string;
  /** Present when the same bytes may be taken later: only the patience of this exporter is at its end. */
  readonly isGivenUp?: true;
  /** Present when the receiver refused the message for its size alone: smaller parts may be taken. */
  readonly tooLarge?: TooLarge;
  /** Present when the receiver may have stored some resources of the request: sent one by one, none is refused for another. */
  readonly isPartial?: true;
}

/** A message is larger than its receiver takes. */
export interface TooLarge {
  /** Limit that the receiver named; `undefined` when it named none. Below the size of the message. */
  readonly limitBytes: number | undefined;
}

/** Accepted as a whole. */
export const fullyAccepted: Accepted = { kind: 'accepted', rejectedProfiles: 0n, message: '' };

/** Result of an attempt that the stop of the exporter cut off. */
export function interruptedByShutdown(reason: string): Retryable {
  return { kind: 'retryable', errorType: 'Shutdown', reason: `interrupted by shutdown: ${reason}` };
}

/**
 * Result of a request that left the sending queue: `finished` when all of its samples are counted as sent, `interrupted` when the stop
 * cut it off and the queue keeps it.
 */
export type DeliveryResult = 'finished' | 'interrupted' | Failed;

/** A request, or a part of it, was not sent. */
export interface Failed {
  readonly kind: 'failed';
  /** The same request may succeed later. */
  readonly isRetryable: boolean;
  readonly reason: string;
}

/** The failure in the words of a delivery. */
export function failedBecause(result: Retryable | Permanent): Failed {
  const isRetryable = result.kind === 'retryable' || result.isGivenUp === true;
  return { kind: 'failed', isRetryable, reason: result.reason };
}

/** Result of the whole, of two of its parts: a failure that may succeed later outweighs one that never will. */
export function worseOf(one: DeliveryResult, other: DeliveryResult): DeliveryResult {
  if (one === 'finished' || other === 'interrupted') return other;
  if (one === 'interrupted' || other === 'finished') return one;
  return other.isRetryable && !one.isRetryable ? other : one;
}

/** A bug of our own while a request was handled. It costs that request, not the service. */
export function bug(error: unknown): Permanent {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: 'permanent', errorType: '_OTHER', reason };
}
