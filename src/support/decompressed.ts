import type { Transform } from 'node:stream';
import { gathered } from './gather-bytes.ts';
import type { WorkQueue } from './steps.ts';

/**
 * The whole output of a stream of `node:zlib` for its whole input, in memory of its own. `work`, if given, gathers large output in
 * slices: the functions of `node:zlib` would copy all of it in one turn of the event loop.
 * @throws ERR_BUFFER_TOO_LARGE as soon as the output becomes larger than `maxBytes`; the stream's error for damaged input
 */
export async function decompressed(
  stream: Transform,
  bytes: Uint8Array,
  maxBytes: number,
  work?: WorkQueue,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  stream.end(bytes);
  for await (const piece of stream as AsyncIterable<Uint8Array>) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) throw bufferTooLarge('the output is too large');
    pieces.push(piece);
  }
  return gathered(pieces, work);
}

/** An error as that of `node:zlib` for output beyond its bound. */
export function bufferTooLarge(message: string): Error {
  return Object.assign(new RangeError(message), { code: 'ERR_BUFFER_TOO_LARGE' });
}
