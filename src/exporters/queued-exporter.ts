import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/component.ts';
import type { BatcherDependencies } from './batcher.ts';
import { Batcher } from './batcher.ts';
import type { ExportClient } from './export-client.ts';
import type { ExportEvents } from './export-events.ts';
import { createExportEvents } from './export-events.ts';
import type { ExportRequest, ProfilesExporter, Reservation, Room } from './export-request.ts';
import type { ExporterDependencies } from './exporter-dependencies.ts';
import { PieceSender } from './piece-sender.ts';
import type { RequestStorage } from './request-storage.ts';
import { withRetry } from './retry.ts';
import type { RetryConfig } from './retry-config.ts';
import { interruptedByShutdown } from './send-result.ts';
import type { Outcome, Refusal } from './sending-queue.ts';
import { SendingQueue } from './sending-queue.ts';
import type { SendingQueueConfig } from './sending-queue-config.ts';
import { withTimeout } from './timeout.ts';

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
  #storageFullUntilMs = 0;
  #endObservation: () => void = () => undefined;

  constructor(id: string, client: ExportClient, config: ChainConfig, dependencies: ExporterDependencies) {
    const { logger, meter, clock, random, storage } = dependencies;
    this.id = id;
    this.#client = client;
    this.#events = createExportEvents(id, logger, meter);
    const stopping = this.#stopping.signal;
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
    this.reserve = storage && ((request) => this.#reserve(request));
    this.#queue = createQueue(config.queue, storage, { clock, stopping, events: this.#events, deliver });
  }

  async start(): Promise<void> {
    await this.#client.start();
    this.#queue.start();
    this.#endObservation = this.#events.observe(this.#queue);
  }

  get room(): Room {
    return this.#queue.isFull || this.#clock.nowMs() < this.#storageFullUntilMs ? 'full' : 'open';
  }

  offer(request: ExportRequest): boolean {
    // As in the Collector, a request without samples is taken and goes no further.
    if (request.sampleCount === 0) return true;
    const refusal = this.#queue.offer(request);
    if (refusal === 'storage_full' || refusal === 'storage_error') {
      this.#storageFullUntilMs = this.#clock.nowMs() + storageRetryMs;
    }
    if (refusal !== undefined) this.#events.refused(request, refusal);
    return refusal === undefined;
  }

  #reserve(request: ExportRequest): Reservation | Refusal {
    return request.sampleCount === 0 ? nothingReserved : this.#queue.reserve(request);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    const left = await this.#queue.stop(deadline);
    const never = interruptedByShutdown('the deadline passed before its turn');
    for (const request of left) this.#events.failed(request, never);
    await untilAborted(this.#client.close().catch(this.#events.closeFailed), deadline);
    this.#endObservation();
    this.#storage?.close();
  }
}

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
