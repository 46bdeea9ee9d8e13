// hot

import type { SlotPool } from './slot-pool.ts';
import { keyWord, noSlot, segmentMask, segmentOrder } from './slot-pool.ts';

const minCells = 32;
/** A cell's slot, and the part of its hash. */
export const slotMask = 0xff_ffff;
export const tagMask: number = ~slotMask;
/** Set in each cell that holds a slot, so that the tag of a key never is that of an empty cell. */
export const takenBit: number = 1 << 24;
/** The bits of a hash, four places up, that are in a tag beside its lowest four. */
export const tagHighMask = 0x0e00_0000;
// Not exported, so that V8 folds them (see use-entry.ts).
const slotBits = slotMask;
const tagBits = tagMask;
const tagHigh = tagHighMask;
const none = noSlot;
const taken = takenBit;
const order = segmentOrder;
const placeMask = segmentMask;
const keyAt = keyWord;
/** Cells that lie within this distance of an empty one tell their home by their tag alone. */
const tagHomes = 16;
/** An entry that left a table which is being moved: not empty, so that probing goes on, and not taken. */
const tombstone = 1 << 25;
/**
 * Cells of the old table that each change moves to the new one. Eight are needed so that the move ends before the
 * new table is full; at sixteen one change costs about a microsecond more while a move is under way.
 */
const cellsPerStep = 16;

/** Number and bytes of all indices, which the indices keep. */
interface IndexAccount {
  indices: number;
  indexBytes: number;
}

/**
 * Index from keys to slots: open addressing with linear probing at a load of at most one half. Beside each slot are
 * 7 bits of the hash, so that nearly every key comparison is the right one, and 4 of them are the lowest of the cell
 * where the key would be alone, so that a cell can be moved up without a look at its key. Grows and shrinks a few cells a change:
 * rehashing a million entries at once would stop the thread for tens of milliseconds.
 */
export class SlotIndex<V> {
  readonly #pool: SlotPool<V>;
  readonly #account: IndexAccount;
  /** The pool's: a look-up finds all that it needs in one object. */
  readonly words: readonly Int32Array[];
  readonly values: readonly (V | undefined)[][];
  // Fields that begin as a number are known to be one, without a look at each use.
  readonly stride: number = 0;
  readonly keyWords: 2 | 4 = 2;
  readonly seed: number = 0;
  /** One less than there are cells. */
  mask = 0;
  /** A cell is 0 (empty), or a tag and a slot. */
  cells: Int32Array;
  /** The table before the last change of size, until all of its cells are moved. Cells before `#moved` no longer count. */
  #old: Int32Array | undefined;
  #moved = 0;

  constructor(pool: SlotPool<V>, account: IndexAccount, count: number) {
    this.#pool = pool;
    this.#account = account;
    this.words = pool.words;
    this.values = pool.values;
    this.stride = pool.stride;
    this.keyWords = pool.keyWords;
    this.seed = pool.seed;
    this.cells = new Int32Array(cellsFor(count));
    this.mask = this.cells.length - 1;
    account.indices++;
    account.indexBytes += this.cells.byteLength;
  }

  /** Takes the index out of the account. */
  dispose(): void {
    this.#account.indices--;
    this.#account.indexBytes -= this.cells.byteLength + (this.#old?.byteLength ?? 0);
  }

  /** True while a key may still be in the older part, which only `find` looks at. */
  get isMoving(): boolean {
    return this.#old !== undefined;
  }

  /** The slot with exactly this key, or `noSlot`. Written out: this is half of what a look-up costs. */
  find(hash: number, key0: number, key1: number, key2: number, key3: number): number {
    const { words, stride, keyWords, cells, mask } = this;
    const tag = tagOf(hash);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const cell = cells[at]!;
      if (cell === 0) break;
      const slot = cell ^ tag;
      if ((slot & tagBits) !== 0) continue;
      const own = words[slot >>> order]!;
      const key = (Math.imul(slot & placeMask, stride) + keyAt) | 0;
      if (own[(key + 1) | 0] !== key1 || own[key] !== key0) continue;
      if (keyWords === 2 || (own[(key + 2) | 0] === key2 && own[(key + 3) | 0] === key3)) return slot;
    }
    return this.#old === undefined ? none : this.#findOld(this.#old, hash, key0, key1, key2, key3);
  }

  /** Adds a slot whose key is not in the index. `count` is the number of slots in it, this one included. */
  add(hash: number, slot: number, count: number): void {
    if (this.#old !== undefined) this.#move(cellsPerStep);
    if (count * 2 > this.cells.length) this.#changeSize(this.cells.length * 2);
    this.#place(hash, slot);
  }

  /** Takes a slot out; its key must still be in the pool. `count` is the number of slots that are left. */
  remove(hash: number, slot: number, count: number): void {
    const at = locate(this.cells, hash, slot, 0);
    if (at !== none) this.#close(at);
    else if (this.#old !== undefined) this.#old[locate(this.#old, hash, slot, this.#moved)] = tombstone;
    if (this.#old !== undefined) this.#move(cellsPerStep);
    else if (count * 8 < this.cells.length && this.cells.length > minCells) this.#changeSize(this.cells.length / 2);
  }

  /**
   * Gives a slot to another key, the search for which ended at the cell `free`. The index must not be moving. Tags are written out: a call
   * of `tagOf` makes an eviction a fifth slower.
   */
  exchange(slot: number, oldHash: number, hash: number, free: number): void {
    const { cells, mask } = this;
    const wanted = (oldHash << 28) | ((oldHash >>> 4) & tagHigh) | taken | slot;
    let at = oldHash & mask;
    while (cells[at] !== wanted) at = (at + 1) & mask;
    // While cells move up, the pool has the old key at this slot: the new one is not among them.
    if (cells[(at + 1) & mask] === 0) cells[at] = 0;
    else at = this.#close(at);
    const home = hash & mask;
    const isOnTheWay = ((at - home) & mask) < ((free - home) & mask);
    cells[isOnTheWay ? at : free] = (hash << 28) | ((hash >>> 4) & tagHigh) | taken | slot;
  }

  /** An entry moved to another slot of the pool. */
  replace(hash: number, from: number, to: number): void {
    const cell = tagOf(hash) | to;
    const at = locate(this.cells, hash, from, 0);
    if (at !== none) this.cells[at] = cell;
    else if (this.#old !== undefined) this.#old[locate(this.#old, hash, from, this.#moved)] = cell;
  }

  #findOld(old: Int32Array, hash: number, key0: number, key1: number, key2: number, key3: number): number {
    const mask = old.length - 1;
    const tag = tagOf(hash);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const cell = old[at]!;
      if (cell === 0) return none;
      const slot = cell ^ tag;
      if (at < this.#moved || (slot & tagBits) !== 0) continue;
      if (this.#pool.holds(slot, key0, key1, key2, key3)) return slot;
    }
  }

  /** Empties a cell and lets those after it move up, so that no chain of probes breaks; returns the one that is empty then. */
  #close(at: number): number {
    const { cells, mask } = this;
    const start = this.#startOf(at);
    let hole = at;
    for (let next = (at + 1) & mask; ; next = (next + 1) & mask) {
      const cell = cells[next]!;
      if (cell === 0) break;
      // No cell of a run is farther from its home than from the start of the run.
      const isNear = ((next - start) & mask) < tagHomes;
      const distance = isNear ? (next - (cell >>> 28)) & (tagHomes - 1) : this.#distanceOf(next);
      // Without a branch, which would be taken as often as not: what is written into the hole of a cell that stays is written over.
      cells[hole] = cell;
      const moves = ~((distance - ((next - hole) & mask)) >> 31);
      hole ^= (hole ^ next) & moves;
    }
    cells[hole] = 0;
    return hole;
  }

  /** The start of the run of a cell or, where that lies within the four cells before it, one of these. */
  #startOf(at: number): number {
    const { cells, mask } = this;
    const one = cells[(at - 1) & mask]!;
    const two = cells[(at - 2) & mask]!;
    const three = cells[(at - 3) & mask]!;
    const four = cells[(at - 4) & mask]!;
    // Negative if one of them is empty. That nearly always one is can be foretold, but not which.
    if ((((one - 1) & ~one) | ((two - 1) & ~two) | ((three - 1) & ~three) | ((four - 1) & ~four)) < 0) {
      return (at - 3) & mask;
    }
    let start = (at - 4) & mask;
    while (cells[(start - 1) & mask] !== 0) start = (start - 1) & mask;
    return start;
  }

  /** Distance of a cell from the place that its key would have alone. */
  #distanceOf(at: number): number {
    const home = this.#pool.hashAt(this.cells[at]! & slotBits);
    return (at - home) & (this.cells.length - 1);
  }

  #place(hash: number, slot: number): void {
    const { cells, mask } = this;
    let at = hash & mask;
    while (cells[at] !== 0) at = (at + 1) & mask;
    cells[at] = tagOf(hash) | slot;
  }

  #changeSize(cellCount: number): void {
    if (this.#old !== undefined) this.#move(this.#old.length);
    this.#old = this.cells;
    this.#moved = 0;
    this.cells = new Int32Array(cellCount);
    this.mask = cellCount - 1;
    this.#account.indexBytes += this.cells.byteLength;
    this.#move(cellsPerStep);
  }

  #move(steps: number): void {
    const old = this.#old!;
    const end = Math.min(old.length, this.#moved + steps);
    while (this.#moved < end) {
      const cell = old[this.#moved++]!;
      if ((cell & taken) !== 0) this.#place(this.#pool.hashAt(cell & slotBits), cell & slotBits);
    }
    if (end !== old.length) return;
    this.#old = undefined;
    this.#account.indexBytes -= old.byteLength;
  }
}

function cellsFor(count: number): number {
  return Math.max(minCells, 2 << (32 - Math.clz32(count)));
}

/** The lowest 4 bits of the hash and the highest 3, in the upper 7 bits of a cell, and the bit that says that it is taken. */
export function tagOf(hash: number): number {
  return (hash << 28) | ((hash >>> 4) & tagHigh) | taken;
}

/** The cell of a slot, not before `from`; `noSlot` when the probing ends without it. */
function locate(cells: Int32Array, hash: number, slot: number, from: number): number {
  const mask = cells.length - 1;
  const wanted = tagOf(hash) | slot;
  for (let at = hash & mask; cells[at] !== 0; at = (at + 1) & mask) {
    if (cells[at] === wanted && at >= from) return at;
  }
  return none;
}
