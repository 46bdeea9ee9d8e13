import type { Component } from '../support/component.ts';
import type { ExportClient } from './export-client.ts';
import type { ExportEvents } from './export-events.ts';
import { createExportEvents } from './export-events.ts';
import type { ExportRequest, ProfilesExporter } from './export-request.ts';
import type { ExporterDependencies } from './exporter-dependencies.ts';
import type { RequestStorage } from './request-storage.ts';
import { withRetry } from './retry.ts';
import type { RetryConfig } from './retry-config.ts';
import type { Send } from './send-result.ts';
import { interruptedByShutdown } from './send-result.ts';
import type { Outcome } from './sending-queue.ts';
import { SendingQueue } from './sending-queue.ts';
import type { SendingQueueConfig } from './sending-queue-config.ts';
import { withTimeout } from './timeout.ts';

export interface ChainConfig {
  /** Bound on one attempt; 0 = none. */
  readonly timeoutMs: number;
  readonly retry: RetryConfig;
  readonly queue: SendingQueueConfig;
}

/**
 * The chain that all exporters share: sending queue → retry → timeout → client. On stop it refuses new requests, ends all
 * waiting between retries, gives each request that is still queued one attempt until the deadline, and closes the client.
 * With a storage, what cannot be sent by then stays there for the next start.
 */
export class QueuedExporter implements Component, ProfilesExporter {
  readonly id: string;
  readonly #client: ExportClient;
  readonly #events: ExportEvents;
  readonly #stopping = new AbortController();
  readonly #send: Send;
  readonly #queue: SendingQueue;
  readonly #storage: RequestStorage | undefined;
  #endObservation: () => void = () => undefined;

  constructor(id: string, client: ExportClient, config: ChainConfig, dependencies: ExporterDependencies) {
    const { logger, meter, clock, random, storage } = dependencies;
    this.id = id;
    this.#client = client;
    this.#events = createExportEvents(id, logger, meter);
    this.#send = withRetry(withTimeout(client.send, config.timeoutMs, clock), config.retry, {
      clock,
      random,
      stopping: this.#stopping.signal,
      onRetry: this.#events.retrying,
    });
    this.#storage = storage;
    this.#queue = new SendingQueue(config.queue, (request, signal) => this.#consume(request, signal), storage);
  }

  async start(): Promise<void> {
    await this.#client.start();
    this.#queue.start();
    this.#endObservation = this.#events.observe(this.#queue);
  }

  offer(request: ExportRequest): boolean {
    // As in the Collector, a request without samples is taken and goes no further.
    if (request.sampleCount === 0) return true;
    const refusal = this.#queue.offer(request);
    if (refusal !== undefined) this.#events.refused(request, refusal);
    return refusal === undefined;
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

  async #consume(request: ExportRequest, signal: AbortSignal): Promise<Outcome> {
    this.#events.started();
    try {
      const result = await this.#send(request, signal);
      if (result.kind === 'retryable' && this.#storage !== undefined) return 'interrupted';
      if (result.kind === 'accepted') this.#events.accepted(request, result);
      else this.#events.failed(request, result);
    } catch (error) {
      // A fault of our own. It costs this request, not the service.
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#events.failed(request, { kind: 'permanent', errorType: '_OTHER', reason });
    } finally {
      this.#events.ended();
    }
    return 'finished';
  }
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
