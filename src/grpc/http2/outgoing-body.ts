// hot
import type { OutgoingHeaders } from './header-codec.ts';

/** A body that goes out on a stream. Bytes wait in it for windows of the peer. */
export class OutgoingBody {
  /** Of the stream; 0 while that waits for a place among those that the peer takes at the same time. */
  id = 0;
  /** Bytes that the peer still takes. */
  window = 0;
  /** Nothing of the pieces is read any more: the kernel, or TLS, has all of them, or will get none. */
  isWritten = false;
  /** Called once everything was sent, and that it is everything. */
  readonly #onSent: (() => void) | undefined;
  #pieces: Uint8Array[] = [];
  /** Bytes of the first piece that are sent. */
  #offset = 0;
  #heldBytes = 0;
  #isWhole = false;
  #isSent = false;
  #trailers: OutgoingHeaders | undefined;
  /** Calls for what has been added up to a place, counted from the first byte of the body. */
  #marks: { readonly place: number; readonly onSent: () => void }[] = [];
  #addedBytes = 0;

  constructor(onSent?: () => void) {
    this.#onSent = onSent;
  }

  /** Adds pieces, which must not change. `onSent` is called once they have left, or never will. False where nothing can be added any more. */
  add(pieces: readonly Uint8Array[], onSent?: () => void): boolean {
    if (this.#isWhole) return false;
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      this.#pieces.push(piece);
      this.#heldBytes += piece.length;
      this.#addedBytes += piece.length;
    }
    if (onSent !== undefined) this.#marks.push({ place: this.#addedBytes, onSent });
    return true;
  }

  /** Nothing follows but trailers, if there are any. */
  end(trailers?: OutgoingHeaders): void {
    this.#isWhole = true;
    this.#trailers = trailers;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Everything was sent, and that it is everything. */
  get isSent(): boolean {
    return this.#isSent;
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Something is to be sent: bytes, or that there are no more. */
  get isWaiting(): boolean {
    return this.#heldBytes > 0 || (this.#isWhole && !this.#isSent);
  }

  /** To be sent behind the last byte, in place of its end. */
  get trailers(): OutgoingHeaders | undefined {
    return this.#trailers;
  }

  /** Nothing follows the next `sizeBytes` bytes. */
  endsWith(sizeBytes: number): boolean {
    return this.#isWhole && sizeBytes === this.#heldBytes && this.#trailers === undefined;
  }

  /** To be called once the last bytes are written, or cannot be. */
  readonly onWritten = (): void => {
    this.isWritten = true;
  };

  /** To be called when the end was sent. */
  noteSent(): void {
    this.#isSent = true;
    this.#onSent?.();
  }

  /** Moves the next `sizeBytes` bytes, which there must be, to the end of `target`. */
  take(sizeBytes: number, target: Uint8Array[]): void {
    let left = sizeBytes;
    let used = 0;
    while (left > 0) {
      const piece = this.#pieces[used]!;
      const end = Math.min(piece.length, this.#offset + left);
      target.push(this.#offset === 0 && end === piece.length ? piece : piece.subarray(this.#offset, end));
      left -= end - this.#offset;
      this.#offset = end;
      if (end < piece.length) break;
      this.#offset = 0;
      used++;
    }
    if (used > 0) this.#pieces.splice(0, used);
    this.#heldBytes -= sizeBytes;
  }

  /** Moves what is to be called for the bytes that were taken to the end of `target`. */
  takeMarks(target: (() => void)[]): void {
    const place = this.#addedBytes - this.#heldBytes;
    let count = 0;
    while (count < this.#marks.length && this.#marks[count]!.place <= place) target.push(this.#marks[count++]!.onSent);
    if (count > 0) this.#marks.splice(0, count);
  }

  /** Lets go of what was not sent. */
  drop(): void {
    const marks = this.#marks;
    this.#marks = [];
    this.#pieces = [];
    this.#heldBytes = 0;
    this.#isSent = this.#isWhole;
    for (const { onSent } of marks) onSent();
  }
}
