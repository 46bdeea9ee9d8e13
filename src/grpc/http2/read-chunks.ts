// hot

/** To hold on to a larger chunk for less of it costs more than a copy: smaller pieces are copied, so that none of them is lent. */
export const leastLentBytes: number = 4 * 1024;
/** Young collections free less at no cost. */
const leastFreedBytes = 16 * 1024;
/** Of chunks that wait to be freed; the garbage collector has others. */
const mostWaiting = 128;

/**
 * The memory that a socket is read into, a chunk a read, of which the pieces of bodies are views. Left to the garbage collector, these
 * megabytes set off one collection of the whole heap after the other. So a chunk is freed once its frames are taken, where no piece of it was
 * lent, and else once no stream holds on to a piece of any.
 */
export class ReadChunks {
  #waiting: ArrayBuffer[] = [];
  /** Streams that hold on to pieces. */
  #holders = 0;
  /** A stream holds on to a piece of the chunk that is being read. */
  #isLent = false;

  /** Notes that one more stream holds on to pieces, or one less. */
  count(more: 1 | -1): void {
    this.#holders += more;
    if (this.#holders === 0) this.#freeAll();
  }

  /** Notes that a stream holds on to a piece of the chunk that is being read. */
  lend(): void {
    this.#isLent = true;
  }

  /** Takes over a chunk whose frames are taken. One that shares its memory with others is the collector's. */
  add(chunk: Buffer): void {
    const { buffer } = chunk;
    const isLent = this.#isLent && this.#holders > 0;
    this.#isLent = false;
    if (chunk.length < leastFreedBytes || chunk.length !== buffer.byteLength) return;
    // One stream that holds on to little for long must not keep all that comes for others.
    if (!isLent) free(buffer as ArrayBuffer);
    else if (this.#waiting.length < mostWaiting) this.#waiting.push(buffer as ArrayBuffer);
  }

  #freeAll(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const buffer of waiting) free(buffer);
  }
}

function free(buffer: ArrayBuffer): void {
  buffer.transfer(0);
}
