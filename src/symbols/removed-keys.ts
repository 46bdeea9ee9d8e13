import type { RemovalReason } from '../lru/lru-family.ts';

const wordsPerCell = 7;
const reasonWord = 6;
const codes = { expired: 1, evicted: 2 } as const;

/**
 * Reasons why frames are no longer known, for a bounded number of them: of the frames whose keys fall into one cell it
 * remembers the one that left last. Compares whole keys, so it may have forgotten but is never wrong.
 */
export class RemovedKeys {
  readonly #cellCount: number;
  #cells: Int32Array | undefined;

  /** `cellCount` is a power of two; a cell has 28 bytes, and none are taken before the first key. */
  constructor(cellCount: number) {
    this.#cellCount = cellCount;
  }

  get isEmpty(): boolean {
    return this.#cells === undefined;
  }

  /** `file` are the four words of the file ID. */
  remember(file: Int32Array, high: number, low: number, reason: RemovalReason): void {
    this.#cells ??= new Int32Array(this.#cellCount * wordsPerCell);
    const at = this.#cellOf(file, high, low);
    this.#cells.set(file, at);
    this.#cells[at + 4] = high;
    this.#cells[at + 5] = low;
    this.#cells[at + reasonWord] = codes[reason];
  }

  reasonOf(file: Int32Array, high: number, low: number): RemovalReason | undefined {
    const cells = this.#cells;
    if (cells === undefined) return undefined;
    const at = this.#cellOf(file, high, low);
    for (let i = 0; i < 4; i++) if (cells[at + i] !== file[i]) return undefined;
    if (cells[at + 4] !== (high | 0) || cells[at + 5] !== (low | 0)) return undefined;
    if (cells[at + reasonWord] === codes.expired) return 'expired';
    return cells[at + reasonWord] === codes.evicted ? 'evicted' : undefined;
  }

  #cellOf(file: Int32Array, high: number, low: number): number {
    let mixed = Math.imul(file[0]! ^ file[2]!, 0x9e3779b1) ^ file[1]! ^ file[3]!;
    mixed = Math.imul(mixed ^ high, 0x85ebca6b) ^ low;
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) & (this.#cellCount - 1)) * wordsPerCell;
  }
}
