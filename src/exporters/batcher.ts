import { mergeProfiles } from '../profile/join/profiles-joiner.ts';
import type { Clock } from '../support/clock.ts';
import type { BatchConfig } from './batch-config.ts';
import { createExportRequest } from './create-export-request.ts';
import type { ExportEvents } from './export-events.ts';
import type { ExportRequest } from './export-request.ts';
import { splitRequest } from './piece-sender.ts';
import type { Permanent } from './send-result.ts';
import { failureOf } from './send-result.ts';
import type { Outcome } from './sending-queue.ts';
import { worseOutcome } from './worse-outcome.ts';

export interface BatcherDependencies {
  readonly clock: Clock;
  /** Aborts when the exporter begins to stop: nothing waits for more from then on. */
  readonly stopping: AbortSignal;
  readonly events: ExportEvents;
  /** Sends a request and counts it, unless it is interrupted and kept; never rejects, and ends soon after its signal aborts. */
  deliver(request: ExportRequest, signal: AbortSignal): Promise<Outcome>;
}

interface Batch {
  readonly requests: ExportRequest[];
  /** In units of the sizer, before merging. */
  size: number;
  /** Whether it has waited for its time, and goes as soon as somebody is free to send it. */
  isDue: boolean;
  readonly signal: AbortSignal;
  /** Aborts when the batch takes no more. */
  readonly closing: AbortController;
  /** Pieces that are not sent yet. */
  pieceCount: number;
  /** What became of it so far; one piece that is interrupted interrupts all. */
  outcome: Outcome;
  readonly ended: Promise<Outcome>;
  readonly end: (outcome: Outcome) => void;
}

/**
 * Gathers requests to batches, merges and splits them, and sends the pieces, `numConsumers` at a time. A batch goes when it has
 * `minSize`, or after `flushTimeoutMs` once somebody is free to send it: while a receiver is down, what waits becomes one request.
 */
export class Batcher {
  readonly #config: BatchConfig;
  readonly #numConsumers: number;
  readonly #dependencies: BatcherDependencies;
  #filling: Batch | undefined;
  readonly #ready: Batch[] = [];
  readonly #pieces: { readonly batch: Batch; readonly request: ExportRequest }[] = [];
  #busyCount = 0;

  constructor(config: BatchConfig, numConsumers: number, dependencies: BatcherDependencies) {
    this.#config = config;
    this.#numConsumers = numConsumers;
    this.#dependencies = dependencies;
    dependencies.stopping.addEventListener('abort', () => this.#close(this.#filling), { once: true });
  }

  /** Whether nothing waits for somebody to send it, so that the next batch may be filled. */
  get hasRoom(): boolean {
    return this.#ready.length === 0 && this.#pieces.length === 0;
  }

  /** Resolves when all samples of the request are counted, or when it is interrupted and kept. */
  add(request: ExportRequest, signal: AbortSignal): Promise<Outcome> {
    const batch = this.#filling ?? this.#begin(signal);
    batch.requests.push(request);
    batch.size += this.#sizeOf(request);
    if (batch.size >= this.#config.minSize || this.#dependencies.stopping.aborted) this.#close(batch);
    return batch.ended;
  }

  #begin(signal: AbortSignal): Batch {
    const { promise: ended, resolve: end } = Promise.withResolvers<Outcome>();
    const closing = new AbortController();
    const batch: Batch = {
      ...{ requests: [], size: 0, isDue: false, pieceCount: 0, outcome: 'finished' },
      ...{ signal, closing, ended, end },
    };
    this.#filling = batch;
    void this.#waitForMore(batch);
    return batch;
  }

  async #waitForMore(batch: Batch): Promise<void> {
    await this.#dependencies.clock.sleep(this.#config.flushTimeoutMs, batch.closing.signal).catch(() => undefined);
    batch.isDue = true;
    this.#serve();
  }

  #close(batch: Batch | undefined): void {
    if (batch === undefined || batch !== this.#filling) return;
    this.#filling = undefined;
    batch.closing.abort();
    this.#ready.push(batch);
    this.#serve();
  }

  #serve(): void {
    while (this.#busyCount < this.#numConsumers) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) this.#start(piece.batch, piece.request);
      else if (!this.#prepareNext()) return;
    }
  }

  #start(batch: Batch, request: ExportRequest): void {
    this.#busyCount += 1;
    void this.#dependencies.deliver(request, batch.signal).then((outcome) => {
      batch.outcome = worseOutcome(batch.outcome, outcome);
      this.#busyCount -= 1;
      batch.pieceCount -= 1;
      this.#serve();
      if (batch.pieceCount === 0) batch.end(batch.outcome);
    });
  }

  /** Makes pieces of the next batch, as late as can be: a batch that waits is not held twice. `false`: there is none. */
  #prepareNext(): boolean {
    if (this.#ready.length === 0 && this.#filling?.isDue === true) {
      this.#ready.push(this.#filling);
      this.#filling = undefined;
    }
    const batch = this.#ready.shift();
    if (batch === undefined) return false;
    const requests = this.#piecesOf(batch);
    batch.pieceCount = requests.length;
    for (const request of requests) this.#pieces.push({ batch, request });
    if (requests.length === 0) batch.end(batch.outcome);
    return true;
  }

  #piecesOf(batch: Batch): readonly ExportRequest[] {
    const { requests, signal } = batch;
    // Too late to be sent: each is counted as it is.
    if (signal.aborted) return requests;
    const { events } = this.#dependencies;
    const { maxSize, sizer } = this.#config;
    try {
      const whole = merge(requests);
      if (maxSize === 0 || this.#sizeOf(whole) <= maxSize) return [whole];
      const limits = sizer === 'items' ? { maxItems: maxSize } : { maxBytes: maxSize };
      const { pieces, outcome } = splitRequest(whole, limits, events);
      events.split('max_size', pieces.length);
      batch.outcome = outcome;
      return pieces;
    } catch (error) {
      // A fault of our own. It costs this batch, not the service.
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const failure: Permanent = { kind: 'permanent', errorType: '_OTHER', reason };
      for (const request of requests) events.failed(request, failure);
      batch.outcome = failureOf(failure);
      return [];
    }
  }

  #sizeOf(request: ExportRequest): number {
    return this.#config.sizer === 'items' ? request.sampleCount : request.encoded().length;
  }
}

function merge(requests: readonly ExportRequest[]): ExportRequest {
  if (requests.length === 1) return requests[0]!;
  const sampleCount = requests.reduce((count, request) => count + request.sampleCount, 0);
  return createExportRequest(mergeProfiles(requests.map(({ data }) => data)), sampleCount);
}
