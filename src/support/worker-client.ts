import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import type { Clock } from './clock.ts';
import { inTime } from './clock.ts';
import type { ThreadModule } from './program-files.ts';
import { startThread } from './program-files.ts';
import { watchThreadMemory } from './thread-memory.ts';

export interface WorkerLimits {
  /** Bound of one request. */
  readonly timeoutMs: number;
  /** A thread without a request for this long is ended, which gives its memory back. */
  readonly idleMs: number;
  /** Old generation of the thread's heap. */
  readonly maxHeapMib: number;
  /** Young generation: room for what one request makes and drops. */
  readonly youngMib: number;
  /** Size of the old generation at its first collection; V8 would let it grow to half of its limit. */
  readonly firstHeapMib?: number;
}

/**
 * A large request: `copy` is called once the thread is free. Posting would copy the request in one turn of the event loop; this one can
 * be copied in slices, into memory that the thread takes over.
 */
export class CopiedRequest<Request> {
  readonly copy: () => Promise<{ readonly request: Request; readonly memory: readonly ArrayBuffer[] }>;

  constructor(copy: CopiedRequest<Request>['copy']) {
    this.copy = copy;
  }
}

/** A reply of the thread, or the end of a thread that gave none. */
export type WorkerReply<Reply> = { readonly kind: 'replied'; readonly reply: Reply } | WorkerEnd;

/** End of a thread. Its request is not to be tried again. */
export interface WorkerEnd {
  readonly kind: 'ended';
  readonly reason: 'timeout' | 'out_of_memory' | 'crashed';
  readonly problem: string;
}

/**
 * One thread that answers requests one after the other. The first request starts the thread. A request beyond its time or memory
 * ends the thread, and the next request starts another thread.
 */
export class WorkerClient<Request, Reply> {
  readonly #module: ThreadModule;
  readonly #limits: WorkerLimits;
  readonly #clock: Clock;
  readonly #options: WorkerOptions;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle = new AbortController();

  /** `options` are the thread's name and its data at the start. */
  constructor(
    module: ThreadModule,
    limits: WorkerLimits,
    clock: Clock,
    options: Pick<WorkerOptions, 'name' | 'workerData'> = {},
  ) {
    this.#module = module;
    this.#options = options;
    this.#limits = limits;
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Never rejects, unless copying the request does. */
  ask(request: Request | CopiedRequest<Request>): Promise<WorkerReply<Reply>> {
    const reply = this.#last.then(() => this.#ask(request));
    this.#last = reply.catch(() => undefined);
    return reply;
  }

  /** Ends the thread. A later request starts another. */
  async stop(): Promise<void> {
    this.#idle.abort();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #ask(request: Request | CopiedRequest<Request>): Promise<WorkerReply<Reply>> {
    this.#idle.abort();
    const copied = request instanceof CopiedRequest ? await request.copy() : { request, memory: [] };
    const isNew = this.#worker === undefined;
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const { timeoutMs } = this.#limits;
    const timeout: WorkerReply<Reply> = {
      ...{ kind: 'ended', reason: 'timeout' },
      problem: `no reply within ${timeoutMs} ms`,
    };
    const reply = inTime(this.#clock, timeoutMs, replyOf<Reply>(worker), () => timeout);
    // The start of a thread takes milliseconds.
    if (isNew) await setImmediate();
    worker.postMessage(copied.request, [...copied.memory]);
    const result = await reply;
    // Not waited for: a thread in a read that never returns ends when that does.
    if (result.kind === 'ended') void this.stop();
    else this.#endWhenIdle();
    return result;
  }

  #endWhenIdle(): void {
    this.#idle = new AbortController();
    this.#clock.sleep(this.#limits.idleMs, this.#idle.signal).then(
      () => this.stop(),
      () => undefined,
    );
  }

  #start(): Worker {
    const { maxHeapMib, youngMib, firstHeapMib = 0 } = this.#limits;
    // V8 reads them for the heap of each thread that starts; a size of the process's young generation would go before that of the thread.
    // Young objects begin with most of their space: of that of the process V8 is told not to double it, and no thread is told apart.
    const firstYoungMib = Math.floor(youngMib / 4);
    setFlagsFromString(
      `--max-semi-space-size=0 --min-semi-space-size=${firstYoungMib} --initial-old-space-size=${firstHeapMib}`,
    );
    const worker = startThread(this.#module, {
      ...this.#options,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMib, maxYoungGenerationSizeMb: youngMib },
    });
    // A process that has nothing else to do may end.
    worker.unref();
    watchThreadMemory(worker);
    // A thread may end between two requests, when nobody waits for a reply.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}

function replyOf<Reply>(worker: Worker): Promise<WorkerReply<Reply>> {
  return new Promise((resolve) => {
    const done = (result: WorkerReply<Reply>): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(result);
    };
    const onMessage = (reply: Reply): void => done({ kind: 'replied', reply });
    const onError = (error: NodeJS.ErrnoException): void => {
      const reason = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out_of_memory' : 'crashed';
      done({ kind: 'ended', reason, problem: error.message });
    };
    const onExit = (code: number): void => done({ kind: 'ended', reason: 'crashed', problem: `exit code ${code}` });
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}
