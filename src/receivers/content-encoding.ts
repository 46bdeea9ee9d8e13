import { createGunzip, createInflate, gunzipSync } from 'node:zlib';
import { decompressZstd } from '../support/decompress-zstd.ts';
import { decompressed } from '../support/decompressed.ts';
import type { Steps, WorkQueue } from '../support/steps.ts';
import { atOnce } from '../support/steps.ts';
import { decompressSnappyBlock, decompressSnappyFrames, OutputTooLarge } from './snappy.ts';

/** Names of HTTP's `Content-Encoding` that a server may take; the empty one is no compression. */
export const contentEncodings = ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'x-snappy-framed'] as const;

export type ContentEncoding = (typeof contentEncodings)[number];

export type Decompressed =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'too_large' };

/** A header's value as an encoding; `undefined` for one that is not known here. */
export function contentEncodingOf(header: string | undefined): ContentEncoding | undefined {
  const name = (header ?? '').trim().toLowerCase();
  return contentEncodings.find((encoding) => encoding === (name === 'identity' ? '' : name));
}

/** Snappy content up to this size, which becomes 22 times as large at most, is expanded at once. */
const mostExpandedAtOnceBytes = 64 * 1024;

/**
 * Decompresses a body, a short one of gzip at once; stops as soon as it becomes larger than `maxBytes`. `work`, if given, does the
 * event loop's part of that in slices. Never throws or rejects.
 */
export function decompress(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  maxBytes: number,
  work?: WorkQueue,
): Decompressed | Promise<Decompressed> {
  return (encoding === 'gzip' && gunzipShort(bytes, maxBytes)) || expandLate(bytes, encoding, maxBytes, work);
}

/** A hop to the thread pool and back costs as much as decompressing this many bytes. */
const mostAtOnceBytes = 256 * 1024;
const leastGzipBytes = 18;

/** `undefined` where the bytes do not say that they are short, or are more or others than they say. */
function gunzipShort(bytes: Uint8Array, maxBytes: number): Decompressed | undefined {
  if (bytes.length < leastGzipBytes || bytes.length > mostAtOnceBytes) return undefined;
  // The last four bytes tell the size of what was compressed (RFC 1952, 2.3.1).
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4);
  const sizeBytes = view.getUint32(0, true);
  if (sizeBytes > Math.min(mostAtOnceBytes, maxBytes)) return undefined;
  // A full chunk would make zlib ask for another.
  const roomBytes = sizeBytes + 64;
  try {
    const output = gunzipSync(bytes, { maxOutputLength: roomBytes, chunkSize: roomBytes });
    return output.length > maxBytes ? undefined : { kind: 'whole', bytes: output };
  } catch {
    return undefined;
  }
}

async function expandLate(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  maxBytes: number,
  work: WorkQueue | undefined,
): Promise<Decompressed> {
  try {
    return { kind: 'whole', bytes: await expand(bytes, encoding, maxBytes, work) };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (error instanceof OutputTooLarge || code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too_large' };
    return { kind: 'damaged', reason: message };
  }
}

async function expand(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  maxBytes: number,
  work: WorkQueue | undefined,
): Promise<Uint8Array> {
  const run = <T>(steps: Steps<T>): T | Promise<T> =>
    work === undefined || bytes.length <= mostExpandedAtOnceBytes ? atOnce(steps) : work.add(steps);
  switch (encoding) {
    case '':
      return bytes;
    case 'gzip':
      return decompressed(createGunzip(), bytes, maxBytes, work);
    case 'zstd':
      return decompressZstd(bytes, maxBytes, work);
    // In HTTP both are the format of zlib (RFC 9110, 8.4.1.2).
    case 'zlib':
    case 'deflate':
      return decompressed(createInflate(), bytes, maxBytes, work);
    case 'snappy':
      return run(decompressSnappyBlock(bytes, maxBytes));
    case 'x-snappy-framed':
      return run(decompressSnappyFrames(bytes, maxBytes));
  }
}
