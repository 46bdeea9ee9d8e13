// hot
import type { BufferPool } from '../support/buffer-pool.ts';
import { mostReusedBytes } from '../support/buffer-pool.ts';

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
  readonly #buffers: BufferPool | undefined;
  #pieces: Buffer[] = [];
  /** Bytes of the first piece that are read. */
  #offset = 0;
  #heldBytes = 0;
  /** Of the message whose prefix was read; -1 before. */
  #sizeBytes = -1;
  #isCompressed = false;
  readonly #prefix = Buffer.allocUnsafe(prefixBytes);
  /** A message whose memory is not used again, copied as its pieces come: to copy all of it at its end would stop the event loop for long. */
  #large: Buffer | undefined;
  #largeFilledBytes = 0;

  /** `buffers` has the memory of messages. */
  constructor(maxBytes: number, buffers?: BufferPool) {
    this.#maxBytes = maxBytes;
    this.#buffers = buffers;
  }

  /** Bytes that have come and are in no message yet. */
  get heldBytes(): number {
    return this.#sizeBytes < 0 ? this.#heldBytes : this.#heldBytes + prefixBytes;
  }

  get pieceCount(): number {
    return this.#pieces.length;
  }

  push(piece: Buffer): void {
    this.#heldBytes += piece.length;
    const rest = this.#large === undefined ? piece : this.#fill(this.#large, piece);
    if (rest.length > 0) this.#pieces.push(rest);
  }

  /** Copies what the large message lacks, and returns the rest of the piece. */
  #fill(large: Buffer, piece: Buffer): Buffer {
    const copied = piece.copy(large, this.#largeFilledBytes);
    this.#largeFilledBytes += copied;
    return piece.subarray(copied);
  }

  /** The next message; `undefined` while it is not whole. */
  next(): ReadMessage | undefined {
    if (this.#sizeBytes < 0) {
      if (this.#heldBytes < prefixBytes) return undefined;
      const prefix = this.#take(this.#prefix);
      const flag = prefix[0]!;
      if (flag > 1) return { kind: 'bad_flag', flag };
      const sizeBytes = prefix.readUInt32BE(1);
      if (sizeBytes > this.#maxBytes) return { kind: 'too_large', sizeBytes };
      this.#isCompressed = flag === 1;
      this.#sizeBytes = sizeBytes;
    }
    if (this.#heldBytes < this.#sizeBytes) {
      // Half of it: what is unfinished counts against the memory of the process, and must not be many times what was sent.
      const isUnderWay = this.#sizeBytes > mostReusedBytes && 2 * this.#heldBytes >= this.#sizeBytes;
      if (isUnderWay && this.#large === undefined) this.#beginLarge();
      return undefined;
    }
    const bytes = this.#large === undefined ? this.#takeSmall() : this.#takeLarge(this.#large);
    this.#sizeBytes = -1;
    return { kind: 'message', bytes, isCompressed: this.#isCompressed };
  }

  #beginLarge(): void {
    const heldBytes = this.#heldBytes;
    this.#large = Buffer.allocUnsafeSlow(this.#sizeBytes);
    this.#largeFilledBytes = this.#take(this.#large.subarray(0, heldBytes)).length;
    this.#heldBytes = heldBytes;
  }

  #takeLarge(large: Buffer): Buffer {
    this.#heldBytes -= large.length;
    this.#large = undefined;
    return large;
  }

  #takeSmall(): Buffer {
    return this.#take(this.#buffers?.take(this.#sizeBytes) ?? Buffer.allocUnsafe(this.#sizeBytes));
  }

  /** Fills `taken`. A piece is part of what was read from the socket at once, which may be far more, and a message may be held for long. */
  #take(taken: Buffer): Buffer {
    const sizeBytes = taken.length;
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

/** A message with its prefix, in one piece: for short ones. */
export function frameMessage(message: Uint8Array, isCompressed = false): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  writePrefix(frame, message.length, isCompressed);
  frame.set(message, prefixBytes);
  return frame;
}

/** The prefix of a message, to be sent before it. */
export function prefixOf(message: Uint8Array, isCompressed: boolean): Buffer {
  const prefix = Buffer.allocUnsafe(prefixBytes);
  writePrefix(prefix, message.length, isCompressed);
  return prefix;
}

function writePrefix(target: Buffer, sizeBytes: number, isCompressed: boolean): void {
  target[0] = isCompressed ? 1 : 0;
  target.writeUInt32BE(sizeBytes, 1);
}
