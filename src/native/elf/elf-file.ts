import { ByteCursor } from './byte-cursor.ts';
import type { ByteSource } from './byte-source.ts';
import { checkRange, readBytes, sliceSource, UnreadableBytes } from './byte-source.ts';

/** One section header. Numbers from 2^53 on are not exact, and lie outside of every file. */
export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly link: number;
  readonly info: number;
  readonly entryBytes: number;
}

/** One program header; addresses and sizes may be those of a kernel, beyond 2^53. */
export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly address: bigint;
  readonly fileBytes: bigint;
  readonly memoryBytes: bigint;
}

/** Headers of a little-endian ELF file (https://gabi.xinuos.com). */
export interface ElfFile {
  readonly source: ByteSource;
  readonly is64: boolean;
  /** `e_machine`. */
  readonly machine: number;
  /** Empty where there are none, or none that can be read: a running program needs segments alone. */
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
}

export const sectionTypes = { symbols: 2, rela: 4, note: 7, noBits: 8, rel: 9, dynamicSymbols: 11 } as const;
export const segmentTypes = { load: 1, note: 4 } as const;
export const sectionFlags = { allocated: 2, executable: 4, compressed: 0x800 } as const;
export const machines = { i386: 3, arm: 40, x86_64: 62, aarch64: 183 } as const;

// Executables have some forty; one made with -ffunction-sections, and not linked to its end, some ten thousand.
const maxSections = 65_536;
// Executables have about a dozen.
const maxSegments = 512;
/** Headers may grow in later versions of the format; they have not in thirty years. */
const maxHeaderBytes = 256;
const maxSectionNameBytes = 4 * 1024 * 1024;

/** Reads the headers; `undefined` for what is no little-endian ELF file. @throws UnreadableBytes for one that is damaged */
export function readElfFile(source: ByteSource): ElfFile | undefined {
  if (source.sizeBytes < 52) return undefined;
  const ident = readBytes(source, 0, 16);
  const isElf = ident[0] === 0x7f && ident[1] === 0x45 && ident[2] === 0x4c && ident[3] === 0x46;
  const isKnownClass = ident[4] === 1 || ident[4] === 2;
  if (!isElf || !isKnownClass || ident[5] !== 1) return undefined;
  const is64 = ident[4] === 2;
  const cursor = new ByteCursor(source, 64);
  cursor.seek(18);
  const machine = cursor.u16();
  cursor.seek(is64 ? 32 : 28);
  const segmentOffset = word(cursor, is64);
  const sectionOffset = word(cursor, is64);
  cursor.skip(6);
  const segmentEntryBytes = cursor.u16();
  const segmentCount = cursor.u16();
  const table = {
    offset: sectionOffset,
    entryBytes: cursor.u16(),
    count: cursor.u16(),
    nameIndex: cursor.u16(),
  };
  const segments = readSegments(source, is64, segmentOffset, segmentEntryBytes, segmentCount);
  return { source, is64, machine, segments, sections: readSections(source, is64, table) };
}

/** The bytes of a section as they are in the file; `undefined` when it has none there. @throws UnreadableBytes */
export function sectionSource({ source }: ElfFile, section: ElfSection): ByteSource | undefined {
  if (section.type === sectionTypes.noBits) return undefined;
  return sliceSource(source, section.offset, section.sizeBytes);
}

export function findSection(elf: ElfFile, name: string): ElfSection | undefined {
  return elf.sections.find((section) => section.name === name);
}

function word(cursor: ByteCursor, is64: boolean): number {
  return is64 ? cursor.u64() : cursor.u32();
}

function readSegments(
  source: ByteSource,
  is64: boolean,
  offset: number,
  entryBytes: number,
  count: number,
): ElfSegment[] {
  if (count === 0 || entryBytes < (is64 ? 56 : 32)) return [];
  if (entryBytes > maxHeaderBytes) throw new UnreadableBytes(`program headers of ${entryBytes} bytes`);
  if (count > maxSegments) throw new UnreadableBytes(`${count} program headers; ${maxSegments} are read`);
  const bytes = Buffer.from(readBytes(source, offset, count * entryBytes).buffer);
  return Array.from({ length: count }, (_, index) => readSegment(bytes.subarray(index * entryBytes), is64));
}

function readSegment(bytes: Buffer, is64: boolean): ElfSegment {
  const type = bytes.readUInt32LE(0);
  if (is64) {
    return {
      type,
      flags: bytes.readUInt32LE(4),
      offset: bytes.readBigUInt64LE(8),
      address: bytes.readBigUInt64LE(16),
      fileBytes: bytes.readBigUInt64LE(32),
      memoryBytes: bytes.readBigUInt64LE(40),
    };
  }
  const at = (offset: number): bigint => BigInt(bytes.readUInt32LE(offset));
  return {
    type,
    flags: bytes.readUInt32LE(24),
    offset: at(4),
    address: at(8),
    fileBytes: at(16),
    memoryBytes: at(20),
  };
}

interface SectionTable {
  readonly offset: number;
  readonly entryBytes: number;
  readonly count: number;
  readonly nameIndex: number;
}

function readSections(source: ByteSource, is64: boolean, table: SectionTable): ElfSection[] {
  const { offset, entryBytes } = table;
  if (offset === 0 || entryBytes < (is64 ? 64 : 40)) return [];
  // Forty headers of 64 bytes, of each file that is looked at.
  const cursor = new ByteCursor(source, 4096);
  const readAt = (index: number): Omit<ElfSection, 'name'> & { nameOffset: number } => {
    cursor.seek(offset + index * entryBytes);
    return readSection(cursor, is64);
  };
  // Numbers that do not fit into the header stand in the first section header.
  checkRange(source, offset, entryBytes);
  const first = readAt(0);
  const count = table.count === 0 ? first.sizeBytes : table.count;
  const nameIndex = table.nameIndex === 0xffff ? first.link : table.nameIndex;
  if (count > maxSections) throw new UnreadableBytes(`${count} sections; ${maxSections} are read`);
  checkRange(source, offset, count * entryBytes);
  const names = nameIndex < count ? readNames(source, readAt(nameIndex)) : Buffer.alloc(0);
  return Array.from({ length: count }, (_, index) => {
    const { nameOffset, ...section } = readAt(index);
    return { ...section, name: nameAt(names, nameOffset) };
  });
}

function readSection(cursor: ByteCursor, is64: boolean): Omit<ElfSection, 'name'> & { nameOffset: number } {
  const nameOffset = cursor.u32();
  const type = cursor.u32();
  const flags = word(cursor, is64);
  const address = word(cursor, is64);
  const offset = word(cursor, is64);
  const sizeBytes = word(cursor, is64);
  const link = cursor.u32();
  const info = cursor.u32();
  cursor.skip(is64 ? 8 : 4);
  return { nameOffset, type, flags, address, offset, sizeBytes, link, info, entryBytes: word(cursor, is64) };
}

function readNames(source: ByteSource, { type, offset, sizeBytes }: Omit<ElfSection, 'name'>): Buffer {
  if (type === sectionTypes.noBits || sizeBytes > maxSectionNameBytes) return Buffer.alloc(0);
  return Buffer.from(readBytes(source, offset, sizeBytes).buffer);
}

function nameAt(names: Buffer, offset: number): string {
  if (offset >= names.length) return '';
  const end = names.indexOf(0, offset);
  return names.toString('latin1', offset, end < 0 ? Math.min(offset + 256, names.length) : Math.min(end, offset + 256));
}
