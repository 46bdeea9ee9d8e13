import type { NeededName, SampleRejection } from '../../model/batch-outcome.ts';
import type { FileId } from '../../model/file-id.ts';
import { writeFileId } from '../../model/file-id.ts';

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

// Field numbers and wire types of BatchReply, Rejection and NeededName; a varint's type is 0, a fixed64's 1, bytes' 2.
const mostNameBytes = 2 + 18 + 6 + 9 + 9 + 2;
const mostNumbersBytes = 32;
const fileIdBytes = 16;
const mostExecutablesHeadBytes = 4;

export function encodeReply(reply: BatchReply): Buffer {
  const names = reply.namesNeeded.slice(0, mostNamesNeeded);
  const executables = reply.executablesNeeded.slice(0, mostNamesNeeded);
  const rejections = reply.rejections.map(encodeRejection);
  const rejectionBytes = rejections.reduce((sum, { length }) => sum + length + 6, 0);
  const executableBytes = executables.length * fileIdBytes;
  const neededBytes = names.length * mostNameBytes + mostExecutablesHeadBytes + executableBytes;
  const bytes = Buffer.alloc(mostNumbersBytes + rejectionBytes + neededBytes);
  let p = 0;
  if (reply.sequence !== 0n) p = writeVarint(bytes, writeTag(bytes, p, 1, 0), reply.sequence);
  p = writeNumber(bytes, p, 2, reply.acceptedSamples);
  p = writeNumber(bytes, p, 3, reply.rejectedSamples);
  for (const rejection of rejections) {
    p = writeVarint(bytes, writeTag(bytes, p, 4, 2), rejection.length);
    p += rejection.copy(bytes, p);
  }
  for (const name of names) {
    const start = writeTag(bytes, p, 5, 2) + 1; // a name is shorter than 128 bytes, so its length takes one
    p = writeName(bytes, start, name);
    bytes[start - 1] = p - start;
  }
  p = writeNumber(bytes, p, 6, reply.retryDelayMs);
  if (executables.length > 0) p = writeVarint(bytes, writeTag(bytes, p, 8, 2), executableBytes);
  for (const fileId of executables) {
    writeFileId(fileId, bytes, p);
    p += fileIdBytes;
  }
  return bytes.subarray(0, p);
}

/** The same reply, saying that the batch was counted before: a field that is appended is part of the message. */
export function asDuplicate(reply: Buffer): Buffer {
  return Buffer.concat([reply, duplicateField]);
}

const duplicateField = Buffer.from([(7 << 3) | 0, 1]);

function encodeRejection({ path, reason }: SampleRejection): Buffer {
  const pathBytes = Buffer.from(path);
  const reasonBytes = Buffer.from(reason);
  const bytes = Buffer.alloc(pathBytes.length + reasonBytes.length + 12);
  let p = writeVarint(bytes, writeTag(bytes, 0, 1, 2), pathBytes.length);
  p += pathBytes.copy(bytes, p);
  p = writeVarint(bytes, writeTag(bytes, p, 2, 2), reasonBytes.length);
  p += reasonBytes.copy(bytes, p);
  return bytes.subarray(0, p);
}

function writeName(bytes: Buffer, start: number, { owner, addressHigh, addressLow, kind }: NeededName): number {
  let p = start;
  if ('fileId' in owner) {
    p = writeTag(bytes, p, 1, 2);
    bytes[p++] = 16;
    writeFileId(owner.fileId, bytes, p);
    p += 16;
  } else {
    p = writeNumber(bytes, p, 2, owner.pid);
    p = bytes.writeBigUInt64LE(owner.startTimeNano, writeTag(bytes, p, 3, 1));
  }
  p = bytes.writeUInt32LE(addressLow, writeTag(bytes, p, 4, 1));
  p = bytes.writeUInt32LE(addressHigh, p);
  return writeNumber(bytes, p, 5, kind);
}

/** Writes a number's field, or nothing when it is 0, as proto3 does. */
function writeNumber(bytes: Buffer, p: number, field: number, value: number): number {
  return value === 0 ? p : writeVarint(bytes, writeTag(bytes, p, field, 0), value);
}

function writeTag(bytes: Buffer, p: number, field: number, wireType: number): number {
  bytes[p] = (field << 3) | wireType;
  return p + 1;
}

function writeVarint(bytes: Buffer, start: number, value: number | bigint): number {
  let p = start;
  let rest = BigInt(value);
  while (rest > 127n) {
    bytes[p++] = Number(rest & 127n) | 128;
    rest >>= 7n;
  }
  bytes[p++] = Number(rest);
  return p;
}
