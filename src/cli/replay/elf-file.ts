import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** One PT_LOAD program header: which part of the file lies at which of the file's own virtual addresses. */
export interface LoadSegment {
  readonly fileOffset: bigint;
  readonly address: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
  /** `r`, `w` and `x`, or `-` in their place. */
  readonly flags: string;
}

/** The part of a mapped executable that a collector reads. */
export interface ElfFile {
  readonly sizeBytes: number;
  /** Hexadecimal; empty when the file has no GNU build ID. */
  readonly gnuBuildId: string;
  /** The OpenTelemetry file ID: 32 hexadecimal digits. */
  readonly htlhash: string;
  readonly loads: readonly LoadSegment[];
}

// A note segment holds a few hundred bytes; a file that says otherwise is damaged.
const maxNoteBytes = 65_536;
const maxProgramHeaders = 128;

/** Reads a little-endian ELF64 file; `undefined` when there is none at `path` or it is something else. */
export function readElfFile(path: string): ElfFile | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(file);
    return stat.isFile() ? readElf(file, stat.size) : undefined;
  } finally {
    closeSync(file);
  }
}

function readElf(file: number, sizeBytes: number): ElfFile | undefined {
  const header = readAt(file, 0, 64);
  // Magic, ELFCLASS64, ELFDATA2LSB (https://gabi.xinuos.com/elf/02-eheader.html).
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) {
    return undefined;
  }
  const entrySize = header.readUInt16LE(54);
  const count = Math.min(header.readUInt16LE(56), maxProgramHeaders);
  const table = readAt(file, Number(header.readBigUInt64LE(32)), entrySize * count);
  const loads: LoadSegment[] = [];
  let gnuBuildId = '';
  for (let at = 0; at + 56 <= table.length; at += entrySize) {
    const segment = readProgramHeader(table.subarray(at));
    if (segment.type === 1) loads.push(segment.load);
    if (segment.type === 4 && gnuBuildId === '') gnuBuildId = readBuildId(file, segment.load);
  }
  return { sizeBytes, gnuBuildId, htlhash: htlhashOf(file, sizeBytes), loads };
}

function readProgramHeader(bytes: Buffer): { type: number; load: LoadSegment } {
  const flags = bytes.readUInt32LE(4);
  const load = {
    fileOffset: bytes.readBigUInt64LE(8),
    address: bytes.readBigUInt64LE(16),
    fileSize: bytes.readBigUInt64LE(32),
    memorySize: bytes.readBigUInt64LE(40),
    flags: `${flags & 4 ? 'r' : '-'}${flags & 2 ? 'w' : '-'}${flags & 1 ? 'x' : '-'}`,
  };
  return { type: bytes.readUInt32LE(0), load };
}

/** The note named GNU of type 3, among the notes of one segment. */
function readBuildId(file: number, { fileOffset, fileSize }: LoadSegment): string {
  const notes = readAt(file, Number(fileOffset), Math.min(Number(fileSize), maxNoteBytes));
  let at = 0;
  while (at + 12 <= notes.length) {
    const nameSize = notes.readUInt32LE(at);
    const textSize = notes.readUInt32LE(at + 4);
    const nameAt = at + 12;
    const textAt = nameAt + align4(nameSize);
    if (notes.readUInt32LE(at + 8) === 3 && notes.toString('latin1', nameAt, nameAt + 4) === 'GNU\0') {
      return notes.toString('hex', textAt, textAt + textSize);
    }
    at = textAt + align4(textSize);
  }
  return '';
}

/** First half of SHA-256 over the first 4,096 bytes, the last 4,096 bytes and the length. */
function htlhashOf(file: number, sizeBytes: number): string {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(sizeBytes));
  const tailBytes = Math.min(sizeBytes, 4096);
  return createHash('sha256')
    .update(readAt(file, 0, 4096))
    .update(readAt(file, sizeBytes - tailBytes, tailBytes))
    .update(length)
    .digest('hex')
    .slice(0, 32);
}

function readAt(file: number, position: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  return bytes.subarray(0, readSync(file, bytes, 0, sizeBytes, position));
}

function align4(size: number): number {
  return (size + 3) & ~3;
}
