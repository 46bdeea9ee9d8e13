import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { decompressZstd } from '../support/decompress-zstd.ts';
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

/** Decompresses a body; stops as soon as it becomes larger than `maxBytes`. */
export async function decompress(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  maxBytes: number,
): Promise<Decompressed> {
  try {
    return { kind: 'whole', bytes: await expand(bytes, encoding, maxBytes) };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (error instanceof OutputTooLarge || code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too_large' };
    return { kind: 'damaged', reason: message };
  }
}

async function expand(bytes: Uint8Array, encoding: ContentEncoding, maxBytes: number): Promise<Uint8Array> {
  const options = { maxOutputLength: maxBytes };
  switch (encoding) {
    case '':
      return bytes;
    case 'gzip':
      return promisify<Uint8Array, object, Buffer>(gunzip)(bytes, options);
    case 'zstd':
      return decompressZstd(bytes, maxBytes);
    // In HTTP both are the format of zlib (RFC 9110, 8.4.1.2).
    case 'zlib':
    case 'deflate':
      return promisify<Uint8Array, object, Buffer>(inflate)(bytes, options);
    case 'snappy':
      return decompressSnappyBlock(bytes, maxBytes);
    case 'x-snappy-framed':
      return decompressSnappyFrames(bytes, maxBytes);
  }
}
