import type { ElfSegment } from '../../native/elf/elf-file.ts';
import { segmentTypes } from '../../native/elf/elf-file.ts';
import { identify } from '../../native/files/file-identity.ts';
import type { OpenFile } from '../../native/files/open-file.ts';
import { openRegularFile } from '../../native/files/open-file.ts';

/** One PT_LOAD program header: which part of the file lies at which of the file's own virtual addresses. */
export interface LoadSegment {
  readonly fileOffset: bigint;
  readonly address: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
  /** `r`, `w` and `x`, or `-` in their place. */
  readonly flags: string;
}

/** The properties that a collector reads from a mapped executable. */
export interface MappedElf {
  readonly sizeBytes: number;
  /** Hexadecimal; empty when the file has no GNU build ID. */
  readonly gnuBuildId: string;
  /** The OpenTelemetry file ID: 32 hexadecimal digits. */
  readonly htlhash: string;
  readonly loads: readonly LoadSegment[];
}

/** `undefined` when there is no little-endian ELF file at `path`. */
export function readElfFile(path: string): MappedElf | undefined {
  const opened = openOrNothing(path);
  if (opened === undefined) return undefined;
  try {
    const { sizeBytes } = opened.source;
    const read = identify(opened.source);
    if (read === undefined) return undefined;
    const loads = read.elf.segments.filter(({ type }) => type === segmentTypes.load).map(toLoad);
    return { sizeBytes, ...read.identity, loads };
  } finally {
    opened.close();
  }
}

function openOrNothing(path: string): OpenFile | undefined {
  try {
    return openRegularFile(path, Number.MAX_SAFE_INTEGER);
  } catch {
    return undefined;
  }
}

function toLoad({ offset, address, fileBytes, memoryBytes, flags }: ElfSegment): LoadSegment {
  return {
    ...{ fileOffset: offset, address, fileSize: fileBytes, memorySize: memoryBytes },
    flags: `${flags & 4 ? 'r' : '-'}${flags & 2 ? 'w' : '-'}${flags & 1 ? 'x' : '-'}`,
  };
}
