import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { BatchMessage, BatchReplyMessage } from './frames-messages.ts';

/** Path of the streaming call, as gRPC writes it. */
export const streamPath = '/framekeeper.frames.v1.FramesService/Stream';

/** Reads the protocol from its .proto file, as a collector in any language would. */
export function loadFramesProto(): {
  encodeBatch: (batch: BatchMessage) => Buffer;
  decodeReply: (bytes: Buffer) => BatchReplyMessage;
} {
  // The same from src and from dist: three folders up is the project.
  const file = new URL('../../../proto/framekeeper/frames/v1/frames.proto', import.meta.url);
  const { root } = protobuf.parse(readFileSync(file, 'utf8'));
  const batchType = root.lookupType('framekeeper.frames.v1.Batch');
  const replyType = root.lookupType('framekeeper.frames.v1.BatchReply');
  return {
    encodeBatch: (batch) => Buffer.from(batchType.encode(batchType.fromObject(batch)).finish()),
    decodeReply: (bytes) =>
      replyType.toObject(replyType.decode(bytes), { longs: BigInt, defaults: true }) as BatchReplyMessage,
  };
}
