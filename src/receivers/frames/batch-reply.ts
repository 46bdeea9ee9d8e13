import type { NeededName, SampleRejection } from '../../model/batch-outcome.ts';
import type { FileId } from '../../model/file-id.ts';
import { fileIdSizeBytes, writeFileId } from '../../model/file-id.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import { uint64Of } from '../../support/halves.ts';

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
const mostNamesNeeded = 1_024;

// A reply that needs nothing is a few numbers; the buffer doubles for others.
const usualBytes = 64;

export function encodeReply(reply: BatchReply): Buffer {
  const writer = new ProtobufWriter(usualBytes);
  // The writer puts each field in front of those before.
  writer.bytes(8, packFileIds(reply.executablesNeeded.slice(0, mostNamesNeeded)));
  writer.uint32(6, reply.retryDelayMs);
  writer.messages(5, reply.namesNeeded.slice(0, mostNamesNeeded), (name) => writeName(writer, name));
  writer.messages(4, reply.rejections, ({ path, reason }) => {
    writer.text(2, reason);
    writer.text(1, path);
  });
  writer.uint32(3, reply.rejectedSamples);
  writer.uint32(2, reply.acceptedSamples);
  writer.int64(1, reply.sequence);
  return asBuffer(writer.finish());
}

/** The same reply, saying that the batch was counted before: a field that is appended is part of the message. */
export function asDuplicate(reply: Buffer): Buffer {
  return Buffer.concat([reply, duplicateField]);
}

const duplicateField = Buffer.from([(7 << 3) | 0, 1]);

function writeName(writer: ProtobufWriter, { owner, addressHigh, addressLow, kind }: NeededName): void {
  writer.uint32(5, kind);
  writer.fixed64(4, uint64Of(addressHigh, addressLow));
  if ('fileId' in owner) writer.bytes(1, packFileIds([owner.fileId]));
  else {
    writer.fixed64(3, owner.startTimeNano);
    writer.uint32(2, owner.pid);
  }
}

function packFileIds(fileIds: readonly FileId[]): Uint8Array {
  const bytes = new Uint8Array(fileIds.length * fileIdSizeBytes);
  for (const [index, fileId] of fileIds.entries()) writeFileId(fileId, bytes, index * fileIdSizeBytes);
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
