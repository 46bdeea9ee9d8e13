import { mergeProfiles } from '../profile/join/profiles-joiner.ts';
import type { Clock } from '../support/clock.ts';
import type { BatchConfig } from './batch-config.ts';
import type { DeliveryResult } from './export-client.ts';
import { bug, failedBecause, worseOf } from './export-client.ts';
import type { ExportEvents } from './export-events.ts';
import type { ExportRequest } from './export-request.ts';
import {
  createEncodedRequest,
  createExportRequest,
  markWrittenTwice,
  maxSplitGrowth,
  withEachFunctionTwice,
} from './export-request.ts';
import type { LargeRequests } from './large-requests.ts';
import { partsOf, splitRequest } from './request-splitter.ts';

export interface BatcherDependencies {
  readonly clock: Clock;
  /** Aborts when the exporter begins to stop: no batch waits for more from then on. */
  readonly stopping: AbortSignal;
  readonly events: ExportEvents;
  /** The receiver wants each function twice; that counts for the size of a batch. */
  readonly functionsTwice: boolean;
  /** Merges and splits batches that would stop the event loop; all are merged at once where it is not set. */
  readonly large?: Pick<LargeRequests, 'batch'> | undefined;
  /** Sends a request and counts it, unless it is interrupted and kept; never rejects, and ends soon after its signal aborts. */
  deliver(request: ExportRequest, signal: AbortSignal): Promise<DeliveryResult>;
}

/** Merging takes some 40 ms a MiB. */
const mostMergedAtOnceBytes = 512 * 1024;

interface Batch {
  /** Of all its requests. */
  readonly hops: number;
  readonly requests: ExportRequest[];
  /** In units of the sizer, before merging. */
  size: number;
  /** The batch has waited for its time, and goes as soon as a consumer is free. */
  isDue: boolean;
  readonly signal: AbortSignal;
  /** Aborts when the batch takes no more. */
  readonly closing: AbortController;
  /** Parts that are not sent yet. */
  partCount: number;
  /** Result so far; one part that is interrupted interrupts all. */
  result: DeliveryResult;
  readonly ended: Promise<DeliveryResult>;
  readonly end: (result: DeliveryResult) => void;
}

/**
 * Gathers requests to batches, merges and splits them, and sends the parts, `numConsumers` at a time. A batch goes when it has
 * `minSize`, or after `flushTimeoutMs` once a consumer is free: while a receiver is down, all that waits becomes one request.
 */
export class Batcher {
  readonly #config: BatchConfig;
  readonly #numConsumers: number;
  readonly #dependencies: BatcherDependencies;
  /** By hops: requests that go round in a loop must not take others with them. At most `mostHops` and one. */
  readonly #filling = new Map<number, Batch>();
  readonly #ready: Batch[] = [];
  readonly #parts: { readonly batch: Batch; readonly request: ExportRequest }[] = [];
  #busyCount = 0;
  /** A thread works on the next batch. */
  #isPreparing = false;

  constructor(config: BatchConfig, numConsumers: number, dependencies: BatcherDependencies) {
    this.#config = config;
    this.#numConsumers = numConsumers;
    this.#dependencies = dependencies;
    dependencies.stopping.addEventListener('abort', () => this.#closeAll(), { once: true });
  }

  /** No part waits for a free consumer, so the next batch may be filled. */
  get hasRoom(): boolean {
    return this.#ready.length === 0 && this.#parts.length === 0 && !this.#isPreparing;
  }

  /** Resolves when all samples of the request are counted, or when it is interrupted and kept. */
  add(request: ExportRequest, signal: AbortSignal): Promise<DeliveryResult> {
    const batch = this.#filling.get(request.hops) ?? this.#begin(request.hops, signal);
    batch.requests.push(request);
    batch.size += this.#sizeOf(request);
    if (batch.size >= this.#config.minSize || this.#dependencies.stopping.aborted) this.#close(batch);
    return batch.ended;
  }

  #begin(hops: number, signal: AbortSignal): Batch {
    const { promise: ended, resolve: end } = Promise.withResolvers<DeliveryResult>();
    const closing = new AbortController();
    const batch: Batch = {
      ...{ requests: [], size: 0, isDue: false, partCount: 0, result: 'finished' },
      ...{ hops, signal, closing, ended, end },
    };
    this.#filling.set(hops, batch);
    void this.#waitForMore(batch);
    return batch;
  }

  async #waitForMore(batch: Batch): Promise<void> {
    await this.#dependencies.clock.sleep(this.#config.flushTimeoutMs, batch.closing.signal).catch(() => undefined);
    batch.isDue = true;
    this.#serve();
  }

  #closeAll(): void {
    for (const batch of this.#filling.values()) this.#close(batch);
  }

  #close(batch: Batch): void {
    if (batch !== this.#filling.get(batch.hops)) return;
    this.#filling.delete(batch.hops);
    batch.closing.abort();
    this.#ready.push(batch);
    this.#serve();
  }

  #serve(): void {
    while (this.#busyCount < this.#numConsumers && !this.#isPreparing) {
      const part = this.#parts.shift();
      if (part !== undefined) this.#start(part.batch, part.request);
      else if (!this.#prepareNext()) return;
    }
  }

  #start(batch: Batch, request: ExportRequest): void {
    this.#busyCount += 1;
    void this.#dependencies.deliver(request, batch.signal).then((result) => {
      batch.result = worseOf(batch.result, result);
      this.#busyCount -= 1;
      batch.partCount -= 1;
      this.#serve();
      if (batch.partCount === 0) batch.end(batch.result);
    });
  }

  /** Makes parts of the next batch, as late as can be: a batch that waits is not held twice. `false`: no batch is ready. */
  #prepareNext(): boolean {
    if (this.#ready.length === 0) {
      const due = [...this.#filling.values()].find(({ isDue }) => isDue);
      if (due !== undefined) {
        this.#ready.push(due);
        this.#filling.delete(due.hops);
      }
    }
    const batch = this.#ready.shift();
    if (batch === undefined) return false;
    if (this.#isLarge(batch)) {
      this.#isPreparing = true;
      const parts = this.#partsOfLarge(batch).catch((error) => this.#fail(batch, error));
      void parts.then((requests) => {
        this.#isPreparing = false;
        this.#take(batch, requests);
        this.#serve();
      });
      return false;
    }
    this.#take(batch, this.#partsOf(batch));
    return true;
  }

  #take(batch: Batch, requests: readonly ExportRequest[]): void {
    batch.partCount = requests.length;
    for (const request of requests) this.#parts.push({ batch, request });
    if (requests.length === 0) batch.end(batch.result);
  }

  /** True for a batch of requests that are large together, unless it goes as it is. */
  #isLarge({ requests, signal }: Batch): boolean {
    if (this.#dependencies.large === undefined || signal.aborted) return false;
    const sizeBytes = requests.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
    if (sizeBytes <= mostMergedAtOnceBytes && !requests.some(({ isLarge }) => isLarge)) return false;
    const { maxSize } = this.#config;
    const isAsItIs = requests.length === 1 && !this.#dependencies.functionsTwice;
    return !isAsItIs || (maxSize > 0 && this.#sizeOf(requests[0]!) > maxSize);
  }

  async #partsOfLarge(batch: Batch): Promise<readonly ExportRequest[]> {
    const { events, functionsTwice, large } = this.#dependencies;
    const { maxSize, sizer } = this.#config;
    const bound = maxSize === 0 ? {} : sizer === 'items' ? { maxItems: maxSize } : { maxBytes: maxSize };
    const limits = { ...bound, functionsTwice };
    const bytes = batch.requests.map((request) => request.encoded());
    const reply = await large!.batch({ requests: bytes, limits, maxGrowth: maxSplitGrowth });
    if (reply === undefined) return this.#partsOf(batch);
    if (reply.kind === 'whole') {
      const whole = createEncodedRequest(reply.bytes, reply.sampleCount, batch.hops);
      return [functionsTwice ? markWrittenTwice(whole) : whole];
    }
    const { parts, result } = partsOf(reply, batch, limits, events);
    events.split('max_size', parts.length);
    batch.result = result;
    return parts;
  }

  #partsOf(batch: Batch): readonly ExportRequest[] {
    const { requests, signal } = batch;
    // Too late to be sent: each request is counted as it is.
    if (signal.aborted) return requests;
    const { events, functionsTwice } = this.#dependencies;
    const { maxSize, sizer } = this.#config;
    try {
      const merged = merge(requests);
      const whole = functionsTwice ? withEachFunctionTwice(merged) : merged;
      if (maxSize === 0 || this.#sizeOf(whole) <= maxSize) return [whole];
      const maxTotalBytes = (): number => maxSplitGrowth * whole.encoded().length;
      const limits = sizer === 'items' ? { maxItems: maxSize } : { maxBytes: maxSize };
      const { parts, result } = splitRequest(whole, { ...limits, maxTotalBytes, functionsTwice }, events);
      events.split('max_size', parts.length);
      batch.result = result;
      return parts;
    } catch (error) {
      return this.#fail(batch, error);
    }
  }

  #fail(batch: Batch, error: unknown): readonly ExportRequest[] {
    const failure = bug(error);
    for (const request of batch.requests) this.#dependencies.events.failed(request, failure);
    batch.result = failedBecause(failure);
    return [];
  }

  #sizeOf(request: ExportRequest): number {
    return this.#config.sizer === 'items' ? request.sampleCount : request.sizeBytes;
  }
}

function merge(requests: readonly ExportRequest[]): ExportRequest {
  if (requests.length === 1) return requests[0]!;
  const sampleCount = requests.reduce((count, request) => count + request.sampleCount, 0);
  return createExportRequest(mergeProfiles(requests.map(({ data }) => data)), sampleCount, requests[0]!.hops);
}
