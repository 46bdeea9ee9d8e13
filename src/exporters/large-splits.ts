import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../support/clock.ts';
import { WorkerClient } from '../support/worker-client.ts';
import type { SplittingReply, SplittingRequest } from './splitting-thread.ts';

/** A smaller request is split at once: some 20 ms. */
export const mostSplitAtOnceBytes: number = 1024 * 1024;

// Other processes may have the cores.
const timeoutMs = 60_000;
const idleMs = 10_000;
const youngMib = 16;

const mebibyte = 1024 * 1024;

/** Splits large requests in a thread: to decode and split 26 MiB takes half a second and more. */
export class LargeSplits {
  readonly #thread: WorkerClient<SplittingRequest, SplittingReply>;

  constructor(clock: Clock) {
    // Compiled, the file has another extension.
    const file = import.meta.url.endsWith('.ts') ? './splitting-thread.ts' : './splitting-thread.js';
    const maxHeapMib = Math.min(1024, Math.max(64, Math.floor(getHeapStatistics().heap_size_limit / mebibyte / 2)));
    this.#thread = new WorkerClient(new URL(file, import.meta.url), { timeoutMs, idleMs, maxHeapMib, youngMib }, clock);
  }

  /** `undefined` when the thread has not managed it. */
  async split(request: SplittingRequest): Promise<SplittingReply | undefined> {
    const answer = await this.#thread.ask(request);
    return answer.kind === 'replied' ? answer.reply : undefined;
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
  }
}
