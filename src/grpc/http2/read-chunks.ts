// hot

/** Young collections free less at no cost. */
const leastFreedBytes = 16 * 1024;
/** Of chunks that wait to be freed; the garbage collector has others. */
const mostWaiting = 128;

/**
 * The memory that a socket is read into, a chunk a read, of which the pieces of bodies are views. Left to the garbage collector, these
 * megabytes set off one collection of the whole heap after the other. So a chunk is freed once its frames are taken and no stream holds on
 * to a piece of it, or of one before.
 */
export class ReadChunks {
  #waiting: ArrayBuffer[] = [];
  /** Streams that hold on to pieces. */
  #holders = 0;

  /** Notes that one more stream holds on to pieces, or one less. */
  count(more: 1 | -1): void {
    this.#holders += more;
    if (this.#holders === 0) this.#freeAll();
  }

  /** Takes over a chunk whose frames are taken. One that shares its memory with others is the collector's. */
  add(chunk: Buffer): void {
    const { buffer } = chunk;
    if (chunk.length < leastFreedBytes || chunk.length !== buffer.byteLength) return;
    if (this.#holders === 0) free(buffer as ArrayBuffer);
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
