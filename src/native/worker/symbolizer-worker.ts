import { Worker } from 'node:worker_threads';
import type { Clock } from '../../support/clock.ts';
import type { SymbolizeReply, SymbolizeRequest, WorkerOptions } from './messages.ts';

/** The reason for the end of a worker. */
export type WorkerEnd = 'timeout' | 'out_of_memory' | 'crashed';

export interface WorkerLimits {
  /** Of one request. */
  readonly timeoutMs: number;
  /** V8's heap; what a file makes it read is bounded by its windows. */
  readonly maxHeapMib: number;
}

/** A reply, or the end of the worker that should have given it: then the file is not to be tried again. */
export type WorkerReply =
  | SymbolizeReply
  | { readonly kind: 'ended'; readonly reason: WorkerEnd; readonly problem: string };

/** A thread that nobody asks for so long is ended: its memory goes back to the system. */
const idleMs = 60_000;
/** A larger young generation keeps more windows and texts that are garbage. */
const youngMib = 4;

/**
 * The one thread that reads executables. Started by the first request; ended and started anew when a request takes longer than it
 * may, or more memory. One request at a time.
 */
export class WorkerClient {
  readonly #options: WorkerOptions;
  readonly #limits: WorkerLimits;
  readonly #clock: Clock;
  #worker: Worker | undefined;
  #resting = new AbortController();

  constructor(options: WorkerOptions, limits: WorkerLimits, clock: Clock) {
    this.#options = options;
    this.#limits = limits;
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  async ask(request: SymbolizeRequest): Promise<WorkerReply> {
    this.#resting.abort();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const ending = new AbortController();
    const late = this.#clock.sleep(this.#limits.timeoutMs, ending.signal).then(
      (): WorkerReply => ({
        kind: 'ended',
        reason: 'timeout',
        problem: `no reply within ${this.#limits.timeoutMs} ms`,
      }),
      (): Promise<never> => new Promise(() => {}),
    );
    const answered = replyOf(worker);
    worker.postMessage(request);
    const reply = await Promise.race([answered, late]);
    ending.abort();
    if (reply.kind === 'ended') this.#end();
    else void this.#rest();
    return reply;
  }

  /** Ends the thread. Another request would start a new one. */
  async stop(): Promise<void> {
    this.#resting.abort();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  /** Ends the thread unless something is asked before. */
  async #rest(): Promise<void> {
    this.#resting = new AbortController();
    const { signal } = this.#resting;
    await this.#clock.sleep(idleMs, signal).catch(() => undefined);
    if (!signal.aborted) await this.stop();
  }

  #start(): Worker {
    // Compiled, the file has another extension.
    const file = import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: this.#options,
      name: 'symbolizer',
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.maxHeapMib, maxYoungGenerationSizeMb: youngMib },
    });
    // It must not keep a process alive that has nothing else to do.
    worker.unref();
    return worker;
  }

  /** Not waited for: a thread in a read that never returns ends when it does. */
  #end(): void {
    void this.stop();
  }
}

function replyOf(worker: Worker): Promise<WorkerReply> {
  return new Promise((resolve) => {
    const done = (reply: WorkerReply): void => {
      worker.off('message', done);
      worker.off('error', onError);
      worker.off('exit', onExit);
      resolve(reply);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const reason = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out_of_memory' : 'crashed';
      done({ kind: 'ended', reason, problem: error.message });
    };
    const onExit = (code: number): void => done({ kind: 'ended', reason: 'crashed', problem: `exit code ${code}` });
    worker.on('message', done);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}
