import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { Client, credentials } from '@grpc/grpc-js';
import type { BatchReplyMessage } from '../../src/cli/replay/frames-messages.ts';
import { loadFramesProto, streamPath } from '../../src/cli/replay/frames-proto.ts';
import { batchSpanNano, encodeLoad, finishBatch } from './load-bodies.ts';

/** What a load came to. */
export interface LoadResult {
  readonly seconds: number;
  readonly sentSamples: number;
  readonly acceptedSamples: number;
  readonly rejectedSamples: number;
  /** The longest that a batch was sent after its time. */
  readonly mostLateMs: number;
  /** Of this process while it sent. */
  readonly cpuSeconds: number;
}

/** More unanswered batches than these, and the service does not keep up: then the rate falls, and the result says so. */
const maxUnanswered = 32;

const { encode, decode } = { encode: (bytes: Buffer) => bytes, decode: loadFramesProto().decodeReply };

/** One stream of batches at a steady rate. */
class Load {
  readonly #call: ClientDuplexStream<Buffer, BatchReplyMessage>;
  #sequence = 0;
  #unanswered = 0;
  #accepted = 0;
  #rejected = 0;
  #onReply: () => void = () => undefined;

  constructor(client: Client) {
    this.#call = client.makeBidiStreamRequest<Buffer, BatchReplyMessage>(streamPath, encode, decode);
    this.#call.on('data', ({ acceptedSamples, rejectedSamples }: BatchReplyMessage) => {
      this.#unanswered -= 1;
      this.#accepted += acceptedSamples;
      this.#rejected += rejectedSamples;
      this.#onReply();
    });
  }

  async send(body: Buffer): Promise<void> {
    while (this.#unanswered >= maxUnanswered) await this.#reply();
    this.#unanswered += 1;
    this.#sequence += 1;
    const anchor = BigInt(Date.now()) * 1_000_000n - batchSpanNano;
    this.#call.write(finishBatch(body, this.#sequence, anchor));
  }

  async drain(): Promise<void> {
    while (this.#unanswered > 0) await this.#reply();
  }

  async run(perSecond: number, seconds: number, bodies: ReturnType<typeof encodeLoad>['bare']): Promise<LoadResult> {
    const [acceptedBefore, rejectedBefore] = [this.#accepted, this.#rejected];
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    let sentSamples = 0;
    let mostLateMs = 0;
    for (let index = 0; ; index++) {
      const { bytes, sampleCount } = bodies[index % bodies.length]!;
      const dueMs = startedMs + (sentSamples / perSecond) * 1000;
      if (dueMs >= startedMs + seconds * 1000 || performance.now() >= startedMs + seconds * 1000) break;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      await this.send(bytes);
      mostLateMs = Math.max(mostLateMs, performance.now() - dueMs);
      sentSamples += sampleCount;
    }
    await sleep(Math.max(0, startedMs + seconds * 1000 - performance.now()));
    await this.drain();
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      seconds: (performance.now() - startedMs) / 1000,
      sentSamples,
      acceptedSamples: this.#accepted - acceptedBefore,
      rejectedSamples: this.#rejected - rejectedBefore,
      mostLateMs,
      cpuSeconds: (user + system) / 1e6,
    };
  }

  async end(): Promise<void> {
    this.#call.end();
    await once(this.#call, 'status');
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
for (const body of named) await load.send(body);
await load.drain();
console.log(JSON.stringify({ ready: true }));
console.log(JSON.stringify(await load.run(Number(values.rate), Number(values.seconds), bare)));
await load.end();
client.close();
