import { countProfiles } from '../otlp/protobuf/count-profiles.ts';
import type { SplitLimits, SplitResult } from '../profile/split/split-profiles.ts';
import { splitProfiles } from '../profile/split/split-profiles.ts';
import type { Steps } from '../support/steps.ts';
import type { DeliveryResult, Failed, Permanent, Retryable, Send, SendResult, TooLarge } from './export-client.ts';
import { bug, failedBecause, interruptedByShutdown, worseOf } from './export-client.ts';
import type { ExportEvents, SplitReason } from './export-events.ts';
import type { ExportRequest } from './export-request.ts';
import {
  createEncodedRequest,
  createExportRequest,
  isWrittenTwice,
  markWrittenTwice,
  maxSplitGrowth,
  withEachFunctionTwice,
} from './export-request.ts';
import type { PartsReply } from './export-thread.ts';
import type { LargeRequests } from './large-requests.ts';

export interface SplitterOptions {
  /** Bytes that the receiver takes; Infinity for any. */
  readonly maxBytes: number;
  /** A request that shutdown cuts off is kept as a whole by the queue, and so not counted as failed. */
  readonly keepsInterrupted: boolean;
  /** The receiver wants each function twice. */
  readonly functionsTwice: boolean;
  /** Splits requests that would stop the event loop; all are split at once where it is not set. */
  readonly large?: LargeWork;
}

/**
 * Sends a request in as many parts as its receiver needs, one after the other, and counts each. A request larger than `maxBytes` is
 * split before it is sent. A message that the receiver refuses for its size is split to the limit that the refusal names,
 * which all later requests keep to, or else in halves. Every split leaves fewer samples or bytes a part, so that a
 * receiver that takes nothing at all ends the splitting at single samples: these are dropped, and counted. A refusal that
 * may concern some resources of the request alone splits it by resource.
 */
export class RequestSplitter {
  readonly #send: Send;
  readonly #events: ExportEvents;
  readonly #keepsInterrupted: boolean;
  readonly #functionsTwice: boolean;
  readonly #large: LargeWork | undefined;
  #maxBytes: number;

  constructor(send: Send, options: SplitterOptions, events: ExportEvents) {
    const { maxBytes, keepsInterrupted, functionsTwice, large } = options;
    this.#large = large;
    this.#send = send;
    this.#keepsInterrupted = keepsInterrupted;
    this.#functionsTwice = functionsTwice;
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** Cuts a report that will be split, while it is made of columns: from bytes, a thread would have to decode it. */
  prepare(request: ExportRequest): Steps<void> {
    return request.encodeWithin(this.#functionsTwice ? Infinity : this.#maxBytes);
  }

  /**
   * Resolves when all samples of the request are counted, unless the request is interrupted and kept; never rejects. A failure is that
   * of the first part that was not sent, or of one that may be sent later.
   */
  async deliver(request: ExportRequest, signal: AbortSignal): Promise<DeliveryResult> {
    // Last first, so that parts are sent in order.
    const waiting = request.parts?.toReversed() ?? [request];
    if (waiting.length > 1) this.#events.split('max_bytes', waiting.length);
    const failures = new PartFailures(this.#events);
    const budget = new SplitBudget(request);
    let result: DeliveryResult = 'finished';
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const sent = await this.#sendOrSplit(next, signal, { failures, budget });
      if (sent === 'interrupted') {
        result = sent;
        break;
      }
      const isSplit = typeof sent === 'object' && 'parts' in sent;
      if (isSplit) waiting.push(...sent.parts.toReversed());
      result = worseOf(result, isSplit ? sent.result : sent);
    }
    failures.report();
    return result;
  }

  /** Sends the request and counts it, or returns the parts that have to be sent in its place. */
  async #sendOrSplit(
    given: ExportRequest,
    signal: AbortSignal,
    delivery: Delivery,
  ): Promise<SplitRequest | DeliveryResult> {
    const { failures } = delivery;
    try {
      if (signal.aborted)
        return this.#interrupt(given, interruptedByShutdown('the deadline passed before its turn'), failures);
      const request = this.#functionsTwice ? await writeTwice(given, this.#large) : given;
      // Without a bound nothing is encoded here: a log needs no bytes.
      if (this.#maxBytes !== Infinity && request.sizeBytes > this.#maxBytes) {
        return await this.#split(request, { maxBytes: this.#maxBytes }, 'max_bytes', delivery);
      }
      const result = await this.#attempt(request, signal);
      if (result.kind === 'accepted') {
        this.#events.accepted(request, result);
        return 'finished';
      }
      if (result.isPartial && resourceCountOf(request) > 1) {
        return await this.#split(request, { isByResource: true }, 'partial', delivery);
      }
      if (result.kind === 'retryable') return this.#interrupt(request, result, failures);
      if (result.tooLarge !== undefined) return await this.#splitRefused(request, result, result.tooLarge, delivery);
      return failures.add(request, result);
    } catch (error) {
      return failures.add(given, bug(error));
    }
  }

  #interrupt(request: ExportRequest, failure: Retryable, failures: PartFailures): DeliveryResult {
    return this.#keepsInterrupted ? 'interrupted' : failures.add(request, failure);
  }

  async #attempt(request: ExportRequest, signal: AbortSignal): Promise<SendResult> {
    this.#events.started();
    try {
      return await this.#send(request, signal);
    } finally {
      this.#events.ended();
    }
  }

  async #splitRefused(
    request: ExportRequest,
    failure: Permanent,
    { limitBytes }: TooLarge,
    delivery: Delivery,
  ): Promise<SplitRequest | Failed> {
    if (limitBytes !== undefined && limitBytes >= minLimitBytes && limitBytes < request.sizeBytes) {
      if (limitBytes < this.#maxBytes) {
        this.#maxBytes = limitBytes;
        this.#events.limitLearned(limitBytes);
      }
      return this.#split(request, { maxBytes: limitBytes }, 'refused', delivery);
    }
    if (request.sampleCount > 1) {
      return this.#split(request, { maxItems: Math.ceil(request.sampleCount / 2) }, 'refused', delivery);
    }
    return delivery.failures.add(request, failure);
  }

  async #split(
    request: ExportRequest,
    limits: SplitLimits,
    why: SplitReason,
    { budget }: Delivery,
  ): Promise<SplitRequest> {
    const maxTotalBytes = (): number => budget.leftFor(request);
    const own = { ...limits, functionsTwice: this.#functionsTwice };
    const bytes = request.encoded();
    const apart = request.isLarge
      ? await this.#large?.split({ requests: [bytes], limits: own, maxTotalBytes: maxTotalBytes() })
      : undefined;
    const split =
      apart === undefined
        ? splitRequest(request, { ...own, maxTotalBytes }, this.#events)
        : partsOf(apart, request, own, this.#events);
    budget.replace(request, split.sizeBytes);
    this.#events.split(why, split.parts.length);
    return split;
  }
}

function resourceCountOf(request: ExportRequest): number {
  const { bytes } = request;
  return bytes !== undefined && request.isLarge ? countProfiles(bytes).resources : request.data.resourceProfiles.length;
}

/** Work on large requests that a thread does. */
type LargeWork = Pick<LargeRequests, 'split' | 'written'>;

async function writeTwice(request: ExportRequest, large: LargeWork | undefined): Promise<ExportRequest> {
  if (large === undefined || !request.isLarge || isWrittenTwice(request)) return withEachFunctionTwice(request);
  const bytes = await large.written('twice', request);
  return bytes === undefined
    ? withEachFunctionTwice(request)
    : markWrittenTwice(createEncodedRequest(bytes, request.sampleCount, request.hops));
}

/** State of the delivery of one request. */
interface Delivery {
  readonly failures: PartFailures;
  readonly budget: SplitBudget;
}

/** No receiver bounds messages to less: a smaller number was misread, and keeping to it would cost all data. */
const minLimitBytes = 1024;

export interface SplitRequest {
  readonly parts: readonly ExportRequest[];
  /** Of all parts together. */
  readonly sizeBytes: number;
  /** Result for the samples that are in no part. */
  readonly result: 'finished' | Failed;
}

/** The request in parts within the limits; counts the samples that are in none. */
export function splitRequest(request: ExportRequest, limits: SplitLimits, events: LossEvents): SplitRequest {
  const split = splitProfiles(request.data, limits);
  const mark = limits.functionsTwice ? markWrittenTwice : asItIs;
  const parts = split.parts.map(({ data, sampleCount }) => mark(createExportRequest(data, sampleCount, request.hops)));
  const sizeBytes = split.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  return { parts: parts.filter(hasSamples), sizeBytes, result: countLosses(split, limits.maxBytes, events) };
}

/** The same of a request that was split by a thread. */
export function partsOf(
  split: PartsReply,
  { hops }: Pick<ExportRequest, 'hops'>,
  { maxBytes, functionsTwice = false }: SplitLimits,
  events: LossEvents,
): SplitRequest {
  const mark = functionsTwice ? markWrittenTwice : asItIs;
  const parts = split.parts.map(({ bytes, sampleCount }) => mark(createEncodedRequest(bytes, sampleCount, hops)));
  const sizeBytes = split.parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { parts: parts.filter(hasSamples), sizeBytes, result: countLosses(split, maxBytes, events) };
}

const asItIs = (request: ExportRequest): ExportRequest => request;

type LossEvents = Pick<ExportEvents, 'failed' | 'payloadsDropped'>;

/** A profile without samples that is left alone in a part has nothing to tell. */
function hasSamples({ sampleCount }: ExportRequest): boolean {
  return sampleCount > 0;
}

function countLosses(
  split: Omit<SplitResult, 'parts'>,
  maxBytes: number | undefined,
  events: LossEvents,
): 'finished' | Failed {
  const failures = [];
  if (split.tooLargeSampleCount > 0) {
    const reason = `a single sample is larger than ${maxBytes} bytes; raise the limit if the receiver takes more`;
    failures.push({ sampleCount: split.tooLargeSampleCount, reason });
  }
  if (split.overBudgetSampleCount > 0) {
    const reason =
      `samples share entries that nearly fill a part, and would make the request more than ${maxSplitGrowth} times as large; ` +
      `the largest is ${split.largestEntry}`;
    failures.push({ sampleCount: split.overBudgetSampleCount, reason });
  }
  let result: 'finished' | Failed = 'finished';
  for (const { sampleCount, reason } of failures) {
    const failure: Permanent = { kind: 'permanent', errorType: 'too_large', reason };
    events.failed({ sampleCount }, failure);
    result = failedBecause(failure);
  }
  if (split.droppedPayloadCount > 0) events.payloadsDropped(split.droppedPayloadCount);
  return result;
}

/** Bytes that the parts of one request may have together. */
class SplitBudget {
  readonly #whole: ExportRequest;
  /** Bytes of all parts that are sent or will be; `undefined` before the first split. */
  #bytes: number | undefined;

  constructor(whole: ExportRequest) {
    this.#whole = whole;
    this.#bytes = whole.parts?.reduce((sum, part) => sum + part.sizeBytes, 0);
  }

  /** Bytes for the parts that replace a request, itself the whole or a part. */
  leftFor(request: ExportRequest): number {
    const wholeBytes = this.#whole.sizeBytes;
    return maxSplitGrowth * wholeBytes - (this.#bytes ?? wholeBytes) + request.encoded().length;
  }

  replace(request: ExportRequest, partBytes: number): void {
    this.#bytes = (this.#bytes ?? this.#whole.sizeBytes) - request.encoded().length + partBytes;
  }
}

/** Failures of the parts of one request: counted and logged once for each error type, because many parts fail alike. */
class PartFailures {
  readonly #events: Pick<ExportEvents, 'failed'>;
  readonly #byType = new Map<string, { failure: Retryable | Permanent; sampleCount: number; partCount: number }>();

  constructor(events: Pick<ExportEvents, 'failed'>) {
    this.#events = events;
  }

  add({ sampleCount }: ExportRequest, failure: Retryable | Permanent): Failed {
    const entry = this.#byType.get(failure.errorType) ?? { failure, sampleCount: 0, partCount: 0 };
    entry.sampleCount += sampleCount;
    entry.partCount += 1;
    this.#byType.set(failure.errorType, entry);
    return failedBecause(failure);
  }

  /** Counts and logs all; call last. */
  report(): void {
    for (const { failure, sampleCount, partCount } of this.#byType.values()) {
      const reason = partCount === 1 ? failure.reason : `${failure.reason} (the first of ${partCount} parts)`;
      this.#events.failed({ sampleCount }, { ...failure, reason });
    }
  }
}
