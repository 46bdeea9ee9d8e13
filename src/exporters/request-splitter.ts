import { splitProfiles } from '../profile/split/split-profiles.ts';
import type { DeliveryResult, Failed, Permanent, Retryable, Send, SendResult, TooLarge } from './export-client.ts';
import { bug, failedBecause, interruptedByShutdown, worseOf } from './export-client.ts';
import type { ExportEvents, SplitReason } from './export-events.ts';
import type { ExportRequest } from './export-request.ts';
import { createExportRequest } from './export-request.ts';

/**
 * Sends a request in as many parts as its receiver needs, one after the other, and counts each. A request larger than `maxBytes` is
 * split before it is sent. A message that the receiver refuses for its size is split to the limit that the refusal names,
 * which all later requests keep to, or else in halves. Every split leaves fewer samples or bytes a part, so that a
 * receiver that takes nothing at all ends the splitting at single samples: these are dropped, and counted.
 */
export class RequestSplitter {
  readonly #send: Send;
  readonly #events: ExportEvents;
  readonly #keepsInterrupted: boolean;
  #maxBytes: number;

  /** `keepsInterrupted`: a request that shutdown cuts off is kept as a whole by the queue, and so not counted as failed. */
  constructor(send: Send, maxBytes: number, keepsInterrupted: boolean, events: ExportEvents) {
    this.#send = send;
    this.#keepsInterrupted = keepsInterrupted;
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /**
   * Resolves when all samples of the request are counted, unless the request is interrupted and kept; never rejects. A failure is that
   * of the first part that was not sent, or of one that may be sent later.
   */
  async deliver(request: ExportRequest, signal: AbortSignal): Promise<DeliveryResult> {
    const waiting = [request];
    let result: DeliveryResult = 'finished';
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const sent = await this.#sendOrSplit(next, signal);
      if (sent === 'interrupted') return sent;
      const isSplit = typeof sent === 'object' && 'parts' in sent;
      // Last first, so that parts are sent in order.
      if (isSplit) waiting.push(...sent.parts.toReversed());
      result = worseOf(result, isSplit ? sent.result : sent);
    }
    return result;
  }

  /** Sends the request and counts it, or returns the parts that have to be sent in its place. */
  async #sendOrSplit(request: ExportRequest, signal: AbortSignal): Promise<SplitRequest | DeliveryResult> {
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
      return this.#fail(request, bug(error));
    }
  }

  #interrupt(request: ExportRequest, failure: Retryable): DeliveryResult {
    return this.#keepsInterrupted ? 'interrupted' : this.#fail(request, failure);
  }

  #fail(request: ExportRequest, failure: Retryable | Permanent): Failed {
    this.#events.failed(request, failure);
    return failedBecause(failure);
  }

  async #attempt(request: ExportRequest, signal: AbortSignal): Promise<SendResult> {
    this.#events.started();
    try {
      return await this.#send(request, signal);
    } finally {
      this.#events.ended();
    }
  }

  #splitRefused(request: ExportRequest, failure: Permanent, { limitBytes }: TooLarge): SplitRequest | Failed {
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

  #split(request: ExportRequest, limits: PartLimits, why: SplitReason): SplitRequest {
    const split = splitRequest(request, limits, this.#events);
    this.#events.split(why, split.parts.length);
    return split;
  }
}

/** No receiver bounds messages to less: a smaller number was misread, and keeping to it would cost all data. */
const minLimitBytes = 1024;

/** Bounds on one part; absent = none. */
interface PartLimits {
  readonly maxBytes?: number;
  readonly maxItems?: number;
}

interface SplitRequest {
  readonly parts: readonly ExportRequest[];
  /** Result for the samples that are in no part. */
  readonly result: 'finished' | Failed;
}

/** The request in parts within the limits; counts the samples that are in none. */
export function splitRequest(
  request: ExportRequest,
  limits: PartLimits,
  events: Pick<ExportEvents, 'failed' | 'payloadsDropped'>,
): SplitRequest {
  const { parts, tooLargeSampleCount, droppedPayloadCount } = splitProfiles(request.data, limits);
  const reason = `a single sample is larger than ${limits.maxBytes} bytes; raise the limit if the receiver takes more`;
  const failure: Permanent = { kind: 'permanent', errorType: 'too_large', reason };
  if (tooLargeSampleCount > 0) events.failed({ sampleCount: tooLargeSampleCount }, failure);
  if (droppedPayloadCount > 0) events.payloadsDropped(droppedPayloadCount);
  // A profile without samples that is left alone in a part has nothing to tell.
  const requests = parts
    .filter(({ sampleCount }) => sampleCount > 0)
    .map(({ data, sampleCount }) => createExportRequest(data, sampleCount));
  return { parts: requests, result: tooLargeSampleCount > 0 ? failedBecause(failure) : 'finished' };
}
