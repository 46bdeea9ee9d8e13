import type { Clock } from '../support/clock.ts';
import { onAbort } from '../support/clock.ts';
import type { ExportRequest } from './export-request.ts';
import type { Refusal } from './profiles-exporter.ts';
import type { OfferOptions, SendingQueue } from './sending-queue.ts';

interface BlockedOffer {
  readonly request: ExportRequest;
  readonly options: OfferOptions;
  readonly end: (refusal: Refusal | undefined) => void;
}

/**
 * Offers blocked by a full queue: the oldest goes first, and a new offer waits behind those that wait already. Callers that wait are
 * bounded, because each holds its request. A queue tells when a request has left it; a storage that refuses does not, and is
 * tried again.
 */
export class BlockedOffers {
  readonly #queue: SendingQueue;
  readonly #maxCount: number;
  readonly #storageRetryMs: number;
  readonly #clock: Clock;
  readonly #offers = new Set<BlockedOffer>();
  readonly #closing = new AbortController();
  #isTryingLater = false;
  #onEmpty: () => void = () => undefined;

  constructor(queue: SendingQueue, maxCount: number, storageRetryMs: number, clock: Clock) {
    this.#queue = queue;
    this.#maxCount = maxCount;
    this.#storageRetryMs = storageRetryMs;
    this.#clock = clock;
    queue.onRoom = () => this.#serve();
  }

  get count(): number {
    return this.#offers.size;
  }

  /** No further caller may wait. */
  get isFull(): boolean {
    return this.#offers.size >= this.#maxCount || this.#closing.signal.aborted;
  }

  /** A report, which has no signal, may always wait: before it is taken, its cycle makes no further report but the last one. */
  mayWait(signal: AbortSignal | undefined): boolean {
    return signal === undefined ? !this.#closing.signal.aborted : !this.isFull;
  }

  /** Waits until the queue takes the request, refuses it for good, or `signal` aborts. Not unless `mayWait`. */
  wait(request: ExportRequest, options: OfferOptions, signal: AbortSignal | undefined): Promise<Refusal | undefined> {
    // As in the queue: bytes are a fraction of the objects.
    request.becomeBytes();
    return new Promise((resolve) => {
      const withdraw = (): void => this.#end(offer, 'cancelled');
      const end = (refusal: Refusal | undefined): void => {
        signal?.removeEventListener('abort', withdraw);
        resolve(refusal);
      };
      const offer: BlockedOffer = { request, options, end };
      this.#offers.add(offer);
      if (signal?.aborted === true) withdraw();
      else signal?.addEventListener('abort', withdraw, { once: true });
      this.#serve();
    });
  }

  /** Lets no further offer wait. Those that wait have until `deadline`; with a storage, they go into it whatever its queue may hold. */
  async close(deadline: AbortSignal, hasStorage: boolean): Promise<void> {
    this.#closing.abort();
    const refuseRest = (): void => {
      for (const offer of this.#offers) this.#end(offer, 'stopped');
    };
    if (hasStorage) {
      for (const offer of this.#offers) {
        this.#end(offer, this.#queue.offer(offer.request, { ...offer.options, mayExceed: true }));
      }
    }
    if (this.#offers.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const withdraw = onAbort(deadline, refuseRest);
    await empty;
    withdraw();
  }

  #serve(): void {
    for (const offer of this.#offers) {
      const refusal = this.#queue.offer(offer.request, offer.options);
      if (refusal === 'queue_full') return;
      if (refusal === 'storage_full' || refusal === 'storage_error') return void this.#tryLater();
      this.#end(offer, refusal);
    }
  }

  async #tryLater(): Promise<void> {
    if (this.#isTryingLater) return;
    this.#isTryingLater = true;
    await this.#clock.sleep(this.#storageRetryMs, this.#closing.signal).catch(() => undefined);
    this.#isTryingLater = false;
    this.#serve();
  }

  #end(offer: BlockedOffer, refusal: Refusal | undefined): void {
    if (!this.#offers.delete(offer)) return;
    offer.end(refusal);
    if (this.#offers.size === 0) this.#onEmpty();
  }
}
