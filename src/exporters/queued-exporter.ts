import type { ReportStatus } from '../model/component-status.ts';
import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/component.ts';
import type { BatcherDependencies } from './batcher.ts';
import { Batcher } from './batcher.ts';
import type { ExportClient } from './export-client.ts';
import type { ExportEvents } from './export-events.ts';
import { createExportEvents } from './export-events.ts';
import type { ExportRequest, OfferOutcome, ProfilesExporter, Refusal, Reservation, Room } from './export-request.ts';
import type { ExporterDependencies } from './exporter-dependencies.ts';
import { PieceSender } from './piece-sender.ts';
import type { RequestStorage } from './request-storage.ts';
import { withRetry } from './retry.ts';
import type { RetryConfig } from './retry-config.ts';
import { failureOf, interruptedByShutdown } from './send-result.ts';
import type { OfferOptions, Outcome } from './sending-queue.ts';
import { SendingQueue } from './sending-queue.ts';
import type { SendingQueueConfig } from './sending-queue-config.ts';
import { withTimeout } from './timeout.ts';
import { WaitingOffers } from './waiting-offers.ts';

export interface ChainConfig {
  /** Bound on one attempt; 0 = none. */
  readonly timeoutMs: number;
  readonly retry: RetryConfig;
  readonly queue: SendingQueueConfig;
  /** Size of an encoded request that the receiver takes; larger ones are split. Default: any. */
  readonly maxRequestBytes?: number;
}

/**
 * A storage that refused a request is taken for full for this long, though it may have room sooner: nobody says when, and
 * asking costs a write.
 */
const storageRetryMs = 1_000;

/**
 * The chain that all exporters share: sending queue → batcher → splitting → retry → timeout → client. On stop it refuses new requests, ends all
 * waiting between retries, gives each request that is still queued one attempt until the deadline, and closes the client.
 * With a storage, what cannot be sent by then stays there for the next start.
 */
export class QueuedExporter implements Component, ProfilesExporter {
  readonly id: string;
  readonly reserve: ((request: ExportRequest) => Reservation | Refusal) | undefined;
  readonly #client: ExportClient;
  readonly #events: ExportEvents;
  readonly #stopping = new AbortController();
  readonly #queue: SendingQueue;
  readonly #storage: RequestStorage | undefined;
  readonly #clock: Clock;
  readonly #waitsForResult: boolean;
  /** With `block_on_overflow` only. */
  readonly #line: WaitingOffers | undefined;
  #storageFullUntilMs = 0;
  #endObservation: () => void = () => undefined;

  constructor(id: string, client: ExportClient, config: ChainConfig, dependencies: ExporterDependencies) {
    const { clock, random, storage } = dependencies;
    this.id = id;
    this.#client = client;
    const stopping = this.#stopping.signal;
    const reportStatus: ReportStatus = (status, error) => {
      // A component that stops reports its steps to the end, and nothing else.
      if (!stopping.aborted) dependencies.reportStatus?.(status, error);
    };
    this.#events = createExportEvents(id, { ...dependencies, reportStatus });
    const send = withRetry(withTimeout(client.send, config.timeoutMs, clock), config.retry, {
      clock,
      random,
      stopping,
      onRetry: this.#events.retrying,
    });
    const sender = new PieceSender(send, config.maxRequestBytes ?? Infinity, storage !== undefined, this.#events);
    const deliver = (request: ExportRequest, signal: AbortSignal): Promise<Outcome> => sender.deliver(request, signal);
    this.#storage = storage;
    this.#clock = clock;
    // In a queue without a storage, an offer that may wait for room needs no other way to wait.
    const isReservable = storage !== undefined || !config.queue.blockOnOverflow;
    this.reserve = isReservable ? (request) => this.#reserve(request) : undefined;
    this.#queue = createQueue(config.queue, storage, { clock, stopping, events: this.#events, deliver });
    this.#waitsForResult = config.queue.waitForResult;
    // As many calls as are answered at the same time may wait: more would hold more memory, and be answered no sooner.
    const { blockOnOverflow, numConsumers } = config.queue;
    this.#line = blockOnOverflow ? new WaitingOffers(this.#queue, numConsumers, storageRetryMs, clock) : undefined;
  }

  async start(): Promise<void> {
    await this.#client.start();
    this.#queue.start();
    this.#endObservation = this.#events.observe(this.#queue);
  }

  get room(): Room {
    const line = this.#line;
    if (line?.isFull === true) return 'blocked';
    const hasRoom = !this.#queue.isFull && this.#clock.nowMs() >= this.#storageFullUntilMs;
    if (hasRoom && (line === undefined || line.count === 0)) return 'open';
    return line === undefined ? 'full' : 'waiting';
  }

  offer(request: ExportRequest, signal?: AbortSignal): boolean | Promise<OfferOutcome> {
    // As in the Collector, a request without samples is taken and goes no further.
    if (request.sampleCount === 0) return true;
    if (this.#waitsForResult) return this.#offerForResult(request, signal);
    const refusal = this.#tryOffer(request, {}, signal);
    if (!(refusal instanceof Promise)) return refusal === undefined;
    return refusal.then((late) => (late === undefined ? { kind: 'taken' } : { kind: 'refused' }));
  }

  async #offerForResult(request: ExportRequest, signal: AbortSignal | undefined): Promise<OfferOutcome> {
    const { promise, resolve: onEnd } = Promise.withResolvers<Outcome>();
    if ((await this.#tryOffer(request, { onEnd }, signal)) !== undefined) return { kind: 'refused' };
    const outcome = await promise;
    if (outcome === 'finished') return { kind: 'taken' };
    return outcome === 'interrupted'
      ? failureOf(interruptedByShutdown('the deadline passed before its turn'))
      : outcome;
  }

  /** Why the request was not taken, now or when it had waited for room; that is counted. */
  #tryOffer(
    request: ExportRequest,
    options: OfferOptions,
    signal: AbortSignal | undefined,
  ): Refusal | undefined | Promise<Refusal | undefined> {
    const line = this.#line;
    const refusal = line !== undefined && line.count > 0 ? 'queue_full' : this.#queue.offer(request, options);
    if (refusal === undefined) return undefined;
    if (!passedRefusals.has(refusal) && line?.mayWait(signal) === true) {
      return line.wait(request, options, signal).then((late) => this.#countRefusal(request, late));
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

  #reserve(request: ExportRequest): Reservation | Refusal {
    return request.sampleCount === 0 ? nothingReserved : this.#queue.reserve(request);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#line?.close(deadline, this.#storage !== undefined);
    const left = await this.#queue.stop(deadline);
    const never = interruptedByShutdown('the deadline passed before its turn');
    for (const request of left) this.#events.failed(request, never);
    await untilAborted(this.#client.close().catch(this.#events.closeFailed), deadline);
    this.#endObservation();
    this.#storage?.close();
  }
}

/** To wait would not help. */
const passedRefusals: ReadonlySet<Refusal> = new Set<Refusal>(['too_large', 'storage_too_small', 'stopped']);

const nothingReserved: Reservation = { commit: () => undefined, cancel: () => undefined };

function createQueue(
  config: SendingQueueConfig,
  storage: RequestStorage | undefined,
  dependencies: BatcherDependencies,
): SendingQueue {
  if (config.batch === undefined) return new SendingQueue(config, dependencies.deliver, storage);
  const batcher = new Batcher(config.batch, config.numConsumers, dependencies);
  return new SendingQueue(
    config,
    (request, signal) => batcher.add(request, signal),
    storage,
    () => batcher.hasRoom,
  );
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    }),
  ]);
}
