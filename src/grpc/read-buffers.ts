// hot

/** A call, and what it has of the pieces that were read. */
export interface PieceHolder {
  /** Pieces have come that it was not given yet. */
  readonly isBehind: boolean;
  /** Adds the buffers of the pieces that it holds on to. */
  addHeld(buffers: Set<ArrayBufferLike>): void;
}

/** node:http2 reads no more at once. */
const mostReadBytes = 64 * 1024;
/** To look at more calls for each buffer would cost more than it saves. */
const mostCalls = 32;

/** Buffers with pieces that calls hold on to, which wait to be freed. */
const mostOlder = 64;

/**
 * The memory that node:http2 reads a connection into. Each read has a buffer of its own, of which the pieces of all streams are views; left to
 * the garbage collector, these megabytes set off one collection of the whole heap after the other. So a buffer is freed once a newer one
 * has come and no call holds on to a piece of it. Where that is not certain, the collector has it.
 */
export class ReadBuffers {
  readonly #calls = new Set<PieceHolder>();
  /** Streams that are open, whether they are calls or not. */
  #streamCount = 0;
  /** No piece of an older buffer was still to be given when its first piece was; `undefined` where that is not known. */
  #newest: ArrayBuffer | undefined;
  /** Buffers that are read, in their order. */
  #older: ArrayBuffer[] = [];
  #isFreeing = false;

  open(): void {
    this.#streamCount++;
  }

  close(): void {
    this.#streamCount--;
  }

  add(call: PieceHolder): void {
    this.#calls.add(call);
  }

  delete(call: PieceHolder): void {
    this.#calls.delete(call);
  }

  /** Notes the buffer of a piece, when that is given to a call; need not be called for each. */
  note({ buffer }: Buffer): void {
    const newest = this.#newest;
    if (buffer === newest) return;
    const isNewest = buffer.byteLength <= mostReadBytes && !this.#isAnyBehind();
    this.#newest = isNewest ? (buffer as ArrayBuffer) : undefined;
    if (newest === undefined || !isNewest) return;
    this.#older.push(newest);
    if (this.#isFreeing) return;
    this.#isFreeing = true;
    // In this turn of the loop, streams that came with the buffer may not be known to their server yet.
    setImmediate(free, this);
  }

  free(): void {
    this.#isFreeing = false;
    const older = this.#older;
    this.#older = [];
    if (this.#isAnyBehind()) return;
    const held = new Set<ArrayBufferLike>();
    for (const call of this.#calls) call.addHeld(held);
    for (const buffer of older) {
      if (!held.has(buffer)) buffer.transfer(0);
      else if (this.#older.length < mostOlder) this.#older.push(buffer);
    }
  }

  #isAnyBehind(): boolean {
    if (this.#calls.size !== this.#streamCount || this.#streamCount > mostCalls) return true;
    for (const call of this.#calls) if (call.isBehind) return true;
    return false;
  }
}

function free(buffers: ReadBuffers): void {
  buffers.free();
}
