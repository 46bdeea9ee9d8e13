import type { Clock } from '../../support/clock.ts';
import { threadModule } from '../../support/program-files.ts';
import type { WorkerEnd, WorkerLimits } from '../../support/worker-client.ts';
import { WorkerClient } from '../../support/worker-client.ts';
import { FilePresence } from '../files/file-presence.ts';
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

/** The thread that reads executables, a request at a time. It is not started for a file that is nowhere. */
export class SymbolizerWorker {
  readonly #client: WorkerClient<SymbolizeRequest, SymbolizeReply>;
  readonly #presence: FilePresence;
  #stops = 0;

  constructor(options: WorkerOptions, limits: SymbolizerLimits, clock: Clock) {
    this.#presence = new FilePresence(options.search, clock);
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
    if (!this.isRunning && (await this.#isNowhere(request))) {
      return { kind: 'missing', id: request.id, reason: 'no_process' };
    }
    const answer = await this.#client.ask(request);
    return answer.kind === 'replied' ? answer.reply : answer;
  }

  /** True also if this was stopped during the look. */
  async #isNowhere(request: SymbolizeRequest): Promise<boolean> {
    if (!('file' in request) || request.pids.length > 0) return false;
    const stops = this.#stops;
    return !(await this.#presence.mayBeFound(request.file)) || stops !== this.#stops;
  }

  /** Ends the thread. Another request would start a new one. */
  stop(): Promise<void> {
    this.#stops++;
    return this.#client.stop();
  }
}
