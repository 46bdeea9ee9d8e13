import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { ConfigSection } from '../config/config-section.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** Lowest and highest level, and the one that each has by default. */
const levels = {
  gzip: { min: 1, max: 9, fallback: 6 },
  zstd: { min: 1, max: 22, fallback: 3 },
} as const;

/** Reads `compression_params`, the section beside `compression`. */
export function readCompressionLevel(section: ConfigSection, compression: Compression): number {
  const { min, max, fallback } = levels[compression === 'none' ? 'gzip' : compression];
  const level = section.integer('level', fallback, { min, max });
  section.end();
  return level;
}

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

/** Compresses in the thread pool. */
export async function compress(bytes: Uint8Array, compression: Compression, level: number): Promise<Uint8Array> {
  // The output comes in chunks, and each goes through the event loop: with the default of 16 KiB a busy loop makes a
  // megabyte take five times as long. So one chunk holds all of it; the bound is for what is larger than any report.
  const chunkSize = Math.min(Math.max(bytes.length, minChunkSizeBytes), maxChunkSizeBytes);
  switch (compression) {
    case 'gzip':
      return gzipAsync(bytes, { level, chunkSize });
    case 'zstd':
      return zstdAsync(bytes, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } });
    case 'none':
      return bytes;
  }
}

const minChunkSizeBytes = 1024;
const maxChunkSizeBytes = 8 * 1024 * 1024;
