import { crc32 } from 'node:zlib';
import type { Steps } from '../support/steps.ts';

/** Header before the payload of a record. */
export interface RecordHeader {
  readonly payloadBytes: number;
  readonly payloadCrc: number;
  readonly sampleCount: number;
  readonly isFinished: boolean;
}

/**
 * Little-endian: magic u32, payload length u32, sample count u32, CRC-32 of the payload u32, CRC-32 of these 16 bytes u32,
 * state u8, three zeros.
 */
export const headerBytes = 24;

/** Offset of the state in a header: the one byte of a record that changes, outside of every checksum. */
export const stateOffset = 20;

/** The state of a finished record. Every other value means unfinished, so that damage to it costs a duplicate at most. */
export const finishedState = 0x46;

/** The first four bytes of a record, for finding the next one after damage. */
export const magic: Buffer = Buffer.from('FKR1');

const checkedBytes = 16;

/** Checksums of large payloads, by their bytes, which must not change. */
const knownCrcs = new WeakMap<Uint8Array, number>();

/** A checksum takes a millisecond a mebibyte. */
const bytesAStep = 256 * 1024;

/** The checksum of a payload, in steps. */
export function* crcInSteps(payload: Uint8Array): Steps<number> {
  let crc = 0;
  for (let start = 0; start < payload.length; start += bytesAStep) {
    crc = crc32(payload.subarray(start, start + bytesAStep), crc);
    yield;
  }
  return crc;
}

/** Does in steps what `headerOf` would do at once for a payload in one part. */
export function* prepareHeaderOf(payload: Uint8Array): Steps<void> {
  if (!knownCrcs.has(payload)) knownCrcs.set(payload, yield* crcInSteps(payload));
}

/** Header of an unfinished record, whose payload is given in parts. */
export function headerOf(payload: readonly Uint8Array[], sampleCount: number): RecordHeader {
  let payloadBytes = 0;
  let payloadCrc = 0;
  for (const part of payload) {
    payloadBytes += part.length;
    payloadCrc = (payload.length === 1 ? knownCrcs.get(part) : undefined) ?? crc32(part, payloadCrc);
  }
  return { payloadBytes, payloadCrc, sampleCount, isFinished: false };
}

/** The header as it will stand at `offset` of its file. */
export function encodeRecordHeader(header: RecordHeader, offset: number): Buffer {
  const { payloadBytes, payloadCrc, sampleCount, isFinished } = header;
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(payloadBytes, 4);
  bytes.writeUInt32LE(sampleCount, 8);
  bytes.writeUInt32LE(payloadCrc, 12);
  bytes.writeUInt32LE(headerCrc(bytes, offset), checkedBytes);
  bytes[stateOffset] = isFinished ? finishedState : 0;
  return bytes;
}

/** The header at `offset` of its file; `undefined` when it is damaged, or none. */
export function parseRecordHeader(bytes: Buffer, offset: number): RecordHeader | undefined {
  if (bytes.length < headerBytes || magic.compare(bytes, 0, magic.length) !== 0) return undefined;
  if (bytes.readUInt32LE(checkedBytes) !== headerCrc(bytes, offset)) return undefined;
  return {
    payloadBytes: bytes.readUInt32LE(4),
    sampleCount: bytes.readUInt32LE(8),
    payloadCrc: bytes.readUInt32LE(12),
    isFinished: bytes[stateOffset] === finishedState,
  };
}

// Begins with the place, so that bytes that look like a record inside a payload are not taken for one.
function headerCrc(header: Buffer, offset: number): number {
  return crc32(header.subarray(0, checkedBytes), offset % 2 ** 32);
}
