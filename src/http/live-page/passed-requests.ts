import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { KeptBytes } from './kept-bytes.ts';
import { ByteKeeper } from './kept-bytes.ts';
import type { PassedFigures, PassedRequest } from './live-cycle.ts';

interface WaitingRequest {
  readonly kept: KeptBytes;
  readonly isPacked: boolean;
  /** Of the request itself, packed or not. */
  readonly sizeBytes: number;
  readonly sampleCount: number;
  readonly unixMs: number;
}

/** Requests that are read together. */
export interface PassedBatch {
  readonly unixMs: number;
  readonly requests: readonly Uint8Array[];
  readonly sampleCount: number;
}

// A batch is decoded in one piece of work.
const batchBytes = 262_144;

/** Requests that follow each other faster stay as they are: they leave again before the time for packing them is worth their memory. */
const leastPauseMs = 1_000;
/** Packed in less than a millisecond. */
const mostPackedBytes = 128 * 1024;
// Level 1, with tables for requests of that size alone.
const packing = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 } };

/**
 * Requests that were sent on by themselves. They are kept as bytes, within a bound, until somebody looks; those of a node that sends seldom
 * in half of their memory.
 */
export class PassedRequests {
  readonly #maxBytes: number;
  readonly #memory = new ByteKeeper();
  /** Newest last. */
  #waiting: WaitingRequest[] = [];
  #waitingBytes = 0;
  #lastUnixMs = 0;
  #requestCount = 0;
  #sampleCount = 0;
  #unresolvedFrames: Record<string, number> = {};

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Returns the number of samples of older requests that had to go for it. */
  add({ bytes, sampleCount, unresolvedFrames }: PassedRequest, unixMs: number): number {
    this.#requestCount += 1;
    this.#sampleCount += sampleCount;
    for (const [key, count] of Object.entries(unresolvedFrames)) {
      this.#unresolvedFrames[key] = (this.#unresolvedFrames[key] ?? 0) + count;
    }
    if (bytes.length > this.#maxBytes) return sampleCount;
    const isPacked = bytes.length <= mostPackedBytes && unixMs - this.#lastUnixMs >= leastPauseMs;
    this.#lastUnixMs = unixMs;
    const kept = this.#memory.keep(isPacked ? zstdCompressSync(bytes, packing) : bytes);
    this.#waiting.push({ kept, isPacked, sizeBytes: bytes.length, sampleCount, unixMs });
    this.#waitingBytes += bytes.length;
    let skippedSampleCount = 0;
    let skipped = 0;
    while (this.#waitingBytes > this.#maxBytes) {
      const oldest = this.#waiting[skipped++]!;
      this.#waitingBytes -= oldest.sizeBytes;
      this.#memory.release(oldest.kept);
      skippedSampleCount += oldest.sampleCount;
    }
    if (skipped > 0) this.#waiting = this.#waiting.slice(skipped);
    return skippedSampleCount;
  }

  /** Memory of the requests that wait. */
  get heldBytes(): number {
    return this.#waiting.reduce((sum, { kept }) => sum + kept.bytes.length, 0);
  }

  /** Figures since the last call. */
  takeFigures(): PassedFigures {
    const figures = {
      requestCount: this.#requestCount,
      sampleCount: this.#sampleCount,
      unresolvedFrames: this.#unresolvedFrames,
    };
    [this.#requestCount, this.#sampleCount, this.#unresolvedFrames] = [0, 0, {}];
    return figures;
  }

  /**
   * Takes the newest requests that wait, with their time, at most 256 KiB or one; `undefined` when none does. Bytes of up to 256 KiB are
   * to be read before the next call of `add`, which may write over them.
   */
  takeBatch(isSameTime: (a: number, b: number) => boolean): PassedBatch | undefined {
    const newest = this.#waiting.at(-1);
    if (newest === undefined) return undefined;
    const requests: Uint8Array[] = [];
    let size = 0;
    let sampleCount = 0;
    for (let next: WaitingRequest | undefined = newest; next !== undefined; next = this.#waiting.at(-1)) {
      const { kept, isPacked, sizeBytes } = next;
      if (size > 0 && (size + sizeBytes > batchBytes || !isSameTime(next.unixMs, newest.unixMs))) break;
      this.#waiting.pop();
      this.#memory.release(kept);
      size += sizeBytes;
      sampleCount += next.sampleCount;
      requests.push(
        isPacked ? zstdDecompressSync(kept.bytes, { maxOutputLength: Math.max(sizeBytes, 1) }) : kept.bytes,
      );
    }
    this.#waitingBytes -= size;
    return { unixMs: newest.unixMs, requests, sampleCount };
  }
}
