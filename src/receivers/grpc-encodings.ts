import { status } from '@grpc/grpc-js';
import type { ReadMessage } from '../support/grpc-internals.ts';
import { addServerEncodings } from '../support/grpc-internals.ts';
import type { ContentEncoding } from './content-encoding.ts';
import { decompress } from './content-encoding.ts';

/**
 * Lets gRPC servers of this process read zstd and snappy, as those of the Collector do; grpc-js reads gzip and deflate. What gRPC calls
 * snappy is the framed format of HTTP (klauspost/compress and golang/snappy, which users of grpc-go register).
 */
export function readMoreEncodings(): void {
  addServerEncodings({ zstd: readerOf('zstd'), snappy: readerOf('x-snappy-framed') });
}

function readerOf(encoding: ContentEncoding): ReadMessage {
  return async (body, maxBytes) => {
    const read = await decompress(body, encoding, maxBytes);
    switch (read.kind) {
      case 'whole':
        return Buffer.from(read.bytes.buffer, read.bytes.byteOffset, read.bytes.byteLength);
      case 'too_large':
        throw {
          code: status.RESOURCE_EXHAUSTED,
          details: `Received message that decompresses to a size larger than ${maxBytes}`,
        };
      case 'damaged':
        throw { code: status.INTERNAL, details: 'Failed to decompress message' };
    }
  };
}
