// hot
import { gatherBytes } from '../support/gather-bytes.ts';
import type { Steps } from '../support/steps.ts';

/** The content decompresses to more than it may. */
export class OutputTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`decompresses to more than ${maxBytes} bytes`);
    this.name = 'OutputTooLarge';
  }
}

/**
 * Decompresses one Snappy block (https://github.com/google/snappy/blob/main/format_description.txt).
 * @throws RangeError when the block is damaged, OutputTooLarge
 */
export function* decompressSnappyBlock(bytes: Uint8Array, maxBytes: number): Steps<Uint8Array> {
  const [sizeBytes, start] = readLength(bytes);
  if (sizeBytes > maxBytes) throw new OutputTooLarge(maxBytes);
  // A copy of 64 bytes takes 3: a block beyond that ratio cannot come of these bytes, and must not be allocated.
  if (sizeBytes > bytes.length * 32) throw damaged();
  const output = new Uint8Array(sizeBytes);
  let p = start;
  let written = 0;
  let stepEnd = bytesAStep;
  while (p < bytes.length) {
    if (written >= stepEnd) {
      stepEnd = written + bytesAStep;
      yield;
    }
    const tag = bytes[p++]!;
    if ((tag & 3) === 0) {
      let length = (tag >>> 2) + 1;
      if (length > 60) {
        const lengthBytes = length - 60;
        length = readLittleEndian(bytes, p, lengthBytes) + 1;
        p += lengthBytes;
      }
      if (length > bytes.length - p || length > sizeBytes - written) throw damaged();
      for (const end = p + length; p < end; ) {
        const part = bytes.subarray(p, Math.min(end, p + literalBytesAStep));
        output.set(part, written);
        p += part.length;
        written += part.length;
        if (p < end) yield;
      }
      continue;
    }
    const isShort = (tag & 3) === 1;
    const offsetBytes = isShort ? 1 : (tag & 3) === 2 ? 2 : 4;
    const length = isShort ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const offset = readLittleEndian(bytes, p, offsetBytes) + (isShort ? (tag >>> 5) * 256 : 0);
    p += offsetBytes;
    if (offset === 0 || offset > written || length > sizeBytes - written) throw damaged();
    // Byte by byte: a copy may reach into what it writes.
    for (let i = 0; i < length; i++, written++) output[written] = output[written - offset]!;
  }
  if (written !== sizeBytes) throw damaged();
  return output;
}

/**
 * Decompresses a stream of Snappy frames, checksums included
 * (https://github.com/google/snappy/blob/main/framing_format.txt).
 * @throws RangeError when the stream is damaged, OutputTooLarge
 */
export function* decompressSnappyFrames(bytes: Uint8Array, maxBytes: number): Steps<Uint8Array> {
  const parts: Uint8Array[] = [];
  let left = maxBytes;
  let p = 0;
  if (bytes[0] !== streamIdentifier) throw damaged();
  while (p < bytes.length) {
    const type = bytes[p]!;
    const start = p + 4;
    p = start + readLittleEndian(bytes, p + 1, 3);
    if (p > bytes.length) throw damaged();
    if (type === streamIdentifier) {
      if (Buffer.from(bytes.subarray(start, p)).toString('latin1') !== 'sNaPpY') throw damaged();
    } else if (type <= 1) {
      const checksum = readLittleEndian(bytes, start, 4);
      const content = bytes.subarray(start + 4, p);
      if (content.length > maxFrameBytes * 2) throw damaged();
      const part = type === 0 ? yield* decompressSnappyBlock(content, Math.min(left, maxFrameBytes)) : content;
      left -= part.length;
      if (left < 0) throw new OutputTooLarge(maxBytes);
      if (maskedCrc32c(part) !== checksum) throw damaged();
      parts.push(part);
      yield;
    } else if (type < 0x80) throw damaged();
  }
  return yield* gatherBytes(parts);
}

/** Bytes are copied at a nanosecond each; those of a literal, which are copied together, at a tenth. */
const bytesAStep = 65_536;
const literalBytesAStep = 256 * 1024;

const streamIdentifier = 0xff;
const maxFrameBytes = 65_536;

function damaged(): RangeError {
  return new RangeError('the snappy data is damaged');
}

/** The length that a block begins with, and where its content begins. */
function readLength(bytes: Uint8Array): [length: number, end: number] {
  let length = 0;
  for (let i = 0; i < 5 && i < bytes.length; i++) {
    length += (bytes[i]! & 0x7f) * 2 ** (7 * i);
    if (bytes[i]! < 0x80) return [length, i + 1];
  }
  throw damaged();
}

function readLittleEndian(bytes: Uint8Array, start: number, count: number): number {
  if (start + count > bytes.length) throw damaged();
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[start + i]!;
  return value;
}

/** CRC-32C (Castagnoli) by its table, masked as the format wants it. */
function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  return crc;
});
