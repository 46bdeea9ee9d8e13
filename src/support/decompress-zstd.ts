import { constants, createZstdDecompress } from 'node:zlib';
import { bufferTooLarge, decompressed } from './decompressed.ts';
import { messageOf } from './error-text.ts';
import { gathered } from './gather-bytes.ts';
import type { WorkQueue } from './steps.ts';

/**
 * Decompresses all frames of a zstd text. Node.js's own functions end after the first one and leave the rest unsaid, but a text
 * may have many: a file gets one with each write (RFC 8878, 3.1).
 * @throws ERR_BUFFER_TOO_LARGE as soon as the output becomes larger than `maxBytes`, or for a window far larger than that;
 * another error for damaged input
 */
export async function decompressZstd(bytes: Uint8Array, maxBytes: number, work?: WorkQueue): Promise<Uint8Array> {
  const outputs: Uint8Array[] = [];
  const windowLog = windowLogOf(maxBytes);
  let room = maxBytes;
  for (let offset = 0; offset < bytes.length || outputs.length === 0; ) {
    const { output, consumedBytes } = await decompressFrame(bytes.subarray(offset), room, windowLog, work);
    outputs.push(output);
    offset += consumedBytes;
    room -= output.length;
  }
  if (outputs.length === 1) return outputs[0]!;
  return gathered(outputs, work);
}

interface ZstdFrame {
  readonly output: Uint8Array;
  readonly consumedBytes: number;
}

async function decompressFrame(
  bytes: Uint8Array,
  maxBytes: number,
  windowLog: number,
  work: WorkQueue | undefined,
): Promise<ZstdFrame> {
  const params = { [constants.ZSTD_d_windowLogMax]: windowLog };
  const stream = createZstdDecompress({ params });
  try {
    const output = await decompressed(stream, bytes, maxBytes, work);
    return { output, consumedBytes: stream.bytesWritten };
  } catch (error) {
    throw isWindowTooLarge(error as NodeJS.ErrnoException) ? bufferTooLarge(messageOf(error)) : error;
  }
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
