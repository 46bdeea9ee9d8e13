import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { decompressZstd } from '../../support/decompress-zstd.ts';

export interface Unpacked {
  readonly bytes: Uint8Array;
  readonly compression: 'gzip' | 'zstd' | undefined;
}

/** Decompresses what its first bytes say is compressed. @throws InvalidMessage if it is damaged, or larger than 1 GiB */
export async function unpack(bytes: Uint8Array): Promise<Unpacked> {
  const compression = beginsWith(bytes, [0x1f, 0x8b])
    ? 'gzip'
    : beginsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])
      ? 'zstd'
      : undefined;
  if (compression === undefined) return { bytes, compression };
  try {
    const unpacked = compression === 'gzip' ? await unpackGzip(bytes) : await decompressZstd(bytes, maxBytes);
    return { bytes: unpacked, compression };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem = code === 'ERR_BUFFER_TOO_LARGE' ? 'is larger than 1 GiB without it' : message;
    throw new InvalidMessage('', `is compressed with ${compression}, but ${problem}`);
  }
}

const maxBytes = 1 << 30;

function unpackGzip(bytes: Uint8Array): Promise<Uint8Array> {
  return promisify<Uint8Array, object, Buffer>(gunzip)(bytes, { maxOutputLength: maxBytes });
}

function beginsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}
