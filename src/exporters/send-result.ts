import type { ExportRequest, Failure } from './export-request.ts';

/** What became of one export request. `errorType` is the Collector's word for it: a gRPC code name, `Shutdown` or `_OTHER`. */
export type SendResult = Accepted | Retryable | Permanent;

/** The receiver has it. Partial success is told here and never retried; without it the count is 0 and the text empty. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly rejectedProfiles: bigint;
  readonly message: string;
}

/** The same bytes may well be taken later. From a whole chain: interrupted by shutdown, and never refused. */
export interface Retryable {
  readonly kind: 'retryable';
  readonly errorType: string;
  readonly reason: string;
  /** The receiver asked for at least this much time. */
  readonly retryAfterMs?: number;
}

/** Trying again would not help, or has been tried for long enough. */
export interface Permanent {
  readonly kind: 'permanent';
  readonly errorType: string;
  readonly reason: string;
  /** Present when the same bytes may well be taken later: only the patience of this exporter is at its end. */
  readonly isGivenUp?: true;
  /** Present when the receiver refused the message for its size alone: smaller pieces of it may be taken. */
  readonly tooLarge?: TooLarge;
}

/** Says that a message is larger than its receiver takes. */
export interface TooLarge {
  /** What the receiver said that it takes; `undefined` when it did not say. Below the size of the message. */
  readonly limitBytes: number | undefined;
}

/**
 * One link of the chain from the sending queue to the wire. Resolves soon after `signal` aborts; never rejects for what
 * the other side or the network does.
 */
export type Send = (request: ExportRequest, signal: AbortSignal) => Promise<SendResult>;

/** Accepted as a whole. */
export const fullyAccepted: Accepted = { kind: 'accepted', rejectedProfiles: 0n, message: '' };

/** What an attempt ends with when the exporter stops in its midst. */
export function interruptedByShutdown(reason: string): Retryable {
  return { kind: 'retryable', errorType: 'Shutdown', reason: `interrupted by shutdown: ${reason}` };
}

/** The failure as its waiting sender is told it. */
export function failureOf(result: Retryable | Permanent): Failure {
  const isRetryable = result.kind === 'retryable' || result.isGivenUp === true;
  return { kind: 'failed', isRetryable, reason: result.reason };
}
