import type { Steps, WorkQueue } from './steps.ts';
import { atOnce } from './steps.ts';

/** Copied within one step: some 100 µs, with the page faults of new memory. */
const bytesAStep = 256 * 1024;

/** Larger content is copied in slices; less takes below a millisecond. */
const mostCopiedAtOnceBytes = 1024 * 1024;

/** One piece of memory with the pieces in their order. */
export function* gatherBytes(pieces: readonly Uint8Array[]): Steps<Buffer<ArrayBuffer>> {
  const whole = Buffer.allocUnsafeSlow(sizeOf(pieces));
  let written = 0;
  let sinceStep = 0;
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += bytesAStep) {
      const part = piece.subarray(start, start + bytesAStep);
      whole.set(part, written);
      written += part.length;
      sinceStep += part.length;
      if (sinceStep < bytesAStep) continue;
      sinceStep = 0;
      yield;
    }
  }
  return whole;
}

/** The only piece, or a copy of all. */
export function* inOnePiece(pieces: readonly Uint8Array[]): Steps<Uint8Array> {
  return pieces.length === 1 ? pieces[0]! : yield* gatherBytes(pieces);
}

/** A copy of all, in the slices of `work` where that is given and the pieces are large. */
export function gathered(
  pieces: readonly Uint8Array[],
  work: WorkQueue | undefined,
): Buffer<ArrayBuffer> | Promise<Buffer<ArrayBuffer>> {
  const gathering = gatherBytes(pieces);
  return work === undefined || sizeOf(pieces) <= mostCopiedAtOnceBytes ? atOnce(gathering) : work.add(gathering);
}

/** Bytes of all pieces. */
export function sizeOf(pieces: readonly Uint8Array[]): number {
  let sizeBytes = 0;
  for (const { length } of pieces) sizeBytes += length;
  return sizeBytes;
}
