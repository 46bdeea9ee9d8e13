import { constants, inflateSync, zstdDecompressSync } from 'node:zlib';
import { messageOf } from '../../support/error-text.ts';
import { ByteCursor } from './byte-cursor.ts';
import type { ByteSource } from './byte-source.ts';
import { MemorySource, readBytes, sliceSource, UnreadableBytes } from './byte-source.ts';
import type { ElfFile, ElfSection } from './elf-file.ts';
import { sectionFlags, sectionSource } from './elf-file.ts';

export type Compression = 'zlib' | 'zstd';

/** A section that is compressed in the file. */
export interface CompressedBytes {
  readonly compressed: ByteSource;
  readonly compression: Compression;
  /** As the file says. */
  readonly sizeBytes: number;
}

/**
 * Decompresses a section. @throws UnreadableBytes when the output has another size than the header says, or is larger than the
 * inflater takes
 */
export type Inflate = (bytes: CompressedBytes) => Promise<ByteSource>;

/** Sections up to this size are decompressed in memory, in one step. */
const maxMemoryInflateBytes: number = 4 * 1024 * 1024;

/** Finds sections by name, compressed ones included: `.debug_info`, or `.zdebug_info` as GCC 4 wrote them. */
export function openSection(
  elf: ElfFile,
  name: string,
  inflate: Inflate,
): ByteSource | Promise<ByteSource> | undefined {
  const plain = elf.sections.find((section) => section.name === name);
  if (plain !== undefined) {
    const source = sectionSource(elf, plain);
    if (source === undefined) return undefined;
    if ((plain.flags & sectionFlags.compressed) === 0) return source;
    return inflate(readCompressionHeader(elf, source));
  }
  const old = elf.sections.find((section) => section.name === name.replace('.debug_', '.zdebug_'));
  const source = old && sectionSource(elf, old);
  return source && inflate(readOldHeader(source, old));
}

/** Decompresses in memory. */
export function inflateInMemory({ compressed, compression, sizeBytes }: CompressedBytes): ByteSource {
  if (sizeBytes > maxMemoryInflateBytes || compressed.sizeBytes > maxMemoryInflateBytes) {
    throw new UnreadableBytes(`a section of ${sizeBytes} bytes is too large to be decompressed in memory`);
  }
  const input = readBytes(compressed, 0, compressed.sizeBytes);
  const maxOutputLength = Math.max(sizeBytes, 1);
  // A frame of a few bytes can ask for a window of 128 MiB.
  const params = { [constants.ZSTD_d_windowLogMax]: Math.log2(maxMemoryInflateBytes) };
  let output: Uint8Array;
  try {
    output =
      compression === 'zlib'
        ? inflateSync(input, { maxOutputLength })
        : zstdDecompressSync(input, { maxOutputLength, params });
  } catch (error) {
    throw new UnreadableBytes(`a compressed section is damaged: ${messageOf(error)}`);
  }
  if (output.length !== sizeBytes) {
    throw new UnreadableBytes(`a compressed section has ${output.length} bytes, and its header says ${sizeBytes}`);
  }
  return new MemorySource(output);
}

/** `Elf32_Chdr` and `Elf64_Chdr` (https://gabi.xinuos.com/elf/03-sheader.html#compression-header). */
function readCompressionHeader({ is64 }: ElfFile, source: ByteSource): CompressedBytes {
  const cursor = new ByteCursor(source, 32);
  const type = cursor.u32();
  if (is64) cursor.skip(4);
  const sizeBytes = is64 ? cursor.u64() : cursor.u32();
  const headerBytes = is64 ? 24 : 12;
  if (type !== 1 && type !== 2) throw new UnreadableBytes(`compression ${type} of a section is none that there is`);
  const compressed = sliceSource(source, headerBytes, source.sizeBytes - headerBytes);
  return { compressed, compression: type === 1 ? 'zlib' : 'zstd', sizeBytes };
}

/** `ZLIB`, and the size as eight bytes, the highest first. */
function readOldHeader(source: ByteSource, { name }: ElfSection): CompressedBytes {
  const header = Buffer.from(readBytes(source, 0, 12));
  if (header.toString('latin1', 0, 4) !== 'ZLIB') throw new UnreadableBytes(`${name} does not begin with ZLIB`);
  const compressed = sliceSource(source, 12, source.sizeBytes - 12);
  return { compressed, compression: 'zlib', sizeBytes: Number(header.readBigUInt64BE(4)) };
}
