import { MemorySource, readBytes } from './byte-source.ts';
import type { ElfFile } from './elf-file.ts';
import { findSection, readElfFile, sectionSource } from './elf-file.ts';
import { decompressXz } from './xz.ts';

/** Fedora's largest has some megabytes; all of it is held in memory. */
const maxCompressedBytes = 8 * 1024 * 1024;
const maxBytes = 32 * 1024 * 1024;

/**
 * The ELF file in `.gnu_debugdata`, with the symbols that distributions leave in a stripped one; `undefined` when there is none.
 * @throws UnreadableBytes
 */
export function readMiniDebug(elf: ElfFile): ElfFile | undefined {
  const section = findSection(elf, '.gnu_debugdata');
  const source = section && sectionSource(elf, section);
  if (source === undefined || source.sizeBytes > maxCompressedBytes) return undefined;
  return readElfFile(new MemorySource(decompressXz(readBytes(source, 0, source.sizeBytes), maxBytes)));
}
