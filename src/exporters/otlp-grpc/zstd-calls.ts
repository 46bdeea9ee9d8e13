import type { CompressionAlgorithms } from '@grpc/grpc-js/build/src/compression-algorithms.js';
import { decompressZstd } from '../../support/decompress-zstd.ts';
import type { MessageCoder } from '../../support/grpc-internals.ts';
import { addClientEncoding } from '../../support/grpc-internals.ts';
import { compress } from '../compression.ts';

/** The value of `grpc.default_compression_algorithm` that stands for zstd, once `allowZstdCalls` was called. */
export const zstdAlgorithm: CompressionAlgorithms = 3 as number as CompressionAlgorithms;

// zstd's own; gRPC has no way to ask for another.
const level = 3;

/**
 * Lets gRPC clients of this process send and read zstd, as those of the Collector do; grpc-js knows gzip and deflate. A receiver that
 * says it has no zstd gets plain messages from then on, as with every algorithm.
 */
export function allowZstdCalls(): void {
  addClientEncoding('zstd', zstdAlgorithm, zstdCoder);
}

function zstdCoder(maxReceiveBytes: number): MessageCoder {
  return {
    async writeMessage(message, isCompressed) {
      const body = isCompressed ? await compress(message, 'zstd', level) : message;
      const prefix = Buffer.alloc(5);
      prefix[0] = isCompressed ? 1 : 0;
      prefix.writeUInt32BE(body.length, 1);
      return Buffer.concat([prefix, body]);
    },
    async readMessage(message) {
      const body = message.subarray(5);
      if (message[0] === 0) return body;
      const bytes = await decompressZstd(body, maxReceiveBytes);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}
