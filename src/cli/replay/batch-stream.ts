import type { GrpcClient } from '../../grpc/client.ts';
import type { StreamCall } from '../../grpc/client-stream.ts';
import type { OutgoingHeaders } from '../../grpc/http2/header-codec.ts';
import type { GrpcStatus } from '../../grpc/status.ts';
import { codeNames, status as grpcStatus } from '../../grpc/status.ts';
import { readRetryDelayMs } from '../../otlp/protobuf/retry-info.ts';
import type { Clock, Random } from '../../support/clock.ts';
import type { BatchMessage, BatchReplyMessage } from './frames-messages.ts';
import { streamPath } from './frames-messages.ts';
import { decodeReply, encodeBatch } from './frames-wire.ts';

export interface BatchStreamOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Headers of a call; asked for whenever one is made, so that a token may change. */
  readonly headers: () => OutgoingHeaders;
  /** Ends everything at once. */
  readonly signal: AbortSignal;
  readonly onReply: (reply: BatchReplyMessage) => void;
  /** The service would not take a batch at all; it is given up, and the next one is tried. */
  readonly onRefused: (sequence: bigint, sampleCount: number, reason: string) => void;
  /** The connection broke; it is made again after `delayMs`. */
  readonly onBroken: (reason: string, delayMs: number) => void;
}

interface SentBatch {
  readonly sequence: bigint;
  readonly sampleCount: number;
  readonly bytes: Uint8Array;
}

// Enough to keep a slow connection busy at ten batches a second, little enough to hold in memory.
const maxUnanswered = 32;
const minBackoffMs = 100;
const maxBackoffMs = 5_000;
/** In a row, without a reply in between; with the delays above that is half a minute. */
const maxAttempts = 10;

/**
 * The streaming call of `framekeeper.frames.v1`, made again whenever it breaks: batches without a reply are sent once more
 * under the same sequence number, which lets the service tell that it has them. Holds 32 batches at most.
 */
export class BatchStream {
  readonly #client: GrpcClient;
  readonly #options: BatchStreamOptions;
  readonly #unanswered: SentBatch[] = [];
  readonly #waiters: (() => void)[] = [];
  readonly #running: Promise<void>;
  #call: StreamCall | undefined;
  /** Ends the present call. */
  #cancelling = new AbortController();
  #attempts = 0;
  #notBeforeMs = 0;
  #isFinished = false;
  #failure: Error | undefined;

  constructor(client: GrpcClient, options: BatchStreamOptions) {
    this.#client = client;
    this.#options = options;
    options.signal.addEventListener('abort', this.#abort);
    this.#running = this.#run();
  }

  /** Resolves when the batch is on its way; rejects when the service is gone for good, or the signal aborts. */
  async send(batch: BatchMessage): Promise<void> {
    await this.#until(() => this.#unanswered.length < maxUnanswered);
    await this.#waitAsTold();
    this.#check();
    const { sequence, samples } = batch;
    const sent = { sequence, sampleCount: samples.length, bytes: encodeBatch(batch) };
    this.#unanswered.push(sent);
    if (this.#call === undefined) this.#notify();
    else this.#call.send(sent.bytes);
  }

  /** Resolves when every batch has its reply. */
  async drain(): Promise<void> {
    await this.#until(() => this.#unanswered.length === 0);
  }

  /** Ends the call. What has no reply yet is given up. */
  async close(): Promise<void> {
    this.#isFinished = true;
    this.#options.signal.removeEventListener('abort', this.#abort);
    if (this.#unanswered.length === 0) this.#call?.end();
    else this.#cancelling.abort();
    this.#notify();
    await this.#running;
  }

  /** One call after the other, until the end. */
  async #run(): Promise<void> {
    for (;;) {
      await this.#waitForWork();
      if (this.#isOver) return;
      const status = await this.#converse();
      if (this.#isOver) return;
      try {
        await this.#recover(status);
      } catch (error) {
        this.#fail(error as Error);
      }
    }
  }

  get #isOver(): boolean {
    return this.#isFinished || this.#failure !== undefined || this.#options.signal.aborted;
  }

  /** Without something to say no call is made: a collector at rest does not knock at a stopped service. */
  async #waitForWork(): Promise<void> {
    while (this.#unanswered.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Makes a call, says again what has no reply, and waits for the call's end. */
  async #converse(): Promise<GrpcStatus> {
    const cancelling = new AbortController();
    const onMessage = (bytes: Uint8Array): void => this.#take(decodeReply(bytes));
    const call = this.#client.stream(streamPath, this.#options.headers(), onMessage, cancelling.signal);
    this.#call = call;
    this.#cancelling = cancelling;
    for (const { bytes } of this.#unanswered) call.send(bytes);
    const { status } = await call.ended;
    this.#call = undefined;
    return status;
  }

  #take(reply: BatchReplyMessage): void {
    this.#attempts = 0;
    const index = this.#unanswered.findIndex(({ sequence }) => sequence === reply.sequence);
    if (index >= 0) this.#unanswered.splice(index, 1);
    // A reply without delay may be older than the pressure that another one told of.
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#options.clock.nowMs() + reply.retryDelayMs);
    this.#options.onReply(reply);
    this.#notify();
  }

  async #recover(status: GrpcStatus): Promise<void> {
    const { code, details } = status;
    const reason = `${codeNames.get(code) ?? code}: ${details}`;
    const [first] = this.#unanswered;
    if (refusals.has(code) && first !== undefined) {
      this.#unanswered.shift();
      this.#options.onRefused(first.sequence, first.sampleCount, reason);
      this.#notify();
      return;
    }
    const retryDelayMs = code === grpcStatus.RESOURCE_EXHAUSTED ? retryDelayOf(status) : undefined;
    if (retryDelayMs !== undefined) {
      this.#options.onBroken(reason, retryDelayMs);
      await this.#options.clock.sleep(retryDelayMs, this.#options.signal);
      return;
    }
    this.#attempts += 1;
    if (finalRefusals.has(code) || this.#attempts >= maxAttempts) throw new Error(`${reason}; ${remedyFor(status)}`);
    const { clock, random, signal } = this.#options;
    const backoffMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** (this.#attempts - 1)) * (0.5 + random() / 2);
    this.#options.onBroken(reason, backoffMs);
    await clock.sleep(backoffMs, signal);
    await this.#waitAsTold();
  }

  /** Waits as long as the last reply asked. */
  async #waitAsTold(): Promise<void> {
    const { clock, signal } = this.#options;
    for (;;) {
      const waitMs = this.#notBeforeMs - clock.nowMs();
      if (waitMs <= 0) return;
      await clock.sleep(waitMs, signal);
    }
  }

  async #until(isReached: () => boolean): Promise<void> {
    this.#check();
    while (!isReached()) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
      this.#check();
    }
  }

  #check(): void {
    this.#options.signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  readonly #abort = (): void => {
    this.#cancelling.abort();
    this.#notify();
  };
}

/** The most likely cause of a call that failed for good, as a question or an advice. */
function remedyFor({ code, details }: GrpcStatus): string {
  if (code === grpcStatus.UNAUTHENTICATED || code === grpcStatus.PERMISSION_DENIED) {
    return 'say who sends with --token-file or --header authorization=…';
  }
  if (code === grpcStatus.UNIMPLEMENTED || code === grpcStatus.NOT_FOUND) {
    return 'is it a service with a receiver for frames?';
  }
  if (/certificate|self-signed|altname|unable to verify/i.test(details)) {
    return 'name the CA of the service with --ca-file, or trust any with --insecure';
  }
  if (/wrong version number|EPROTO|packet length/i.test(details))
    return 'the service speaks no TLS there: leave out https://';
  if (/ECONNRESET|socket hang up|goaway|connection dropped/i.test(details)) {
    return 'does the service speak TLS there? Then write https:// before its address';
  }
  return 'is the service running there?';
}

/** The pause that a service asks for which can take nothing at present; `undefined` when it asks for none. */
function retryDelayOf({ detailsBin }: GrpcStatus): number | undefined {
  return detailsBin === undefined ? undefined : readRetryDelayMs(detailsBin);
}

/** The batch is at fault. */
const refusals: ReadonlySet<number> = new Set([grpcStatus.INVALID_ARGUMENT, grpcStatus.OUT_OF_RANGE]);

/** Whoever answers there will not answer otherwise later. */
const finalRefusals: ReadonlySet<number> = new Set([
  ...refusals,
  grpcStatus.UNIMPLEMENTED,
  grpcStatus.UNAUTHENTICATED,
  grpcStatus.PERMISSION_DENIED,
  grpcStatus.NOT_FOUND,
  grpcStatus.FAILED_PRECONDITION,
]);
