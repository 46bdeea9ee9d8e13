import type { Clock } from '../../support/clock.ts';
import { threadModule } from '../../support/program-files.ts';
import type { WorkerEnd, WorkerLimits } from '../../support/worker-client.ts';
import { WorkerClient } from '../../support/worker-client.ts';
import type { SymbolizeReply, SymbolizeRequest, WorkerOptions } from './messages.ts';

/** A reply, or the end of the thread that should have given one: then the file is not to be tried again. */
export type SymbolizerReply = SymbolizeReply | WorkerEnd;

/** Time, and V8's heap; what a file makes the thread read is bounded by its windows. */
export type SymbolizerLimits = Pick<WorkerLimits, 'timeoutMs' | 'maxHeapMib'>;

/** A thread that nobody asks for so long is ended: its memory goes back to the system. */
const idleMs = 60_000;
/** A larger young generation keeps more windows and texts that are garbage. */
const youngMib = 4;
/** Tables and indexes take less; entries of debug information that were walked through are garbage. */
const firstHeapMib = 8;

/** The thread that reads executables, a request at a time. */
export class SymbolizerWorker {
  readonly #client: WorkerClient<SymbolizeRequest, SymbolizeReply>;

  constructor(options: WorkerOptions, limits: SymbolizerLimits, clock: Clock) {
    const start = { name: 'symbolizer', workerData: options };
    this.#client = new WorkerClient(
      threadModule('native/worker/worker-main'),
      { ...limits, idleMs, youngMib, firstHeapMib },
      clock,
      start,
    );
  }

  get isRunning(): boolean {
    return this.#client.isRunning;
  }

  async ask(request: SymbolizeRequest): Promise<SymbolizerReply> {
    const answer = await this.#client.ask(request);
    return answer.kind === 'replied' ? answer.reply : answer;
  }

  /** Ends the thread. Another request would start a new one. */
  stop(): Promise<void> {
    return this.#client.stop();
  }
}
