import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { readRetryDelayMs } from '../../src/otlp/protobuf/retry-info.ts';
import type { Random } from '../../src/support/clock.ts';
import type { PlainReply } from '../support/frames-client.ts';
import { decodeReply, encodeBatch, FramesClient } from '../support/frames-client.ts';
import type { Ledger, NumberSource } from './ledger.ts';
import type { NumberedSamples } from './numbered-samples.ts';

export interface FramesCollectorParts {
  readonly port: number;
  /** 16 bytes. */
  readonly instanceId: Buffer;
  readonly samples: NumberedSamples;
  readonly source: NumberSource;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Batches as one stream, or each as a call. */
  readonly isStreaming: boolean;
}

/** A reply lists at most so many rejections; with more samples it would not say which were rejected. */
const maxBatchSamples = 60;
const batchesUnderWay = 3;
/** Of the batches of a stream, after how many the stream breaks. */
const breakShare = 0.05;
const minBackoffMs = 20;
const maxBackoffMs = 400;

/**
 * A collector as it should be: keeps a batch until it has a reply, sends it again under the same sequence number when the
 * connection broke or the service said "later", waits as long as it is told to, and sends rejected samples in a new batch.
 */
export class FramesCollector {
  readonly #parts: FramesCollectorParts;
  readonly #client: FramesClient;
  readonly #rejected: number[] = [];
  #stream: ReplyStream | undefined;
  #sequence = 0;
  #notBeforeMs = 0;

  constructor(parts: FramesCollectorParts) {
    this.#parts = parts;
    this.#client = new FramesClient(parts.port, {
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.min_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 300,
      // Channels to one address share connections, which real collectors do not.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Resolves when the load is over and every sample was acknowledged, or `giveUp` aborts. */
  async run(giveUp: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: batchesUnderWay }, () => this.#sendUntilOver(giveUp)));
    this.#stream?.end();
    this.#client.close();
  }

  async #sendUntilOver(giveUp: AbortSignal): Promise<void> {
    const { source, random } = this.#parts;
    while (!giveUp.aborted) {
      const size = 1 + Math.floor(random() * maxBatchSamples);
      const again = this.#rejected.splice(0, size);
      const numbers = [...again, ...source.take(size - again.length)];
      if (numbers.length > 0) await this.#deliver(numbers, giveUp);
      else if (source.isOver) return;
      await pause(5 + random() * 30);
    }
  }

  async #deliver(numbers: readonly number[], giveUp: AbortSignal): Promise<void> {
    const { ledger, samples, instanceId } = this.#parts;
    this.#sequence += 1;
    const head = { collector: { instanceId, scopeName: 'chaos' }, sequence: this.#sequence };
    const bytes = encodeBatch({ ...samples.batch(numbers), ...head });
    for (let backoffMs = minBackoffMs; !giveUp.aborted; backoffMs = Math.min(backoffMs * 2, maxBackoffMs)) {
      await pause(this.#notBeforeMs - performance.now());
      ledger.sending(numbers);
      const result = await this.#submit(bytes);
      if (!(result instanceof Error)) return this.#takeReply(numbers, result);
      if (!mayTryAgain.has(result.code)) {
        ledger.problems.push(`a good batch was refused: ${result.message}`);
        return;
      }
      if (result.code === status.RESOURCE_EXHAUSTED) {
        ledger.refusedCount += 1;
        const [details] = result.metadata.get('grpc-status-details-bin');
        const delayMs = details === undefined ? undefined : readRetryDelayMs(details as Buffer);
        if (delayMs === undefined) ledger.problems.push(`RESOURCE_EXHAUSTED without RetryInfo: ${result.details}`);
        this.#notBeforeMs = Math.max(this.#notBeforeMs, performance.now() + (delayMs ?? 0));
      } else ledger.brokenCount += 1;
      await pause(backoffMs * (0.5 + this.#parts.random()));
    }
  }

  #takeReply(numbers: readonly number[], reply: PlainReply): void {
    const { ledger } = this.#parts;
    const { acceptedSamples, rejectedSamples, rejections, retryDelayMs, duplicate } = reply;
    if (duplicate) ledger.duplicateReplyCount += 1;
    const positions = new Set(rejections.map(({ path }) => Number(/^samples\[(\d+)\]/.exec(path)?.[1])));
    if (acceptedSamples + rejectedSamples !== numbers.length || positions.size !== rejectedSamples) {
      ledger.problems.push(`the reply to ${numbers.length} samples does not add up: ${JSON.stringify(reply)}`);
    }
    const rejected = numbers.filter((_, position) => positions.has(position));
    ledger.rejectedCount += rejected.length;
    this.#rejected.push(...rejected);
    ledger.acknowledge(numbers.filter((_, position) => !positions.has(position)));
    this.#notBeforeMs = Math.max(this.#notBeforeMs, performance.now() + retryDelayMs);
  }

  async #submit(bytes: Buffer): Promise<PlainReply | ServiceError> {
    if (this.#parts.isStreaming && (this.#stream === undefined || this.#stream.isOver)) {
      this.#stream = new ReplyStream(this.#client.open());
    }
    const reply = this.#stream?.submit(bytes) ?? this.#client.submit(bytes);
    // A connection that breaks before the reply is there: the service may have the batch, or not.
    if (this.#parts.random() < breakShare) this.#stream?.break();
    return reply.catch((error: ServiceError) => error);
  }
}

/** Replies of a stream come in the order of its batches; its end is the answer to those that have none. */
class ReplyStream {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #waiting: { resolve: (reply: PlainReply) => void; reject: (error: ServiceError) => void }[] = [];
  isOver = false;

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on('data', (bytes: Buffer) => this.#waiting.shift()?.resolve(decodeReply(bytes)));
    call.on('error', () => undefined); // told by 'status' too
    call.on('status', (ended) => {
      this.isOver = true;
      const message = `${ended.code} ${status[ended.code]}: ${ended.details}`;
      for (const { reject } of this.#waiting.splice(0)) reject(Object.assign(new Error(message), ended, { message }));
    });
  }

  submit(bytes: Buffer): Promise<PlainReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#call.write(bytes);
    });
  }

  end(): void {
    this.#call.end();
  }

  /** After a moment, in which what was written is on its way. */
  break(): void {
    setImmediate(() => this.#call.cancel());
  }
}

/** OK: a stream that the service ended although a batch had no reply. */
const mayTryAgain: ReadonlySet<status> = new Set([
  status.OK,
  status.UNAVAILABLE,
  status.RESOURCE_EXHAUSTED,
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  // What grpc-js makes of a stream that a dying process reset.
  status.INTERNAL,
  status.UNKNOWN,
]);

export function pause(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}
