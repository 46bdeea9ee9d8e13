import { promisify } from 'node:util';
import { constants, gunzip, gzip, gzipSync, zstdCompress, zstdCompressSync } from 'node:zlib';
import { integer, readLater } from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigTable } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import type { Decompress } from '../grpc/server-call.ts';
import { decompressZstd } from '../support/decompress-zstd.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** Lowest and highest level, and the one that each has by default. */
const levels = {
  gzip: { min: 1, max: 9, fallback: 6 },
  zstd: { min: 1, max: 22, fallback: 3 },
} as const;

/** `compression_params`, the section beside `compression`. */
export const compressionParamsTable: ConfigTable<unknown> = configTable({
  about: 'Level of the compression.',
  keys: {
    level: readLater(
      integer(
        'level',
        { fallback: levels.gzip.fallback, min: 1, max: levels.zstd.max },
        'gzip: 1 to 9, by default 6. zstd: 1 to 22, by default 3.',
      ),
    ),
  },
});

/** The level for a compression, from `compression_params` of an exporter. */
export function readCompressionLevel(exporter: ConfigSection, compression: Compression): number {
  const { fallback, ...range } = levels[compression === 'none' ? 'gzip' : compression];
  return exporter.section('compression_params').integer('level', fallback, range);
}

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

/**
 * Compresses short messages at once, and others in the thread pool: a hop to a thread and back costs as much as some ten kilobytes, and
 * each thread of the pool that ever compressed keeps a megabyte. A profiler's request with names has 70 to 90 kB, and takes a millisecond
 * and a half.
 */
export function compress(bytes: Uint8Array, compression: Compression, level: number): Uint8Array | Promise<Uint8Array> {
  // The output comes in chunks, and each goes through the event loop: with the default of 16 KiB a busy loop makes a
  // megabyte take five times as long. So one chunk holds all of it; the bound is for what is larger than any report.
  const isFast = compression !== 'none' && level <= fastLevels[compression];
  const isShort = bytes.length <= (isFast ? mostAtOnceBytes.fast : mostAtOnceBytes.slow);
  // A compressor, with its chunks, is freed by a collection of the whole heap alone. Profiles come to less than half.
  const roomBytes = isShort ? Math.ceil(bytes.length / 2) : bytes.length;
  const chunkSize = Math.min(Math.max(roomBytes, minChunkSizeBytes), maxChunkSizeBytes);
  switch (compression) {
    case 'gzip': {
      const options = { level, chunkSize, ...gzipMemory };
      return isShort ? gzipSync(bytes, options) : gzipAsync(bytes, options);
    }
    case 'zstd': {
      const options = { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } };
      return isShort && isFast ? zstdCompressSync(bytes, options) : zstdAsync(bytes, options);
    }
    case 'none':
      return bytes;
  }
}

/** The same of a message of gRPC, which has no way to ask for a level. */
export function compressUnasked(bytes: Uint8Array, compression: 'gzip' | 'zstd'): Uint8Array | Promise<Uint8Array> {
  if (compression === 'zstd') return compress(bytes, 'zstd', levels.zstd.fallback);
  return compress(bytes, 'gzip', bytes.length > mostUsualBytes ? largeGzipLevel : usualGzipLevel);
}

/**
 * Half of the default window, in which nearly all that repeats in profiles is near enough, and the largest tables: a fifth less CPU, for
 * at most 1.5 % more bytes.
 */
const gzipMemory = { windowBits: 14, memLevel: 9 } as const;

/** The Collector's gzip, of level 6, takes half as long again for 2 % fewer bytes. */
const usualGzipLevel = 4;
/** Most of a message beyond `mostUsualBytes` are timestamps, in which nothing repeats: a third less CPU for as many bytes; for 5 % more where they are stacks. */
const largeGzipLevel = 1;
const mostUsualBytes = 1024 * 1024;

const mostAtOnceBytes = { fast: 96 * 1024, slow: 64 * 1024 } as const;
/** Higher levels of gzip take twice as long, those of zstd many times. */
const fastLevels = { gzip: 4, zstd: 3 } as const;
const minChunkSizeBytes = 1024;
const maxChunkSizeBytes = 8 * 1024 * 1024;

const gunzipAsync = promisify<Uint8Array, object, Uint8Array>(gunzip);

/** By the names of encodings that answers may have. */
export const decompressors: ReadonlyMap<string, Decompress> = new Map([
  ['gzip', whole((bytes, maxBytes) => gunzipAsync(bytes, { maxOutputLength: maxBytes }))],
  ['zstd', whole(decompressZstd)],
]);

function whole(expand: (bytes: Uint8Array, maxBytes: number) => Promise<Uint8Array>): Decompress {
  return async (bytes, maxBytes) => {
    try {
      return { kind: 'whole', bytes: await expand(bytes, maxBytes) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ERR_BUFFER_TOO_LARGE' ? { kind: 'too_large' } : { kind: 'damaged', reason: message };
    }
  };
}
