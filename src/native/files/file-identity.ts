import { fnv128a } from '../../model/file-id.ts';
import { htlhashOf, readBuildIds } from '../elf/build-id.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { ElfFile } from '../elf/elf-file.ts';
import { readElfFile } from '../elf/elf-file.ts';

/** The file that is wanted, as a collector knows it. */
export interface WantedFile {
  /** 32 hexadecimal digits. */
  readonly fileId: string;
  /** Hexadecimal; empty when unknown. */
  readonly gnuBuildId: string;
  /** Base name or path; empty when unknown. Says where to look first, and nothing more. */
  readonly fileName: string;
}

/** Identity of a file, computed from its bytes. */
export interface FileIdentity {
  readonly htlhash: string;
  /** Empty when the file has none. */
  readonly gnuBuildId: string;
}

/** The headers and the identity of a file; `undefined` when it is no ELF file that can be read. */
export function identify(source: ByteSource): { elf: ElfFile; identity: FileIdentity } | undefined {
  try {
    const elf = readElfFile(source);
    if (elf === undefined) return undefined;
    return { elf, identity: { htlhash: htlhashOf(source), gnuBuildId: readBuildIds(elf).gnu } };
  } catch (error) {
    if (error instanceof UnreadableBytes) return undefined;
    throw error;
  }
}

/**
 * True when a file is the wanted one. A wanted build ID must be equal, and decides alone. Without one, the wanted file ID must be
 * the hash of the file, or derived from its build ID as collectors do when they cannot read the file.
 */
export function isWanted({ htlhash, gnuBuildId }: FileIdentity, wanted: WantedFile): boolean {
  if (wanted.gnuBuildId !== '') return gnuBuildId === wanted.gnuBuildId;
  return htlhash === wanted.fileId || (gnuBuildId !== '' && fnv128a(gnuBuildId) === wanted.fileId);
}
