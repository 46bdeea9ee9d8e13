import type { ReportStatus } from '../model/component-status.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { defaultDialectOptions } from '../profile/dialects/dialect.ts';
import type { Clock } from '../support/clock.ts';
import { whenAborted } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { Steps } from '../support/steps.ts';
import { WorkQueue } from '../support/steps.ts';
import { Batcher } from './batcher.ts';
import { BlockedOffers } from './blocked-offers.ts';
import type { DeliveryResult, ExportClient } from './export-client.ts';
import { failedBecause, interruptedByShutdown } from './export-client.ts';
import type { ExportEvents } from './export-events.ts';
import { createExportEvents } from './export-events.ts';
import type { DialectRequest, ExportRequest, WriteInDialect } from './export-request.ts';
import type { ExporterDependencies } from './exporter-type.ts';
import { LargeRequests } from './large-requests.ts';
import type { OfferResult, ProfilesExporter, Refusal, Reservation } from './profiles-exporter.ts';
import { nothingReserved } from './profiles-exporter.ts';
import { RequestSplitter } from './request-splitter.ts';
import { withRetry } from './retry.ts';
import type { RetryConfig } from './retry-config.ts';
import type { OfferOptions, RequestStorage } from './sending-queue.ts';
import { SendingQueue } from './sending-queue.ts';
import type { SendingQueueConfig } from './sending-queue-config.ts';
import { withTimeout } from './timeout.ts';

export interface ChainConfig {
  /** Backend that requests are written for before they enter the queue. Default: `generic`, as they are. */
  readonly dialect?: DialectName;
  readonly dialectOptions?: DialectOptions;
  /** Bound on one attempt; 0 = none. */
  readonly timeoutMs: number;
  readonly retry: RetryConfig;
  /** Default: only with a storage and retries without end, where waiting for new credentials costs nothing. */
  readonly retryOnAuthFailure?: boolean | undefined;
  readonly queue: SendingQueueConfig;
  /** Size of an encoded request that the receiver takes; larger ones are split. Default: any. */
  readonly maxRequestBytes?: number;
}

/** Time for which a storage that refused a request counts as full: it does not tell when it has room, and asking costs a write. */
const storageRetryMs = 1_000;

/**
 * The chain of all exporters: dialect → sending queue → batcher → splitting → retry → timeout → client. On stop it refuses new
 * requests, ends all waiting between retries, gives each request that is still queued one attempt until the deadline, and
 * closes the client. With a storage, a request that cannot be sent by then stays there for the next start.
 */
export class QueuedExporter implements Component, ProfilesExporter {
  readonly id: string;
  readonly blocksOnOverflow: boolean;
  readonly #dialect: DialectName;
  readonly #dialectOptions: DialectOptions;
  readonly #waitsForResult: boolean;
  /** A request is encoded as it is before it is sent. */
  readonly #needsBytes: boolean;
  /** Nothing but the receiver needs a request as a whole. */
  readonly #cutsReports: boolean;
  readonly #client: ExportClient;
  readonly #clock: Clock;
  readonly #storage: RequestStorage | undefined;
  readonly #events: ExportEvents;
  readonly #stopping = new AbortController();
  readonly #splitter: RequestSplitter;
  readonly #queue: SendingQueue;
  /** `undefined` without `block_on_overflow`. */
  readonly #blocked: BlockedOffers | undefined;
  readonly #large: LargeRequests;
  readonly #work: WorkQueue;
  #storageFullUntilMs = 0;
  #endObservation: () => void = () => undefined;

  constructor(id: string, client: ExportClient, config: ChainConfig, dependencies: ExporterDependencies) {
    const { clock, storage } = dependencies;
    const { blockOnOverflow, numConsumers, waitForResult, batch, sizer } = config.queue;
    this.id = id;
    this.blocksOnOverflow = blockOnOverflow;
    this.#dialect = config.dialect ?? 'generic';
    this.#dialectOptions = config.dialectOptions ?? defaultDialectOptions;
    this.#waitsForResult = waitForResult;
    const isRewritten = batch !== undefined || writesFunctionsTwice(config);
    this.#needsBytes = storage !== undefined || sizer === 'bytes' || (client.sendsProtobuf && !isRewritten);
    this.#cutsReports = client.sendsProtobuf && !isRewritten && storage === undefined && sizer !== 'bytes';
    this.#client = client;
    this.#clock = clock;
    this.#storage = storage;
    const reportStatus: ReportStatus = (status, error) => {
      // A component that stops reports its steps to the end, and nothing else.
      if (!this.#stopping.signal.aborted) dependencies.reportStatus?.(status, error);
    };
    this.#events = createExportEvents(id, { ...dependencies, reportStatus });
    this.#large = new LargeRequests(clock);
    this.#work = new WorkQueue(clock);
    this.#splitter = this.#createSplitter(config, dependencies);
    this.#queue = this.#createQueue(config, dependencies);
    // As many calls may wait as are answered at the same time: more would hold more memory, and be answered no sooner.
    this.#blocked = blockOnOverflow ? new BlockedOffers(this.#queue, numConsumers, storageRetryMs, clock) : undefined;
  }

  #createSplitter(config: ChainConfig, parts: ExporterDependencies): RequestSplitter {
    const { retry, retryOnAuthFailure, timeoutMs, maxRequestBytes = Infinity } = config;
    const { clock, random, storage } = parts;
    const events = this.#events;
    const stopping = this.#stopping.signal;
    const attempt = withTimeout(this.#client.send, timeoutMs, clock);
    const retriesAuthFailures = retryOnAuthFailure ?? (storage !== undefined && retry.maxElapsedTimeMs === 0);
    const send = withRetry(attempt, retry, {
      ...{ clock, random, stopping, retriesAuthFailures },
      onRetry: events.retrying,
      onExcessiveRetryAfter: events.retryAfterCapped,
    });
    const functionsTwice = writesFunctionsTwice(config);
    const keepsInterrupted = storage !== undefined;
    const limits = { maxBytes: maxRequestBytes, keepsInterrupted, functionsTwice, large: this.#large };
    return new RequestSplitter(send, limits, events);
  }

  #createQueue(config: ChainConfig, { clock, storage }: ExporterDependencies): SendingQueue {
    const { queue } = config;
    const events = this.#events;
    const large = this.#large;
    const functionsTwice = writesFunctionsTwice(config);
    const deliver = (request: ExportRequest, signal: AbortSignal): Promise<DeliveryResult> =>
      this.#splitter.deliver(request, signal);
    if (queue.batch === undefined) return new SendingQueue(queue, deliver, storage);
    const batcher = new Batcher(queue.batch, queue.numConsumers, {
      ...{ clock, stopping: this.#stopping.signal, events, functionsTwice, large, deliver },
    });
    const add = (request: ExportRequest, signal: AbortSignal): Promise<DeliveryResult> => batcher.add(request, signal);
    return new SendingQueue(queue, add, storage, () => batcher.hasRoom);
  }

  async start(): Promise<void> {
    await this.#client.start();
    this.#queue.start();
    this.#endObservation = this.#events.observe(this.#queue);
  }

  hasRoomFor(what: 'report' | 'request'): boolean {
    const blocked = this.#blocked;
    // A caller may wait for room, but not more callers than that; a report had better stay in its window.
    if (blocked !== undefined && what === 'request') return !blocked.isFull;
    if (blocked !== undefined && (blocked.count > 0 || blocked.isFull)) return false;
    return !this.#queue.isFull && this.#clock.nowMs() >= this.#storageFullUntilMs;
  }

  *prepare(request: ExportRequest, isShared: boolean): Steps<void> {
    const { request: written } = yield* request.writeInDialect(this.#dialect, this.#dialectOptions);
    // A large one is worked on as bytes, by a thread.
    const needsBytes = this.#needsBytes || written.isLarge;
    if (!needsBytes || written.sampleCount === 0) return;
    if (this.#cutsReports && !isShared) yield* this.#splitter.prepare(written);
    else yield* written.encode();
    if (written.isLarge && this.#storage !== undefined) yield* this.#storage.prepare(written);
  }

  offer(request: ExportRequest, signal?: AbortSignal): OfferResult | Promise<OfferResult> {
    const isAsItIs = this.#dialect === 'generic' && this.#storage === undefined;
    if (!isAsItIs && request.isLarge && request.bytes !== undefined) return this.#offerLarge(request, signal);
    return this.#offerWritten(request.inDialect(this.#dialect, this.#dialectOptions), signal);
  }

  async #offerLarge(request: ExportRequest, signal: AbortSignal | undefined): Promise<OfferResult> {
    const isRewritten = this.#dialect !== 'generic';
    if (isRewritten && this.#large.isBusy) return this.#refuse(request, 'queue_full');
    const written = isRewritten
      ? await request.inDialectBy(this.#writeLarge, this.#dialect, this.#dialectOptions)
      : request.inDialect(this.#dialect, this.#dialectOptions);
    if (written.request.isLarge && this.#storage !== undefined && !this.#queue.isFull) {
      await this.#work.add(this.#storage.prepare(written.request));
    }
    return this.#offerWritten(written, signal);
  }

  /** By a thread; here, where that has not managed it. */
  readonly #writeLarge: WriteInDialect = async (request, dialect, options) =>
    (await this.#large.inDialect(request, dialect, options)) ?? request.inDialect(dialect, options);

  #refuse(request: ExportRequest, refusal: Refusal): OfferResult {
    this.#events.refused(request, refusal);
    return { kind: 'refused', isFinal: finalRefusals.has(refusal) };
  }

  #offerWritten(
    { request: written, ...dropped }: DialectRequest,
    signal: AbortSignal | undefined,
  ): OfferResult | Promise<OfferResult> {
    this.#events.leftOut(dropped);
    // As in the Collector, a request without samples is taken and goes no further.
    if (written.sampleCount === 0) return taken;
    if (this.#waitsForResult) return this.#offerForResult(written, signal);
    const refusal = this.#enqueue(written, {}, signal);
    if (refusal instanceof Promise) return refusal.then((late) => (late === undefined ? taken : noRoomInTime));
    return refusal === undefined ? taken : { kind: 'refused', isFinal: finalRefusals.has(refusal) };
  }

  async #offerForResult(request: ExportRequest, signal: AbortSignal | undefined): Promise<OfferResult> {
    const { promise, resolve: onEnd } = Promise.withResolvers<DeliveryResult>();
    const refusal = await this.#enqueue(request, { onEnd }, signal);
    if (refusal !== undefined) return finalRefusals.has(refusal) ? { kind: 'refused', isFinal: true } : noRoomInTime;
    const result = await promise;
    if (result === 'finished') return taken;
    return result === 'interrupted' ? failedBecause(cutOff) : result;
  }

  reserve(request: ExportRequest): Reservation | Refusal {
    const { request: written, ...dropped } = request.inDialect(this.#dialect, this.#dialectOptions);
    const reservation = written.sampleCount === 0 ? nothingReserved : this.#reserveIn(written);
    if (typeof reservation === 'string') return reservation;
    const commit = (): void => {
      this.#events.leftOut(dropped);
      reservation.commit();
    };
    return { commit, cancel: reservation.cancel };
  }

  #reserveIn(request: ExportRequest): Reservation | Refusal {
    // In a queue without a storage, an offer that may wait for room needs no other way to wait.
    const mayBlock = this.#blocked !== undefined && this.#storage === undefined;
    const reservation =
      mayBlock && this.#blocked!.count > 0 ? 'queue_full' : this.#queue.reserve(request, { mayBeLarger: true });
    if (reservation !== 'queue_full' || !mayBlock) return reservation;
    return { commit: () => void this.#enqueue(request, { mayBeLarger: true }, undefined), cancel: () => undefined };
  }

  /** Reason why the request was not taken, at once or after it had waited for room; counted. */
  #enqueue(
    request: ExportRequest,
    options: OfferOptions,
    signal: AbortSignal | undefined,
  ): Refusal | undefined | Promise<Refusal | undefined> {
    const blocked = this.#blocked;
    const refusal = blocked !== undefined && blocked.count > 0 ? 'queue_full' : this.#queue.offer(request, options);
    if (refusal === undefined) return undefined;
    if (!finalRefusals.has(refusal) && refusal !== 'stopped' && blocked?.mayWait(signal) === true) {
      return blocked.wait(request, options, signal).then((late) => this.#countRefusal(request, late));
    }
    return this.#countRefusal(request, refusal);
  }

  #countRefusal(request: ExportRequest, refusal: Refusal | undefined): Refusal | undefined {
    if (refusal === undefined) return undefined;
    if (refusal === 'storage_full' || refusal === 'storage_error') {
      this.#storageFullUntilMs = this.#clock.nowMs() + storageRetryMs;
    }
    this.#events.refused(request, refusal);
    return refusal;
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#blocked?.close(deadline, this.#storage !== undefined);
    const left = await this.#queue.stop(deadline);
    for (const request of left) this.#events.failed(request, cutOff);
    await Promise.race([this.#client.close().catch(this.#events.closeFailed), whenAborted(deadline)]);
    await this.#large.stop();
    this.#endObservation();
    this.#storage?.close();
  }
}

function writesFunctionsTwice({ dialect, dialectOptions = defaultDialectOptions }: ChainConfig): boolean {
  return dialect === 'parca' && dialectOptions.functionsTwice;
}

const taken: OfferResult = { kind: 'taken' };

const noRoomInTime: OfferResult = {
  kind: 'failed',
  isRetryable: true,
  reason: 'the sending queue had no room in time',
};

const cutOff = interruptedByShutdown('the deadline passed before its turn');

/** Refusals of a request that will never have room. */
const finalRefusals: ReadonlySet<Refusal> = new Set<Refusal>(['too_large', 'storage_too_small']);
