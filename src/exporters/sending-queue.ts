import type { ExportRequest } from './export-request.ts';
import type { SendingQueueConfig, Sizer } from './sending-queue-config.ts';

/** Why a request was not taken; `undefined` when it was. */
export type Refusal = 'queue_full' | 'too_large' | 'stopped';

interface Entry {
  readonly request: ExportRequest;
  readonly size: number;
}

/**
 * A bounded queue in memory, emptied in order by `numConsumers` at a time. As in the Collector, a request counts from its
 * offer to its end, so `capacity` bounds everything that the exporter holds, retries included.
 * Invariant: `size` is the sum over `#waiting` and the requests being consumed, and never above `capacity`.
 */
export class SendingQueue {
  readonly capacity: number;
  readonly #sizer: Sizer;
  readonly #numConsumers: number;
  readonly #consume: (request: ExportRequest, signal: AbortSignal) => Promise<void>;
  readonly #waiting = new Set<Entry>();
  readonly #cut = new AbortController();
  #size = 0;
  #busyCount = 0;
  #isStopped = false;
  #onEmpty: () => void = () => undefined;

  /** `consume` must not reject, and must end soon after its signal aborts. */
  constructor(config: SendingQueueConfig, consume: (request: ExportRequest, signal: AbortSignal) => Promise<void>) {
    this.#sizer = config.enabled ? config.sizer : 'requests';
    this.capacity = config.enabled ? config.queueSize : config.numConsumers;
    this.#numConsumers = config.numConsumers;
    this.#consume = consume;
  }

  get size(): number {
    return this.#size;
  }

  offer(request: ExportRequest): Refusal | undefined {
    if (this.#isStopped) return 'stopped';
    const size = sizeOf(request, this.#sizer);
    if (size > this.capacity) return 'too_large';
    if (this.#size + size > this.capacity) return 'queue_full';
    this.#size += size;
    this.#waiting.add({ request, size });
    this.#serve();
    return undefined;
  }

  /**
   * Refuses from now on and waits until all requests are consumed. Once `deadline` aborts, it cuts off those being
   * consumed and returns those that never were, oldest first.
   */
  async stop(deadline: AbortSignal): Promise<readonly ExportRequest[]> {
    this.#isStopped = true;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const cut = (): void => this.#cut.abort();
    if (deadline.aborted) cut();
    else deadline.addEventListener('abort', cut, { once: true });
    this.#reportEmpty();
    await empty;
    deadline.removeEventListener('abort', cut);
    const left = [...this.#waiting].map(({ request }) => request);
    this.#waiting.clear();
    this.#size = 0;
    return left;
  }

  #serve(): void {
    for (const entry of this.#waiting) {
      if (this.#busyCount === this.#numConsumers || this.#cut.signal.aborted) return;
      this.#waiting.delete(entry);
      this.#busyCount += 1;
      void this.#consume(entry.request, this.#cut.signal).then(() => this.#finish(entry));
    }
  }

  #finish(entry: Entry): void {
    this.#busyCount -= 1;
    this.#size -= entry.size;
    this.#serve();
    this.#reportEmpty();
  }

  #reportEmpty(): void {
    // Nothing is served any more after the cut, so the end of the last consumer is the end of all.
    if (this.#busyCount === 0) this.#onEmpty();
  }
}

function sizeOf(request: ExportRequest, sizer: Sizer): number {
  if (sizer === 'requests') return 1;
  return sizer === 'items' ? request.sampleCount : request.encoded().length;
}
