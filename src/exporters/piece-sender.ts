import { splitProfiles } from '../profile/split/split-profiles.ts';
import { createExportRequest } from './create-export-request.ts';
import type { ExportEvents, SplitReason } from './export-events.ts';
import type { ExportRequest, Failure } from './export-request.ts';
import type { Permanent, Retryable, Send, SendResult, TooLarge } from './send-result.ts';
import { failureOf, interruptedByShutdown } from './send-result.ts';
import type { Outcome } from './sending-queue.ts';
import { worseOutcome } from './worse-outcome.ts';

/**
 * Sends a request in as many pieces as its receiver needs, one after the other, and says what became of each. A request larger than
 * `maxBytes` is split before it is sent. A message that the receiver refuses for its size is split to the limit that the
 * refusal names, which all later requests keep to, or else in halves. Every split leaves fewer samples or bytes a piece, so
 * that a receiver that takes nothing at all ends it at single samples: these are dropped, and counted.
 */
export class PieceSender {
  readonly #send: Send;
  readonly #events: ExportEvents;
  readonly #keepsInterrupted: boolean;
  #maxBytes: number;

  /** `keepsInterrupted`: what shutdown cuts off is kept as a whole by the queue, and so not counted as failed. */
  constructor(send: Send, maxBytes: number, keepsInterrupted: boolean, events: ExportEvents) {
    this.#send = send;
    this.#keepsInterrupted = keepsInterrupted;
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /**
   * Resolves when all samples of the request are counted, unless it is interrupted and kept; never rejects. A failure is that of the
   * first piece that was not sent, or of one that may be sent later.
   */
  async deliver(request: ExportRequest, signal: AbortSignal): Promise<Outcome> {
    const waiting = [request];
    let outcome: Outcome = 'finished';
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const result = await this.#sendOrSplit(next, signal);
      if (result === 'interrupted') return result;
      const isSplit = typeof result === 'object' && 'pieces' in result;
      // Last first, so that pieces are sent in order.
      if (isSplit) waiting.push(...result.pieces.toReversed());
      outcome = worseOutcome(outcome, isSplit ? result.outcome : result);
    }
    return outcome;
  }

  /** Sends the request and counts it, or returns the pieces that have to be sent in its place. */
  async #sendOrSplit(request: ExportRequest, signal: AbortSignal): Promise<SplitRequest | Outcome> {
    try {
      if (signal.aborted) return this.#interrupt(request, interruptedByShutdown('the deadline passed before its turn'));
      // Without a bound nothing is encoded here: a log needs no bytes.
      if (this.#maxBytes !== Infinity && request.encoded().length > this.#maxBytes) {
        return this.#split(request, { maxBytes: this.#maxBytes }, 'max_bytes');
      }
      const result = await this.#attempt(request, signal);
      if (result.kind === 'retryable') return this.#interrupt(request, result);
      if (result.kind === 'permanent') {
        if (result.tooLarge !== undefined) return this.#splitRefused(request, result, result.tooLarge);
        return this.#fail(request, result);
      }
      this.#events.accepted(request, result);
      return 'finished';
    } catch (error) {
      // A fault of our own. It costs this request, not the service.
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return this.#fail(request, { kind: 'permanent', errorType: '_OTHER', reason });
    }
  }

  #interrupt(request: ExportRequest, failure: Retryable): Outcome {
    return this.#keepsInterrupted ? 'interrupted' : this.#fail(request, failure);
  }

  #fail(request: ExportRequest, failure: Retryable | Permanent): Failure {
    this.#events.failed(request, failure);
    return failureOf(failure);
  }

  async #attempt(request: ExportRequest, signal: AbortSignal): Promise<SendResult> {
    this.#events.started();
    try {
      return await this.#send(request, signal);
    } finally {
      this.#events.ended();
    }
  }

  #splitRefused(request: ExportRequest, failure: Permanent, { limitBytes }: TooLarge): SplitRequest | Failure {
    if (limitBytes !== undefined && limitBytes >= minLimitBytes && limitBytes < request.encoded().length) {
      if (limitBytes < this.#maxBytes) {
        this.#maxBytes = limitBytes;
        this.#events.limitLearned(limitBytes);
      }
      return this.#split(request, { maxBytes: limitBytes }, 'refused');
    }
    if (request.sampleCount > 1) {
      return this.#split(request, { maxItems: Math.ceil(request.sampleCount / 2) }, 'refused');
    }
    return this.#fail(request, failure);
  }

  #split(
    request: ExportRequest,
    limits: { readonly maxBytes?: number; readonly maxItems?: number },
    why: SplitReason,
  ): SplitRequest {
    const split = splitRequest(request, limits, this.#events);
    this.#events.split(why, split.pieces.length);
    return split;
  }
}

/** Nobody bounds messages to less: a smaller number was misread, and keeping to it would cost all data. */
const minLimitBytes = 1024;

interface SplitRequest {
  readonly pieces: readonly ExportRequest[];
  /** What became of the samples that are in no piece. */
  readonly outcome: 'finished' | Failure;
}

/** The request in pieces within the limits; counts the samples that are in none. */
export function splitRequest(
  request: ExportRequest,
  limits: { readonly maxBytes?: number; readonly maxItems?: number },
  events: Pick<ExportEvents, 'failed' | 'payloadsDropped'>,
): SplitRequest {
  const { pieces, tooLargeSampleCount, droppedPayloadCount } = splitProfiles(request.data, limits);
  const reason = `a single sample is larger than ${limits.maxBytes} bytes; raise the limit if the receiver takes more`;
  const failure: Permanent = { kind: 'permanent', errorType: 'too_large', reason };
  if (tooLargeSampleCount > 0) events.failed({ sampleCount: tooLargeSampleCount }, failure);
  if (droppedPayloadCount > 0) events.payloadsDropped(droppedPayloadCount);
  // A profile without samples that is left alone in a piece has nothing to tell.
  const requests = pieces
    .filter(({ sampleCount }) => sampleCount > 0)
    .map(({ data, sampleCount }) => createExportRequest(data, sampleCount));
  return { pieces: requests, outcome: tooLargeSampleCount > 0 ? failureOf(failure) : 'finished' };
}
