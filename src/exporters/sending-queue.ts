import { onAbort } from '../support/clock.ts';
import type { Steps } from '../support/steps.ts';
import type { DeliveryResult } from './export-client.ts';
import type { ExportRequest } from './export-request.ts';
import type { Refusal, Reservation, StorageRefusal } from './profiles-exporter.ts';
import type { SendingQueueConfig, Sizer } from './sending-queue-config.ts';

/** Keeps the requests of a sending queue until they are finished, also beyond the end of the process. */
export interface RequestStorage {
  /** Requests that earlier runs have not finished, oldest first. Call first, once. @throws Error that says what to do */
  open(): readonly StoredRequest[];
  /** Does what takes long of `add`, for a request that is encoded. */
  prepare(request: ExportRequest): Steps<void>;
  /** Keeps a request before it returns, or refuses it. */
  add(request: ExportRequest): StoredRequest | StorageRefusal;
  /** Call last, when no request is being read. */
  close(): void;
}

export interface StoredRequest {
  readonly sampleCount: number;
  /** As protobuf. */
  readonly sizeBytes: number;
  /** `undefined` when the request cannot be read any more; then it is lost, and counted as lost. */
  read(): Promise<ExportRequest | undefined>;
  /** Removes the request; call once. */
  finish(): void;
}

type Consume = (request: ExportRequest, signal: AbortSignal) => Promise<DeliveryResult>;

interface Entry {
  /** `undefined` when it waits in the storage alone. */
  readonly request: ExportRequest | undefined;
  readonly stored: StoredRequest | undefined;
  readonly size: number;
  readonly onEnd: ((result: DeliveryResult) => void) | undefined;
}

export interface OfferOptions {
  /** Called once when a request that was taken leaves the queue; not for one that stays in the storage. */
  readonly onEnd?: ((result: DeliveryResult) => void) | undefined;
  /** `capacity` is no bound: a request that must not be lost at the end goes into the storage. */
  readonly mayExceed?: boolean;
  /** A request larger than `capacity` is taken while the queue is not full: a report has been acknowledged already. */
  readonly mayBeLarger?: boolean;
}

/**
 * A bounded queue, emptied in order by `numConsumers` at a time, or as fast as a batcher takes it. As in the Collector, a request counts from its offer to its
 * end, so `capacity` bounds everything that the exporter holds, retries included. With a storage, a request is there from
 * its offer to its end, and in memory only while it is consumed.
 * Invariant: `size` is the sum over `#waiting`, the requests being consumed and those reserved; no offer takes it above `capacity`, but
 * for one report that is larger than that.
 */
export class SendingQueue {
  readonly capacity: number;
  readonly #isEnabled: boolean;
  readonly #sizer: Sizer;
  readonly #hasRoom: () => boolean;
  readonly #maxReads: number;
  readonly #consume: Consume;
  readonly #storage: RequestStorage | undefined;
  readonly #waiting = new Set<Entry>();
  readonly #cut = new AbortController();
  #size = 0;
  /** An offer found no room, and no request has left since. */
  #isOverflowing = false;
  #busyCount = 0;
  #readCount = 0;
  #isStopped = false;
  #isInterrupted = false;
  #onEmpty: () => void = () => undefined;
  /** Called whenever a request has left. */
  onRoom: () => void = () => undefined;

  /**
   * `consume` must not reject, and must end soon after its signal aborts. `hasRoom` says whether it may be called; it is asked
   * again when a request was read, and when a call ends.
   */
  constructor(
    config: SendingQueueConfig,
    consume: Consume,
    storage?: RequestStorage,
    hasRoom: () => boolean = () => this.#busyCount < config.numConsumers,
  ) {
    this.#isEnabled = config.enabled;
    this.#sizer = config.enabled ? config.sizer : 'requests';
    this.capacity = config.enabled ? config.queueSize : config.numConsumers;
    this.#hasRoom = hasRoom;
    // A batcher knows whether it has room only when it has got what is being read.
    this.#maxReads = config.batch === undefined ? Infinity : 1;
    this.#consume = consume;
    this.#storage = storage;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * True when the queue has no room, as far as that can be told before a request is there: at `capacity`, or after an offer
   * too large for the rest. Without a queue only the latter, since all consumers are busy at one moment and free at the next.
   */
  get isFull(): boolean {
    return this.#isOverflowing || (this.#isEnabled && this.#size >= this.capacity);
  }

  /** Queues the requests that the storage has of earlier runs, be they more than `capacity`. Call before the first offer. */
  start(): void {
    for (const stored of this.#storage?.open() ?? []) {
      const size = storedSize(stored, this.#sizer);
      this.#size += size;
      this.#enqueue({ request: undefined, stored, size, onEnd: undefined });
    }
  }

  offer(request: ExportRequest, options?: OfferOptions): Refusal | undefined {
    const reservation = this.reserve(request, options);
    if (typeof reservation === 'string') return reservation;
    reservation.commit();
    return undefined;
  }

  /** First half of an offer: the request has a place, and the storage keeps it. */
  reserve(request: ExportRequest, { onEnd, ...options }: OfferOptions = {}): Reservation | Refusal {
    if (this.#isStopped) return 'stopped';
    const size = sizeOf(request, this.#sizer);
    const refusal = this.#refusalOf(size, options);
    if (refusal !== undefined) return refusal;
    const stored = this.#storage?.add(request);
    if (typeof stored === 'string') return stored;
    this.#size += size;
    return {
      commit: () => {
        const isNext = this.#waiting.size === 0 && this.#canServe();
        this.#enqueue({ request: stored === undefined || isNext ? request : undefined, stored, size, onEnd });
      },
      cancel: () => {
        stored?.finish();
        this.#free(size);
      },
    };
  }

  #refusalOf(size: number, { mayExceed = false, mayBeLarger = false }: OfferOptions): Refusal | undefined {
    if (mayExceed || this.#size + size <= this.capacity) return undefined;
    if (size > this.capacity && !mayBeLarger) return 'too_large';
    if (size > this.capacity && this.#size < this.capacity) return undefined;
    this.#isOverflowing = true;
    return 'queue_full';
  }

  /**
   * Refuses from now on and waits until all requests are consumed. Once `deadline` aborts, it cuts off those being
   * consumed and returns those that never were, oldest first. With a storage it also ends at the first request that is
   * interrupted, because the others would be too; what is in the storage is not returned.
   */
  async stop(deadline: AbortSignal): Promise<readonly ExportRequest[]> {
    this.#isStopped = true;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const withdraw = onAbort(deadline, () => this.#cut.abort());
    this.#reportEmpty();
    await empty;
    withdraw();
    const left = [...this.#waiting].flatMap(({ request, stored }) => (stored === undefined ? [request!] : []));
    for (const { onEnd } of this.#waiting) onEnd?.('interrupted');
    this.#waiting.clear();
    this.#size = 0;
    return left;
  }

  #enqueue(entry: Entry): void {
    this.#waiting.add(entry);
    this.#serve();
    // A request that has to wait is held as bytes, which are a fraction of the objects.
    if (this.#waiting.has(entry)) entry.request?.becomeBytes();
  }

  #canServe(): boolean {
    const isOpen = !this.#cut.signal.aborted && !this.#isInterrupted;
    return isOpen && this.#readCount < this.#maxReads && this.#hasRoom();
  }

  #serve(): void {
    for (const entry of this.#waiting) {
      if (!this.#canServe()) return;
      this.#waiting.delete(entry);
      this.#busyCount += 1;
      void this.#process(entry).then((result) => this.#finish(entry, result));
    }
  }

  async #process({ request: held, stored }: Entry): Promise<DeliveryResult> {
    if (held !== undefined) return this.#consume(held, this.#cut.signal);
    this.#readCount += 1;
    const request = await stored!.read();
    this.#readCount -= 1;
    if (request === undefined) return 'finished';
    const result = this.#consume(request, this.#cut.signal);
    this.#serve();
    return result;
  }

  #finish(entry: Entry, result: DeliveryResult): void {
    if (result !== 'interrupted') entry.stored?.finish();
    else if (entry.stored !== undefined) this.#isInterrupted = true;
    entry.onEnd?.(result);
    this.#busyCount -= 1;
    this.#free(entry.size);
    this.#reportEmpty();
  }

  #free(size: number): void {
    this.#size -= size;
    this.#isOverflowing = false;
    this.#serve();
    this.onRoom();
  }

  #reportEmpty(): void {
    // Nothing is served any more after the cut, so the end of the last consumer is the end of all.
    if (this.#busyCount === 0) this.#onEmpty();
  }
}

function storedSize({ sampleCount, sizeBytes }: StoredRequest, sizer: Sizer): number {
  if (sizer === 'requests') return 1;
  return sizer === 'items' ? sampleCount : sizeBytes;
}

function sizeOf(request: ExportRequest, sizer: Sizer): number {
  if (sizer === 'requests') return 1;
  return sizer === 'items' ? request.sampleCount : request.sizeBytes;
}
