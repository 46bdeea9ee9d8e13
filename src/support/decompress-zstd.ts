import type { Transform } from 'node:stream';
import { constants, zstdDecompress } from 'node:zlib';

/**
 * Decompresses all frames of a zstd text. Node.js's own functions end after the first one and leave the rest unsaid, but a text
 * may have many: a file gets one with each write (RFC 8878, 3.1).
 * @throws ERR_BUFFER_TOO_LARGE as soon as the output becomes larger than `maxBytes`, or for a window far larger than that;
 * another error for damaged input
 */
export async function decompressZstd(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const outputs: Uint8Array[] = [];
  let room = maxBytes;
  for (let offset = 0; offset < bytes.length || outputs.length === 0; ) {
    const { output, consumedBytes } = await decompressFrame(bytes.subarray(offset), room, windowLogOf(maxBytes));
    outputs.push(output);
    offset += consumedBytes;
    room -= output.length;
    if (room < 0) throw tooLarge('the output is too large');
  }
  return outputs.length === 1 ? outputs[0]! : Buffer.concat(outputs);
}

interface ZstdFrame {
  readonly output: Uint8Array;
  readonly consumedBytes: number;
}

// With `info`, the callback gets the stream beside the output; the types of Node.js do not tell.
interface WithInfo {
  readonly buffer: Buffer;
  readonly engine: Transform & { readonly bytesWritten: number };
}

function decompressFrame(bytes: Uint8Array, maxBytes: number, windowLog: number): Promise<ZstdFrame> {
  // Node.js takes no bound of 0.
  const maxOutputLength = Math.max(maxBytes, 1);
  const options = { maxOutputLength, info: true, params: { [constants.ZSTD_d_windowLogMax]: windowLog } };
  return new Promise((resolve, reject) => {
    zstdDecompress(bytes, options, (error, result) => {
      if (error) return reject(isWindowTooLarge(error) ? tooLarge(error.message) : error);
      const { buffer, engine } = result as unknown as WithInfo;
      resolve({ output: buffer, consumedBytes: engine.bytesWritten });
    });
  });
}

/**
 * A frame of a few bytes can ask for a window of 128 MiB, which is memory that is taken before anything is known of its output. Who
 * compresses for HTTP keeps to 8 MiB (RFC 9659); the bound on the output is taken where it is larger, because small frames have
 * a window as large as themselves.
 */
function windowLogOf(maxBytes: number): number {
  return Math.min(Math.max(23, Math.ceil(Math.log2(maxBytes))), 31);
}

function isWindowTooLarge(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ZSTD_error_frameParameter_windowTooLarge';
}

function tooLarge(message: string): Error {
  return Object.assign(new RangeError(message), { code: 'ERR_BUFFER_TOO_LARGE' });
}
