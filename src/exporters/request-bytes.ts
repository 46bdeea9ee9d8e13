import { gatherBytes, inOnePiece, sizeOf } from '../support/gather-bytes.ts';
import { atOnce } from '../support/steps.ts';

/** Memory of pieces of a request that can be used again. */
export interface LentMemory {
  readonly buffer: ArrayBufferLike;
  /** Exporters that the request is offered to. */
  readonly holders: number;
  readonly giveBack: () => void;
}

/**
 * Bytes of an encoded request, in pieces, most of which may lie in memory that is given back once every holder has sent them. Where not all
 * of them do, or where somebody wants the bytes in one piece, it is left to the garbage collector.
 */
export class RequestBytes {
  readonly sizeBytes: number;
  /** None once their memory was given back. */
  #pieces: readonly Uint8Array[];
  #memory: LentMemory | undefined;
  #lentCount = 0;
  #returnedCount = 0;

  /** The bytes must not change until they are given back. */
  constructor(pieces: readonly Uint8Array[], memory?: LentMemory) {
    this.sizeBytes = sizeOf(pieces);
    this.#pieces = pieces;
    this.#memory = memory;
  }

  /** The same; a request may wait for long, and must not keep a piece of memory that is far larger than its bytes: these are copied then. */
  static of(pieces: readonly Uint8Array[], memory?: LentMemory): RequestBytes {
    const { buffer } = memory ?? pieces[0]!;
    if (4 * sizeOf(pieces) >= 3 * buffer.byteLength) return new RequestBytes(pieces, memory);
    const { buffer: own } = atOnce(gatherBytes(pieces));
    memory?.giveBack();
    return new RequestBytes([new Uint8Array(own)]);
  }

  /** The bytes in one piece, which is the same at each call. */
  whole(): Uint8Array {
    const pieces = this.#held();
    const memory = this.#memory;
    // Somebody has the bytes from now on, who need not tell when that ends.
    this.#memory = undefined;
    const whole = atOnce(inOnePiece(pieces));
    if (whole === pieces[0]) return whole;
    this.#pieces = [whole];
    if (this.#lentCount === 0) memory?.giveBack();
    return whole;
  }

  /** The pieces, for an attempt to send them. */
  lend(): readonly Uint8Array[] {
    this.#lentCount++;
    return this.#held();
  }

  /** Notes that an attempt has succeeded, and that nobody will read its pieces again. */
  giveBack(): void {
    this.#returnedCount++;
    const memory = this.#memory;
    if (memory === undefined || this.#returnedCount < this.#lentCount || this.#lentCount !== memory.holders) return;
    this.#memory = undefined;
    this.#pieces = [];
    memory.giveBack();
  }

  #held(): readonly Uint8Array[] {
    if (this.#pieces.length === 0) throw new TypeError('the memory of the request was given back');
    return this.#pieces;
  }
}
