/** Memory is taken in pieces of this size; what nothing was copied to yet is not resident. */
const chunkBytes = 1024 * 1024;
/** Larger ones are kept where they are: they are few, and would leave much of a chunk unused. */
const mostCopiedBytes = 256 * 1024;

interface Chunk {
  readonly memory: Buffer;
  filledBytes: number;
  /** Of kept bytes that lie in it. */
  count: number;
}

/** Bytes that are kept; `chunk` is `undefined` for those that lie in memory of their own. */
export interface KeptBytes {
  readonly bytes: Uint8Array;
  readonly chunk: Chunk | undefined;
}

/**
 * Copies of short byte arrays in few pieces of memory that are used again and again. Kept where they are, they would grow old with the
 * objects that hold them, and only a collection of the whole heap frees old buffers: several times the bytes that are kept would be resident.
 */
export class ByteKeeper {
  #newest: Chunk | undefined;
  /** One, for the next bytes; others go back to the system. */
  #free: Chunk | undefined;

  keep(bytes: Uint8Array): KeptBytes {
    if (bytes.length > mostCopiedBytes) return { bytes, chunk: undefined };
    if (this.#newest === undefined || this.#newest.filledBytes + bytes.length > chunkBytes) {
      this.#newest = this.#free ?? { memory: Buffer.allocUnsafeSlow(chunkBytes), filledBytes: 0, count: 0 };
      this.#free = undefined;
    }
    const chunk = this.#newest;
    const copy = chunk.memory.subarray(chunk.filledBytes, chunk.filledBytes + bytes.length);
    copy.set(bytes);
    chunk.filledBytes += bytes.length;
    chunk.count++;
    return { bytes: copy, chunk };
  }

  /** Ends the keeping: other bytes may be kept there from the next call of `keep` on. */
  release({ chunk }: KeptBytes): void {
    if (chunk === undefined || --chunk.count > 0) return;
    chunk.filledBytes = 0;
    if (chunk !== this.#newest) this.#free = chunk;
  }
}
