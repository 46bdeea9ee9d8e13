import type { NeededName, SampleRejection } from '../../model/batch-outcome.ts';
import type { FileId } from '../../model/file-id.ts';
import { writeFileId } from '../../model/file-id.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';

/** `framekeeper.frames.v1.BatchReply` without `duplicate`. */
export interface BatchReply {
  readonly sequence: bigint;
  readonly acceptedSamples: number;
  readonly rejectedSamples: number;
  readonly rejections: readonly SampleRejection[];
  readonly namesNeeded: readonly NeededName[];
  readonly executablesNeeded: readonly FileId[];
  readonly retryDelayMs: number;
}

/** A reply asks for at most this many names, and for as many executables. */
export const mostNamesNeeded = 1_024;

export function encodeReply(reply: BatchReply): Buffer {
  const names = reply.namesNeeded.slice(0, mostNamesNeeded);
  const executables = reply.executablesNeeded.slice(0, mostNamesNeeded);
  const writer = new ProtobufWriter(64 + 48 * names.length + fileIdBytes * executables.length);
  // Last field first, as the writer wants it.
  if (executables.length > 0) writer.bytes(8, bytesOf(executables));
  writer.uint32(6, reply.retryDelayMs);
  for (const name of names.reverse()) writeName(writer, name);
  for (const { path, reason } of reply.rejections.toReversed()) {
    const mark = writer.length;
    writer.text(2, reason);
    writer.text(1, path);
    writer.message(4, mark);
  }
  writer.uint32(3, reply.rejectedSamples);
  writer.uint32(2, reply.acceptedSamples);
  writer.int64(1, reply.sequence);
  const { buffer, byteOffset, length } = writer.finish();
  return Buffer.from(buffer, byteOffset, length);
}

/** The same reply, saying that the batch was counted before: a field that is appended is part of the message. */
export function asDuplicate(reply: Buffer): Buffer {
  return Buffer.concat([reply, duplicateField]);
}

const duplicateField = Buffer.from([(7 << 3) | 0, 1]);

function writeName(writer: ProtobufWriter, { owner, addressHigh, addressLow, kind }: NeededName): void {
  const mark = writer.length;
  writer.uint32(5, kind);
  writer.fixed64(4, (BigInt(addressHigh) << 32n) | BigInt(addressLow));
  if ('fileId' in owner) writer.bytes(1, bytesOf([owner.fileId]));
  else {
    writer.fixed64(3, owner.startTimeNano);
    writer.uint32(2, owner.pid);
  }
  writer.message(5, mark);
}

function bytesOf(fileIds: readonly FileId[]): Buffer {
  const bytes = Buffer.alloc(fileIdBytes * fileIds.length);
  for (const [i, fileId] of fileIds.entries()) writeFileId(fileId, bytes, fileIdBytes * i);
  return bytes;
}

const fileIdBytes = 16;
