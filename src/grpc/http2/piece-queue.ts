// hot
import { leastLentBytes } from './read-chunks.ts';

/** Pieces of a body that wait, in their order. Small ones are copied together, large ones are still views of what was read. */
export class PieceQueue {
  #pieces: Buffer[] = [];
  /** The last piece, where it is a copy with room behind it. */
  #tail: Buffer | undefined;
  #tailBytes = 0;
  #sizeBytes = 0;
  #lentCount = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Some pieces are views of what was read. */
  get isLent(): boolean {
    return this.#lentCount > 0;
  }

  add(piece: Buffer): void {
    this.#sizeBytes += piece.length;
    if (piece.length >= leastLentBytes) {
      this.#closeTail();
      this.#pieces.push(piece);
      this.#lentCount++;
      return;
    }
    for (let at = 0; at < piece.length; ) {
      if (this.#tail === undefined || this.#tailBytes === this.#tail.length) {
        this.#closeTail();
        this.#tail = Buffer.allocUnsafe(leastLentBytes - 1);
      }
      const copied = piece.copy(this.#tail, this.#tailBytes, at);
      this.#tailBytes += copied;
      at += copied;
    }
  }

  /** The next piece; `undefined` where there is none. */
  take(): Buffer | undefined {
    if (this.#pieces.length === 0) this.#closeTail();
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#sizeBytes -= piece.length;
    if (piece.length >= leastLentBytes) this.#lentCount--;
    return piece;
  }

  #closeTail(): void {
    if (this.#tail !== undefined) this.#pieces.push(this.#tail.subarray(0, this.#tailBytes));
    this.#tail = undefined;
    this.#tailBytes = 0;
  }
}
