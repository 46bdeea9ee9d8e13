// hot
import { hashSeed, mixWord } from '../../support/mix-words.ts';

/**
 * A hash of 64 bits in two words, of which no sender knows the seed. Equal entries have equal hashes; those of different ones
 * are different but for an accident, and that costs time and nothing else. `a` and `b` are what was fed so far.
 */
export class PairHash {
  a = 0;
  b = 0;

  /** `kind` keeps apart what means different things. */
  start(kind: number): void {
    this.a = hashSeed ^ kind;
    this.b = secondSeed;
  }

  word(word: number): void {
    this.a = spread(this.a, word);
    this.b = spreadAgain(this.b, word);
  }

  /** Feeds another hash. */
  pair(a: number, b: number): void {
    this.a = spread(this.a, a);
    this.b = spreadAgain(this.b, b);
  }

  /** Returns whether all of the bytes are ASCII. */
  bytes(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    let { a, b } = this;
    let bits = 0;
    let position = start;
    for (; position + 4 <= end; position += 4) {
      const word = view.getInt32(position, true);
      bits |= word;
      a = spread(a, word);
      b = spreadAgain(b, word);
    }
    let rest = end - start;
    for (; position < end; position++) {
      const byte = bytes[position]!;
      bits |= byte;
      rest = (rest << 8) ^ byte;
    }
    this.a = spread(a, rest);
    this.b = spreadAgain(b, rest);
    return (bits & 0x8080_8080) === 0;
  }
}

/** Words of a hash before anything was fed. */
export const firstSeed: number = hashSeed;
export const secondSeed: number = mixWord(hashSeed, 0x5bd1e995);

/**
 * A multiplication and a rotation: a fraction of the price of `mixWord`. Whoever makes one of the two collide whatever the
 * seeds are has not made the other one collide, and would have won a request that is decoded.
 */
export function spread(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return (mixed << 13) | (mixed >>> 19);
}

export function spreadAgain(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0xcc9e2d51);
  return (mixed << 15) | (mixed >>> 17);
}
