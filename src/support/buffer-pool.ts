// hot

/** Smaller buffers come from Node.js's own pool, or cost little. */
const leastBytes = 8 * 1024;
/** Larger ones are seldom, and a mapping of the kernel each. */
export const mostReusedBytes: number = 4 * 1024 * 1024;

/**
 * Buffers that are used again. The garbage collector counts the bytes of buffers, and collects the whole heap for every few megabytes of
 * them, which costs more than anything else that is done with a message. A buffer that is not given back is left to the collector.
 */
export class BufferPool {
  readonly #mostKeptBytes: number;
  readonly #free = new Map<number, ArrayBuffer[]>();
  /** Memory that was taken and may be given back, once. */
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #keptBytes = 0;

  /** `mostKeptBytes` bounds the free buffers together. */
  constructor(mostKeptBytes: number) {
    this.#mostKeptBytes = mostKeptBytes;
  }

  /** A buffer with any content. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < leastBytes || sizeBytes > mostReusedBytes) return Buffer.allocUnsafe(sizeBytes);
    const roomBytes = roundUp(sizeBytes);
    const known = this.#free.get(roomBytes)?.pop();
    const memory = known ?? Buffer.allocUnsafeSlow(roomBytes).buffer;
    if (known !== undefined) this.#keptBytes -= known.byteLength;
    this.#lent.add(memory);
    return Buffer.from(memory, 0, sizeBytes);
  }

  /** Takes a buffer back of which nothing may be read any more; one that is not of this pool is left alone. */
  giveBack({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return;
    if (this.#keptBytes + buffer.byteLength > this.#mostKeptBytes) return;
    const free = this.#free.get(buffer.byteLength) ?? [];
    this.#free.set(buffer.byteLength, free);
    free.push(buffer as ArrayBuffer);
    this.#keptBytes += buffer.byteLength;
  }
}

/** Four sizes between two powers of two: no more than a fifth of a buffer is unused. */
function roundUp(sizeBytes: number): number {
  const step = 2 ** (29 - Math.clz32(sizeBytes - 1));
  return Math.ceil(sizeBytes / step) * step;
}
