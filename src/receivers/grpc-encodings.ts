import { status } from '@grpc/grpc-js';
import { BaseServerInterceptingCall } from '@grpc/grpc-js/build/src/server-interceptors.js';
import { decompress } from './content-encoding.ts';

/** Names of gRPC's `grpc-encoding`, by those of the same formats in HTTP. Sources: klauspost/compress and golang/snappy, which grpc-go's users register. */
const moreEncodings = { zstd: 'zstd', snappy: 'x-snappy-framed' } as const;

/** The private parts of a call of grpc-js that are used. */
interface CallInternals {
  readonly maxReceiveMessageSize: number;
  /** `message` begins with the five bytes of its prefix. */
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
}

let isExtended = false;

/**
 * Lets gRPC servers of this process read zstd and snappy, as those of the Collector do. grpc-js reads gzip and deflate, and
 * has no way to say more (1.14.7, build/src/server-interceptors.js): so a private method is extended. The version of grpc-js is pinned,
 * and a test sends both.
 */
export function readMoreEncodings(): void {
  if (isExtended) return;
  const calls = BaseServerInterceptingCall.prototype as unknown as CallInternals;
  const readKnown = calls.decompressMessage;
  if (readKnown === undefined) throw new Error('this version of @grpc/grpc-js has no decompressMessage; use 1.14.7');
  calls.decompressMessage = function (message, encoding) {
    if (encoding !== 'zstd' && encoding !== 'snappy') return readKnown.call(this, message, encoding);
    return readMore(message.subarray(5), encoding, this.maxReceiveMessageSize);
  };
  isExtended = true;
}

/** Rejects with a status, as grpc-js's own does. */
async function readMore(bytes: Buffer, encoding: keyof typeof moreEncodings, maxBytes: number): Promise<Buffer> {
  const read = await decompress(bytes, moreEncodings[encoding], maxBytes);
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
}
