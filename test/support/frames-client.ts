import { join } from 'node:path';
import type { ChannelCredentials, ChannelOptions, ClientDuplexStream, ServiceError, StatusObject } from '@grpc/grpc-js';
import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { framesServiceDefinition } from './grpc-services.ts';

const proto = protobuf.loadSync(join(import.meta.dirname, '../../proto/framekeeper/frames/v1/frames.proto'));
const Batch = proto.lookupType('framekeeper.frames.v1.Batch');
const BatchReply = proto.lookupType('framekeeper.frames.v1.BatchReply');

/** `Batch` of frames.proto as a plain object, field names in camelCase; 64-bit values are numbers, texts or bigints. */
export type PlainBatch = Record<string, unknown>;

/** `BatchReply` with all its fields, 64-bit values as texts and bytes as hexadecimal. */
export interface PlainReply {
  readonly sequence: string;
  readonly acceptedSamples: number;
  readonly rejectedSamples: number;
  readonly rejections: readonly { readonly path: string; readonly reason: string }[];
  readonly namesNeeded: readonly Record<string, unknown>[];
  readonly executablesNeeded: string;
  readonly retryDelayMs: number;
  readonly duplicate: boolean;
}

/** Encodes a batch with protobufjs: an encoder that is not ours. */
export function encodeBatch(batch: PlainBatch): Buffer {
  return Buffer.from(Batch.encode(Batch.fromObject(withoutBigints(batch) as PlainBatch)).finish());
}

export function decodeReply(bytes: Uint8Array): PlainReply {
  const options = { longs: String, defaults: true, arrays: true, bytes: Array };
  const reply = BatchReply.toObject(BatchReply.decode(bytes), options) as unknown as PlainReply;
  const hex = (value: unknown): unknown => (Array.isArray(value) ? Buffer.from(value).toString('hex') : value);
  return {
    ...reply,
    namesNeeded: reply.namesNeeded.map((name) => ({ ...name, fileId: hex(name.fileId) })),
    executablesNeeded: hex(reply.executablesNeeded) as string,
  };
}

/** The smallest batch that has a sample: one frame of one file in one process, at `timestamps`. */
export function smallBatch(timestamps: readonly bigint[], more: PlainBatch = {}): PlainBatch {
  return {
    collector: { instanceId: Buffer.alloc(16, 7) },
    strings: ['samples', 'count', 'cpu', 'nanoseconds', 'main'],
    fileIds: Buffer.alloc(16, 1),
    frames: [{ fileId: 1, addressOrLine: 0x1234n, kind: 1 }],
    stacks: [{ frames: [1] }],
    processes: [{ pid: 42, comm: 5 }],
    profileTypes: [{ sampleType: 1, sampleUnit: 2, periodType: 3, periodUnit: 4, period: 50_000_000 }],
    samples: [{ stack: 1, process: 1, profileType: 1, threadId: 43, timestamps }],
    ...more,
  };
}

/** A collector for tests: sends batches, as plain objects or as bytes, and gives the replies. */
export class FramesClient {
  readonly #client: Client;

  constructor(port: number, options: ChannelOptions = {}, channel: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new Client(`127.0.0.1:${port}`, channel, options);
  }

  /** Rejects with grpc-js's `ServiceError`. */
  submit(batch: PlainBatch | Uint8Array): Promise<PlainReply> {
    const { path, requestSerialize, responseDeserialize } = framesServiceDefinition.Submit!;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        bytesOf(batch),
        (error: ServiceError | null, reply?: Buffer) => (error === null ? resolve(decodeReply(reply!)) : reject(error)),
      );
    });
  }

  /** A stream of encoded batches and replies, for tests that look at its course. */
  open(): ClientDuplexStream<Buffer, Buffer> {
    const { path, requestSerialize, responseDeserialize } = framesServiceDefinition.Stream!;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  /** Sends all batches as one stream; gives the replies, and how the stream ended. */
  async stream(batches: readonly (PlainBatch | Uint8Array)[]): Promise<{ replies: PlainReply[] } & StatusObject> {
    const call = this.open();
    const replies: PlainReply[] = [];
    call.on('data', (bytes: Buffer) => replies.push(decodeReply(bytes)));
    call.on('error', () => undefined); // told by 'status' too
    const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve));
    for (const batch of batches) call.write(bytesOf(batch));
    call.end();
    return { replies, ...(await ended) };
  }

  close(): void {
    this.#client.close();
  }
}

function bytesOf(batch: PlainBatch | Uint8Array): Buffer {
  return batch instanceof Uint8Array ? Buffer.from(batch) : encodeBatch(batch);
}

/** protobufjs takes 64-bit values as texts. */
function withoutBigints(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(withoutBigints);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBigints(item)]));
}
