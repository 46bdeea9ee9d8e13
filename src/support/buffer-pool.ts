// hot

/** Smaller buffers come from Node.js's own pool, or cost little. */
export const leastReusedBytes: number = 8 * 1024;
/** Larger ones are seldom, and a mapping of the kernel each. */
export const mostReusedBytes: number = 4 * 1024 * 1024;

/**
 * Buffers that are used again. The garbage collector counts the bytes of buffers, and collects the whole heap for every few megabytes of
 * them, which costs more than anything else that is done with a message. A buffer that is not given back is left to the collector.
 */
export class BufferPool {
  readonly #mostHeldBytes: number;
  readonly #mostBytes: number;
  /** By size. */
  readonly #free = new Map<number, (ArrayBuffer | WeakRef<ArrayBuffer>)[]>();
  /** Memory that was taken and may be given back, once. */
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #keptBytes = 0;
  /** Of the buffers that a collection does not take. */
  #heldBytes = 0;

  /** Of free buffers, `mostHeldBytes` are held, and more, up to `mostBytes`, until the whole heap is collected: those that a burst needs. */
  constructor(mostHeldBytes: number, mostBytes: number = mostHeldBytes) {
    this.#mostHeldBytes = mostHeldBytes;
    this.#mostBytes = mostBytes;
  }

  /** A buffer with any content. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < leastReusedBytes || sizeBytes > mostReusedBytes) return Buffer.allocUnsafe(sizeBytes);
    const roomBytes = roundUp(sizeBytes);
    const memory = this.#takeFree(roomBytes) ?? Buffer.allocUnsafeSlow(roomBytes).buffer;
    this.#lent.add(memory);
    return Buffer.from(memory, 0, sizeBytes);
  }

  /** Takes a buffer back of which nothing may be read any more; one that is not of this pool is left alone. */
  giveBack({ buffer }: Pick<Uint8Array, 'buffer'>): void {
    if (!this.#lent.delete(buffer)) return;
    const memory = buffer as ArrayBuffer;
    const { byteLength } = memory;
    if (this.#keptBytes + byteLength > this.#mostBytes) this.#forgetCollected();
    if (this.#keptBytes + byteLength > this.#mostBytes) return;
    const free = this.#free.get(byteLength) ?? [];
    this.#free.set(byteLength, free);
    this.#keptBytes += byteLength;
    if (this.#heldBytes + byteLength > this.#mostHeldBytes) free.push(new WeakRef(memory));
    else {
      this.#heldBytes += byteLength;
      free.push(memory);
    }
  }

  #takeFree(roomBytes: number): ArrayBuffer | undefined {
    const free = this.#free.get(roomBytes);
    for (let entry = free?.pop(); entry !== undefined; entry = free!.pop()) {
      this.#keptBytes -= roomBytes;
      if (!(entry instanceof WeakRef)) {
        this.#heldBytes -= roomBytes;
        return entry;
      }
      const memory = entry.deref();
      if (memory !== undefined) return memory;
    }
    return undefined;
  }

  #forgetCollected(): void {
    for (const [roomBytes, free] of this.#free) {
      const left = free.filter((entry) => !(entry instanceof WeakRef) || entry.deref() !== undefined);
      this.#keptBytes -= (free.length - left.length) * roomBytes;
      this.#free.set(roomBytes, left);
    }
  }
}

/** Four sizes between two powers of two: no more than a fifth of a buffer is unused. */
function roundUp(sizeBytes: number): number {
  const step = 2 ** (29 - Math.clz32(sizeBytes - 1));
  return Math.ceil(sizeBytes / step) * step;
}
