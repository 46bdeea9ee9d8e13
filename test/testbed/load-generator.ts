import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ClientDuplexStream, StatusObject } from '@grpc/grpc-js';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { BatchReplyMessage } from '../../src/cli/replay/frames-messages.ts';
import { streamPath } from '../../src/cli/replay/frames-messages.ts';
import { decodeReply } from '../../src/cli/replay/frames-wire.ts';
import { readRetryDelayMs } from '../../src/otlp/protobuf/retry-info.ts';
import type { LoadBody } from './load-bodies.ts';
import { batchSpanNano, encodeLoad, finishBatch } from './load-bodies.ts';

/** What a load came to. */
export interface LoadResult {
  readonly seconds: number;
  readonly sentSamples: number;
  readonly acceptedSamples: number;
  readonly rejectedSamples: number;
  /** Not taken, because the service said that it has no room, or not sent while it had asked to wait. */
  readonly refusedSamples: number;
  /** The longest that a batch was sent after its time. */
  readonly mostLateMs: number;
  /** Of this process while it sent. */
  readonly cpuSeconds: number;
}

/** More unanswered batches than these, and the service does not keep up: then the rate falls, and the result says so. */
const maxUnanswered = 32;

const { encode, decode } = { encode: (bytes: Buffer) => bytes, decode: decodeReply };

type Call = ClientDuplexStream<Buffer, BatchReplyMessage>;

/** A stream of batches at a steady rate; another one after the service has said that it has no room. */
class Load {
  readonly #client: Client;
  readonly #unanswered: number[] = [];
  #call: Call | undefined;
  #sequence = 0;
  #accepted = 0;
  #rejected = 0;
  #refused = 0;
  #notBeforeMs = 0;
  #onReply: () => void = () => undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  async send({ bytes, sampleCount }: LoadBody): Promise<void> {
    while (this.#unanswered.length >= maxUnanswered) await this.#reply();
    if (performance.now() < this.#notBeforeMs) {
      this.#refused += sampleCount;
      return;
    }
    this.#call ??= this.#open();
    this.#unanswered.push(sampleCount);
    this.#sequence += 1;
    const anchor = BigInt(Date.now()) * 1_000_000n - batchSpanNano;
    this.#call.write(finishBatch(bytes, this.#sequence, anchor));
  }

  async drain(): Promise<void> {
    while (this.#unanswered.length > 0) await this.#reply();
  }

  async run(perSecond: number, seconds: number, bodies: readonly LoadBody[]): Promise<LoadResult> {
    const [acceptedBefore, rejectedBefore, refusedBefore] = [this.#accepted, this.#rejected, this.#refused];
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    let sentSamples = 0;
    let mostLateMs = 0;
    for (let index = 0; ; index++) {
      const body = bodies[index % bodies.length]!;
      const dueMs = startedMs + (sentSamples / perSecond) * 1000;
      if (dueMs >= startedMs + seconds * 1000 || performance.now() >= startedMs + seconds * 1000) break;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      await this.send(body);
      mostLateMs = Math.max(mostLateMs, performance.now() - dueMs);
      sentSamples += body.sampleCount;
    }
    await sleep(Math.max(0, startedMs + seconds * 1000 - performance.now()));
    await this.drain();
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      seconds: (performance.now() - startedMs) / 1000,
      sentSamples,
      acceptedSamples: this.#accepted - acceptedBefore,
      rejectedSamples: this.#rejected - rejectedBefore,
      refusedSamples: this.#refused - refusedBefore,
      mostLateMs,
      cpuSeconds: (user + system) / 1e6,
    };
  }

  async end(): Promise<void> {
    if (this.#call === undefined) return;
    this.#call.end();
    await once(this.#call, 'status');
  }

  #open(): Call {
    const call = this.#client.makeBidiStreamRequest<Buffer, BatchReplyMessage>(streamPath, encode, decode);
    call.on('data', ({ acceptedSamples, rejectedSamples }: BatchReplyMessage) => {
      this.#unanswered.shift();
      this.#accepted += acceptedSamples;
      this.#rejected += rejectedSamples;
      this.#onReply();
    });
    call.on('error', () => undefined); // told by 'status' too
    call.on('status', (ended: StatusObject) => this.#takeEnd(ended));
    return call;
  }

  #takeEnd({ code, details, metadata }: StatusObject): void {
    this.#call = undefined;
    if (code === status.OK) return;
    if (code !== status.RESOURCE_EXHAUSTED) throw new Error(`the service ended the stream: ${code} ${details}`);
    const [detail] = metadata.get('grpc-status-details-bin');
    const delayMs = detail === undefined ? undefined : readRetryDelayMs(detail as Buffer);
    this.#notBeforeMs = performance.now() + (delayMs ?? 0);
    for (const sampleCount of this.#unanswered.splice(0)) this.#refused += sampleCount;
    this.#onReply();
  }

  #reply(): Promise<void> {
    return new Promise((resolve) => {
      this.#onReply = resolve;
    });
  }
}

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    copies: { type: 'string', default: '16' },
  },
});
const { named, bare } = encodeLoad(Number(values.copies));
const client = new Client(`127.0.0.1:${values.port}`, credentials.createInsecure());
const load = new Load(client);
for (const bytes of named) await load.send({ bytes, sampleCount: 0 });
await load.drain();
console.log(JSON.stringify({ ready: true }));
console.log(JSON.stringify(await load.run(Number(values.rate), Number(values.seconds), bare)));
await load.end();
client.close();
