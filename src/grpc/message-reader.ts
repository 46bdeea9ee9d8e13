// hot
/** Bytes before each message: a flag for compression, and four bytes of length, the highest first. */
export const prefixBytes = 5;

/** A message as it came, or the reason why there is none. */
export type ReadMessage =
  | { readonly kind: 'message'; readonly bytes: Buffer; readonly isCompressed: boolean }
  | { readonly kind: 'too_large'; readonly sizeBytes: number }
  | { readonly kind: 'bad_flag'; readonly flag: number };

/**
 * Takes length-prefixed messages out of the bytes of a stream, however DATA frames cut them
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests). Nothing can be read after a fault.
 */
export class MessageReader {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  /** Bytes of the first piece that are read. */
  #offset = 0;
  #heldBytes = 0;
  /** Of the message whose prefix was read; -1 before. */
  #sizeBytes = -1;
  #isCompressed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that have come and are in no message yet. */
  get heldBytes(): number {
    return this.#sizeBytes < 0 ? this.#heldBytes : this.#heldBytes + prefixBytes;
  }

  get pieceCount(): number {
    return this.#pieces.length;
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#heldBytes += piece.length;
  }

  /** The next message; `undefined` while it is not whole. */
  next(): ReadMessage | undefined {
    if (this.#sizeBytes < 0) {
      if (this.#heldBytes < prefixBytes) return undefined;
      const prefix = this.#take(prefixBytes);
      const flag = prefix[0]!;
      if (flag > 1) return { kind: 'bad_flag', flag };
      const sizeBytes = prefix.readUInt32BE(1);
      if (sizeBytes > this.#maxBytes) return { kind: 'too_large', sizeBytes };
      this.#isCompressed = flag === 1;
      this.#sizeBytes = sizeBytes;
    }
    if (this.#heldBytes < this.#sizeBytes) return undefined;
    const bytes = this.#take(this.#sizeBytes);
    this.#sizeBytes = -1;
    return { kind: 'message', bytes, isCompressed: this.#isCompressed };
  }

  /** A copy: a piece is part of what was read from the socket at once, which may be far more, and a message may be held for long. */
  #take(sizeBytes: number): Buffer {
    const taken = Buffer.allocUnsafe(sizeBytes);
    let written = 0;
    let used = 0;
    while (written < sizeBytes) {
      const piece = this.#pieces[used]!;
      const end = Math.min(piece.length, this.#offset + sizeBytes - written);
      piece.copy(taken, written, this.#offset, end);
      written += end - this.#offset;
      if (end === piece.length) {
        used++;
        this.#offset = 0;
      } else this.#offset = end;
    }
    if (used === this.#pieces.length) this.#pieces = [];
    else if (used > 0) this.#pieces.splice(0, used);
    this.#heldBytes -= sizeBytes;
    return taken;
  }
}

/** A message with its prefix. */
export function frameMessage(message: Uint8Array, isCompressed = false): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = isCompressed ? 1 : 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}
