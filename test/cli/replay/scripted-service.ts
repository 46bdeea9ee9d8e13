import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { Identity } from '../../support/certificates.ts';
import { encodeStatus } from '../../support/rpc-status.ts';

/** One batch as the service read it: plain objects, 64-bit numbers as decimal text. */
export interface ReceivedBatch {
  readonly sequence: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whichever field they are about.
  readonly [field: string]: any;
}

/** What the service does with a batch: answer with these fields, break the call with a status, or say nothing. */
export type Reaction =
  | { readonly kind: 'reply'; readonly fields?: object }
  | { readonly kind: 'status'; readonly code: status; readonly details: string; readonly retryAfterMs?: number }
  | { readonly kind: 'silence' };

/** A real gRPC server for `FramesService.Stream` that does what the test says. */
export interface ScriptedService {
  readonly endpoint: string;
  readonly batches: readonly ReceivedBatch[];
  /** How many calls were made. */
  readonly callCount: () => number;
  /** Resolves once `isReached` holds; looked at after each batch. */
  readonly until: (isReached: () => boolean) => Promise<void>;
  readonly stop: () => void;
}

const proto = join(import.meta.dirname, '../../../proto/framekeeper/frames/v1/frames.proto');
const { root } = protobuf.parse(readFileSync(proto, 'utf8'));
const batchType = root.lookupType('framekeeper.frames.v1.Batch');
const replyType = root.lookupType('framekeeper.frames.v1.BatchReply');

/** TLS and the headers that a call must have. */
export interface Protection {
  readonly identity: Identity;
  readonly headers: Readonly<Record<string, string>>;
}

export async function startScriptedService(
  react: (batch: ReceivedBatch, index: number) => Reaction,
  port = 0,
  protection?: Protection,
): Promise<ScriptedService> {
  const batches: ReceivedBatch[] = [];
  const waiters = new Set<() => void>();
  let callCount = 0;
  const server = new Server();
  const definition = {
    stream: {
      path: '/framekeeper.frames.v1.FramesService/Stream',
      requestStream: true,
      responseStream: true,
      requestSerialize: (value: ReceivedBatch) => Buffer.from(batchType.encode(value as object).finish()),
      requestDeserialize: (bytes: Buffer) =>
        batchType.toObject(batchType.decode(bytes), { longs: String, defaults: true, arrays: true }) as ReceivedBatch,
      responseSerialize: (value: object) => Buffer.from(replyType.encode(replyType.fromObject(value)).finish()),
      responseDeserialize: (bytes: Buffer) => replyType.decode(bytes) as object,
    },
  } as const;
  server.addService(definition, {
    stream: (call: ServerDuplexStream<ReceivedBatch, object>) => {
      callCount += 1;
      const missing = Object.entries(protection?.headers ?? {}).find(
        ([name, value]) => call.metadata.get(name)[0] !== value,
      );
      if (missing !== undefined) {
        call.emit('error', { code: status.UNAUTHENTICATED, details: `no ${missing[0]}` });
        return;
      }
      let isBroken = false;
      call.on('end', () => call.end());
      call.on('error', () => {});
      call.on('data', (batch: ReceivedBatch) => {
        if (isBroken) return;
        const reaction = react(batch, batches.push(batch) - 1);
        if (reaction.kind === 'reply') {
          call.write({ sequence: batch.sequence, acceptedSamples: batch.samples.length, ...reaction.fields });
        } else if (reaction.kind === 'status') {
          isBroken = true;
          const { code, details, retryAfterMs } = reaction;
          const metadata = new Metadata();
          if (retryAfterMs !== undefined) {
            metadata.set('grpc-status-details-bin', encodeStatus(code, details, retryAfterMs));
          }
          call.emit('error', { code, details, metadata });
        }
        for (const wake of waiters) wake();
      });
    },
  });
  const boundPort = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentialsOf(protection), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    endpoint: `127.0.0.1:${boundPort}`,
    batches,
    callCount: () => callCount,
    until: (isReached) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isReached()) return;
          waiters.delete(look);
          resolve();
        };
        waiters.add(look);
        look();
      }),
    stop: () => server.forceShutdown(),
  };
}

function credentialsOf(protection: Protection | undefined): ServerCredentials {
  if (protection === undefined) return ServerCredentials.createInsecure();
  const { cert, key } = protection.identity;
  return ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }]);
}
