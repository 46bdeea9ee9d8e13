// hot

/** Memory of small pieces, which wait together. */
const leastBlockBytes = 4 * 1024 - 1;

/** Bytes of a body that wait, in their order, copied from the pieces that have come. */
export class PieceQueue {
  #blocks: Buffer[] = [];
  /** The last block, behind `#blocks`, in which there may be room. */
  #tail: Buffer | undefined;
  #tailBytes = 0;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(piece: Buffer): void {
    this.#sizeBytes += piece.length;
    for (let at = 0; at < piece.length; ) {
      if (this.#tail === undefined || this.#tailBytes === this.#tail.length) {
        this.#closeTail();
        this.#tail = Buffer.allocUnsafe(Math.max(leastBlockBytes, piece.length - at));
      }
      const copied = piece.copy(this.#tail, this.#tailBytes, at);
      this.#tailBytes += copied;
      at += copied;
    }
  }

  /** The next bytes; `undefined` where there are none. */
  take(): Buffer | undefined {
    if (this.#blocks.length === 0) this.#closeTail();
    const block = this.#blocks.shift();
    if (block !== undefined) this.#sizeBytes -= block.length;
    return block;
  }

  #closeTail(): void {
    if (this.#tail !== undefined) this.#blocks.push(this.#tail.subarray(0, this.#tailBytes));
    this.#tail = undefined;
    this.#tailBytes = 0;
  }
}
