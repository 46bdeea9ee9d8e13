import type { Steps, WorkQueue } from './steps.ts';
import { atOnce } from './steps.ts';

/** Copied within one step: some 100 µs, with the page faults of new memory. */
const bytesAStep = 256 * 1024;

/** Larger content is copied in slices; less takes below a millisecond. */
const mostCopiedAtOnceBytes = 1024 * 1024;

/** One piece of memory with the pieces in their order, of `sizeBytes` together. */
export function* gatherBytes(pieces: readonly Uint8Array[], sizeBytes: number): Steps<Buffer<ArrayBuffer>> {
  const whole = Buffer.allocUnsafeSlow(sizeBytes);
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

/** The same, in the slices of `work` where that is given and the pieces are large. */
export function gathered(
  pieces: readonly Uint8Array[],
  sizeBytes: number,
  work: WorkQueue | undefined,
): Buffer<ArrayBuffer> | Promise<Buffer<ArrayBuffer>> {
  const gathering = gatherBytes(pieces, sizeBytes);
  return work === undefined || sizeBytes <= mostCopiedAtOnceBytes ? atOnce(gathering) : work.add(gathering);
}
