import type { Transform } from 'node:stream';
import { zstdDecompress } from 'node:zlib';

/**
 * Decompresses all frames of a zstd text. Node.js's own functions end after the first one and leave the rest unsaid, but a text
 * may have many: a file gets one with each write (RFC 8878, 3.1).
 * @throws ERR_BUFFER_TOO_LARGE as soon as the output becomes larger than `maxBytes`; another error for damaged input
 */
export async function decompressZstd(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const outputs: Uint8Array[] = [];
  let room = maxBytes;
  for (let offset = 0; offset < bytes.length || outputs.length === 0; ) {
    const { output, consumedBytes } = await decompressFrame(bytes.subarray(offset), room);
    outputs.push(output);
    offset += consumedBytes;
    room -= output.length;
    if (room < 0) throw Object.assign(new RangeError('too large'), { code: 'ERR_BUFFER_TOO_LARGE' });
  }
  return outputs.length === 1 ? outputs[0]! : Buffer.concat(outputs);
}

interface Frame {
  readonly output: Uint8Array;
  readonly consumedBytes: number;
}

// With `info`, the callback gets the stream beside the output; the types of Node.js do not tell.
interface WithInfo {
  readonly buffer: Buffer;
  readonly engine: Transform & { readonly bytesWritten: number };
}

function decompressFrame(bytes: Uint8Array, maxBytes: number): Promise<Frame> {
  // Node.js takes no bound of 0.
  const options = { maxOutputLength: Math.max(maxBytes, 1), info: true };
  return new Promise((resolve, reject) => {
    zstdDecompress(bytes, options, (error, result) => {
      if (error) return reject(error);
      const { buffer, engine } = result as unknown as WithInfo;
      resolve({ output: buffer, consumedBytes: engine.bytesWritten });
    });
  });
}
