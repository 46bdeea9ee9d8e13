// hot
import type { BufferPool } from '../support/buffer-pool.ts';
import { leastReusedBytes } from '../support/buffer-pool.ts';

/** Bytes before each message: a flag for compression, and four bytes of length, the highest first. */
export const prefixBytes = 5;

/** Memory for so little is what a stream costs anyway. */
const mostBegunAtOnceBytes = 64 * 1024;
const mostMemoryASentByte = 2;

/** A message as it came, or the reason why there is none. */
export type ReadMessage =
  | { readonly kind: 'message'; readonly bytes: Buffer; readonly isCompressed: boolean }
  | { readonly kind: 'too_large'; readonly sizeBytes: number }
  | { readonly kind: 'bad_flag'; readonly flag: number };

/** Tells whether there is room for a message of which little has come. */
interface Room {
  hasRoomFor(sizeBytes: number): boolean;
}

/**
 * Takes length-prefixed messages out of the bytes of a stream, however DATA frames cut them
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests). Nothing can be read after a fault.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #buffers: BufferPool | undefined;
  readonly #room: Room | undefined;
  #pieces: Buffer[] = [];
  /** Bytes of the first piece that are read. */
  #offset = 0;
  #heldBytes = 0;
  /** The last piece is a view of what was pushed. */
  #isLent = false;
  /** Of the message whose prefix was read; -1 before. */
  #sizeBytes = -1;
  #isCompressed = false;
  readonly #prefix = Buffer.allocUnsafe(prefixBytes);
  /** Memory of a message that is not whole, into which its pieces are copied as they come. */
  #begun: Buffer | undefined;
  #filledBytes = 0;

  /** `buffers` has the memory of messages. */
  constructor(maxBytes: number, buffers?: BufferPool, room?: Room) {
    this.#maxBytes = maxBytes;
    this.#buffers = buffers;
    this.#room = room;
  }

  /** Bytes that have come and are in no message yet. */
  get heldBytes(): number {
    return this.#sizeBytes < 0 ? this.#heldBytes : this.#heldBytes + prefixBytes;
  }

  /** Bytes of the memory that is held for what has come: that of a message that has begun counts as a whole. */
  get memoryBytes(): number {
    return this.heldBytes + (this.#begun === undefined ? 0 : this.#begun.length - this.#filledBytes);
  }

  get pieceCount(): number {
    return this.#pieces.length;
  }

  /** Adds a piece, lent until `keep`. */
  push(piece: Buffer): void {
    this.#heldBytes += piece.length;
    const rest = this.#begun === undefined ? piece : this.#fill(this.#begun, piece);
    if (rest.length === 0) return;
    this.#pieces.push(rest);
    this.#isLent = true;
  }

  /** Copies what is left of the piece that was pushed last. */
  keep(): void {
    const last = this.#pieces.length - 1;
    if (this.#isLent && last >= 0) {
      this.#pieces[last] = Buffer.from(this.#pieces[last]!.subarray(last === 0 ? this.#offset : 0));
      if (last === 0) this.#offset = 0;
    }
    this.#isLent = false;
  }

  /** Copies what the message lacks, and returns the rest of the piece. */
  #fill(begun: Buffer, piece: Buffer): Buffer {
    const copied = piece.copy(begun, this.#filledBytes);
    this.#filledBytes += copied;
    return piece.subarray(copied);
  }

  /** Lets go of all that has come. */
  drop(): void {
    if (this.#begun !== undefined) this.#buffers?.giveBack(this.#begun);
    this.#begun = undefined;
    this.#pieces = [];
    this.#offset = 0;
    this.#heldBytes = 0;
    this.#sizeBytes = -1;
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
      if (this.#begun === undefined && this.#mayBegin()) this.#begin();
      return undefined;
    }
    const bytes = this.#begun === undefined ? this.#take(this.#memory()) : this.#takeBegun(this.#begun);
    this.#sizeBytes = -1;
    return { kind: 'message', bytes, isCompressed: this.#isCompressed };
  }

  /**
   * Pieces are copied once, to where they belong. But beyond a little the memory for what is unfinished must not be many times what was sent:
   * who sends halves would take that of all others.
   */
  #mayBegin(): boolean {
    const sizeBytes = this.#sizeBytes;
    if (sizeBytes <= mostBegunAtOnceBytes) return sizeBytes >= leastReusedBytes;
    return mostMemoryASentByte * this.#heldBytes >= sizeBytes || this.#room?.hasRoomFor(sizeBytes) === true;
  }

  #begin(): void {
    const heldBytes = this.#heldBytes;
    const begun = this.#memory();
    this.#filledBytes = this.#take(begun.subarray(0, heldBytes)).length;
    this.#begun = begun;
    this.#heldBytes = heldBytes;
  }

  #takeBegun(begun: Buffer): Buffer {
    this.#heldBytes -= begun.length;
    this.#begun = undefined;
    return begun;
  }

  #memory(): Buffer {
    return this.#buffers?.take(this.#sizeBytes) ?? Buffer.allocUnsafe(this.#sizeBytes);
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

/** The prefix of a message of so many bytes, to be sent before it. */
export function prefixOf(sizeBytes: number, isCompressed: boolean): Buffer {
  const prefix = Buffer.allocUnsafe(prefixBytes);
  writePrefix(prefix, sizeBytes, isCompressed);
  return prefix;
}

function writePrefix(target: Buffer, sizeBytes: number, isCompressed: boolean): void {
  target[0] = isCompressed ? 1 : 0;
  target.writeUInt32BE(sizeBytes, 1);
}
