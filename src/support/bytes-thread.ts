import type { Clock } from './clock.ts';
import { gathered, sizeOf } from './gather-bytes.ts';
import type { ThreadModule } from './program-files.ts';
import type { WorkQueue } from './steps.ts';
import type { WorkerLimits, WorkerReply } from './worker-client.ts';
import { CopiedRequest, WorkerClient } from './worker-client.ts';

/** Messages of tens of megabytes take seconds, and other processes may have the cores. */
const timeoutMs = 60_000;
/** Decoded data is old soon. */
const youngMib = 16;

const mebibyte = 1024 * 1024;

/** Bytes that wait for a thread; a request that finds the thread free may be larger. The owner of the thread refuses more. */
export const mostWaitingBytes: number = 64 * mebibyte;

/** Heap of a thread that decodes messages: half of that of the process, within bounds. */
export function decodingHeapMib(heapLimitBytes: number): number {
  return Math.min(1024, Math.max(64, Math.floor(heapLimitBytes / mebibyte / 2)));
}

/**
 * A thread that answers requests of large messages one after the other. A message is counted while it waits and is worked on, and copied
 * in slices once the thread is free.
 */
export class BytesThread<Request, Reply> {
  readonly #client: WorkerClient<Request, Reply>;
  readonly #work: WorkQueue;
  #waitingBytes = 0;

  /** Messages are copied in the slices of `work`. */
  constructor(
    module: ThreadModule,
    limits: Pick<WorkerLimits, 'idleMs' | 'maxHeapMib'>,
    clock: Clock,
    work: WorkQueue,
  ) {
    this.#client = new WorkerClient(module, { ...limits, timeoutMs, youngMib }, clock);
    this.#work = work;
  }

  /** Bytes of the messages without a reply. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Never rejects, unless copying does. `requestWith` makes the request from copies of the messages. */
  async ask(
    messages: readonly Uint8Array[],
    requestWith: (copies: readonly Uint8Array<ArrayBuffer>[]) => Request,
  ): Promise<WorkerReply<Reply>> {
    const sizeBytes = sizeOf(messages);
    this.#waitingBytes += sizeBytes;
    const copy = async (): Promise<{ request: Request; memory: ArrayBuffer[] }> => {
      const copies: Uint8Array<ArrayBuffer>[] = [];
      for (const bytes of messages) copies.push(await gathered([bytes], this.#work));
      return { request: requestWith(copies), memory: copies.map(({ buffer }) => buffer) };
    };
    try {
      return await this.#client.ask(new CopiedRequest(copy));
    } finally {
      this.#waitingBytes -= sizeBytes;
    }
  }

  async stop(): Promise<void> {
    await this.#client.stop();
  }
}
