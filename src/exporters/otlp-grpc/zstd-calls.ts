import { CompressionAlgorithms } from '@grpc/grpc-js/build/src/compression-algorithms.js';
import { CompressionFilterFactory } from '@grpc/grpc-js/build/src/compression-filter.js';
import { decompressZstd } from '../../support/decompress-zstd.ts';
import { compress } from '../compression.ts';

/** The value of `grpc.default_compression_algorithm` that stands for zstd, once `allowZstdCalls` was called. */
export const zstdAlgorithm: CompressionAlgorithms = 3 as number as CompressionAlgorithms;

/** What a filter of grpc-js does to messages. With their prefix: a byte that says whether they are compressed, and four of length. */
interface MessageCoder {
  writeMessage(message: Buffer, isCompressed: boolean): Promise<Buffer>;
  readMessage(message: Buffer): Promise<Buffer>;
}

/** The private parts of a filter of grpc-js that are used. */
interface FilterInternals {
  readonly currentCompressionAlgorithm: string;
  readonly maxReceiveMessageLength: number;
  sendCompression: MessageCoder;
  receiveCompression: MessageCoder;
}

// zstd's own; gRPC has no way to ask for another.
const level = 3;

let isAllowed = false;

/**
 * Lets gRPC clients of this process send zstd, as those of the Collector do, and read it: who gets a request in zstd answers in it.
 * grpc-js knows gzip and deflate (1.14.7, build/src/compression-filter.js), so its table of algorithms and the factory of its filters are
 * extended. The version of grpc-js is pinned, and a test holds that it takes effect. A receiver that says it has no
 * zstd gets plain messages from then on, as with every algorithm.
 */
export function allowZstdCalls(): void {
  if (isAllowed) return;
  (CompressionAlgorithms as unknown as Record<number, string>)[zstdAlgorithm] = 'zstd';
  const factory = CompressionFilterFactory.prototype;
  const { createFilter } = factory;
  factory.createFilter = function () {
    const filter = createFilter.call(this);
    const internals = filter as unknown as FilterInternals;
    const coder = zstdCoder(internals.maxReceiveMessageLength);
    if (internals.currentCompressionAlgorithm === 'zstd') internals.sendCompression = coder;
    const receiveMetadata = filter.receiveMetadata.bind(filter);
    filter.receiveMetadata = (metadata) => {
      const [encoding] = metadata.get('grpc-encoding');
      const rest = receiveMetadata(metadata);
      if (encoding === 'zstd') internals.receiveCompression = coder;
      return rest;
    };
    return filter;
  };
  isAllowed = true;
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
