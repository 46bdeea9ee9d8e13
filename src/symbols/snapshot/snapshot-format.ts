import { crc32 } from 'node:zlib';

/**
 * A snapshot of the symbol store is a header, sections, and nothing after the section `end`. Numbers are little-endian.
 *
 * Header, 32 bytes, the same in all versions: magic (8), version (4), zero (4), beginning of the walk in Unix
 * nanoseconds (8), zero (4), CRC-32 of what is before it.
 * Section: kind (4), number from 0 (4), length of the payload (4), CRC-32 of these and of the payload (4), payload.
 * A section needs no other to be read: it has its own table of texts.
 */
const formatVersion = 1;
export const headerBytes = 32;
export const sectionHeaderBytes = 16;

/** No section is larger. The writer closes one at a fraction of it; what would not fit by itself is left out. */
export const maxSectionBytes: number = 64 * 1024 * 1024;

/** Inlined functions of inlined functions, at most; what lies deeper is not kept. */
export const maxInlinedDepth = 8;

// A byte above 127, and both kinds of line ends: no text file begins like this, and no transfer as text leaves it whole.
const magic = Buffer.from('\x89FKSYM\r\n', 'latin1');

export const sectionKinds = { entries: 1, end: 2 } as const;

export type SectionKind = (typeof sectionKinds)[keyof typeof sectionKinds];

export const recordTags = { file: 1, symbol: 2, owner: 3, stub: 4 } as const;

export interface SectionHeader {
  readonly kind: number;
  readonly length: number;
}

/** Counts of the entries of a snapshot, as its last section has them. */
export interface EntryCounts {
  readonly files: number;
  readonly symbols: number;
  readonly owners: number;
  readonly stubs: number;
}

export function encodeHeader(savedUnixNano: bigint): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32LE(formatVersion, 8);
  header.writeBigUInt64LE(savedUnixNano, 16);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  return header;
}

/** When the walk began, in Unix nanoseconds. @throws SnapshotFault when this is no snapshot that we can read. */
export function decodeHeader(header: Buffer): bigint {
  if (!header.subarray(0, magic.length).equals(magic)) {
    throw new SnapshotFault('foreign', 'does not begin like a symbol snapshot');
  }
  if (header.length < headerBytes) throw new SnapshotFault('damaged', `ends after ${header.length} bytes`);
  if (header.readUInt32LE(28) !== crc32(header.subarray(0, 28))) {
    throw new SnapshotFault('damaged', 'the checksum of the header is wrong');
  }
  const version = header.readUInt32LE(8);
  if (version > formatVersion) {
    throw new SnapshotFault('newer', `has format version ${version}, and this framekeeper reads ${formatVersion}`);
  }
  if (version === 0) throw new SnapshotFault('damaged', 'has format version 0');
  return header.readBigUInt64LE(16);
}

export function encodeSectionHeader(kind: SectionKind, number: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(sectionHeaderBytes);
  header.writeUInt32LE(kind, 0);
  header.writeUInt32LE(number, 4);
  header.writeUInt32LE(payload.length, 8);
  header.writeUInt32LE(sectionChecksum(header, payload), 12);
  return header;
}

/** `bytesLeft` is what the file has after the header. @throws SnapshotFault */
export function decodeSectionHeader(header: Buffer, bytesLeft: number): SectionHeader {
  const length = header.readUInt32LE(8);
  if (length > Math.min(bytesLeft, maxSectionBytes)) {
    throw new SnapshotFault('damaged', `a section has ${length} bytes, and ${bytesLeft} are left of the file`);
  }
  return { kind: header.readUInt32LE(0), length };
}

/** @throws SnapshotFault unless header and payload are what was written as section `number`. */
export function checkSection(header: Buffer, number: number, payload: Uint8Array): void {
  if (header.readUInt32LE(12) !== sectionChecksum(header, payload)) {
    throw new SnapshotFault('damaged', 'the checksum is wrong');
  }
  const found = header.readUInt32LE(4);
  if (found !== number) throw new SnapshotFault('damaged', `says that it is section ${found}`);
}

function sectionChecksum(header: Buffer, payload: Uint8Array): number {
  return crc32(payload, crc32(header.subarray(0, 12)));
}

export type FaultKind = 'damaged' | 'foreign' | 'newer' | 'too_large' | 'unreadable';

const remedies: Record<FaultKind, string> = {
  damaged: 'its names are lost and will be asked for, and the next snapshot replaces it',
  foreign: 'give the snapshot a path of its own',
  newer: 'run the version that wrote it, or let the next snapshot replace it',
  too_large: 'raise max_size_mib, or let the next snapshot replace it',
  unreadable: 'give a path that framekeeper may read and write',
};

/** A file that cannot be read as a snapshot; the message has the problem and the remedy. */
export class SnapshotFault extends Error {
  readonly kind: FaultKind;
  readonly #problem: string;

  constructor(kind: FaultKind, problem: string) {
    super(`${problem}; ${remedies[kind]}`);
    this.name = 'SnapshotFault';
    this.kind = kind;
    this.#problem = problem;
  }

  /** The same fault, with the place where it is. */
  in(place: string): SnapshotFault {
    return new SnapshotFault(this.kind, `${place}: ${this.#problem}`);
  }
}
