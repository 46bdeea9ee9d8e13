import { notYet } from '../../lru/recency-order.ts';
import { RecencyWalk } from '../../lru/recency-walk.ts';
import { noSlot } from '../../lru/slot-pool.ts';
import type { FileId } from '../../model/file-id.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { StoreContents } from '../store-contents.ts';
import { msPerTick } from '../store-contents.ts';
import type { StubOwner } from '../stub-owner.ts';
import type { StubRange } from '../stub-range.ts';
import { flipped } from '../stub-range.ts';
import type { FileEntry } from '../symbol-files.ts';
import type { StoreSink } from './store-sink.ts';

export interface StoreWalkOptions {
  /** Another for each walk over a store, from 1. */
  readonly number: number;
  readonly nowMs: number;
  /** The number of the coldest entries to leave out. */
  readonly leaveOut: number;
}

/** Key and time of a slot of a pool with values of any type. */
interface SlotWords {
  keyWord(slot: number, index: number): number;
  timeAt(slot: number): number;
}

/**
 * Tells all that a store knows and a restart should not lose: files and symbols in the order of their last use, then
 * the stubs of every live process. In steps, between which the store goes on: an entry that changes in the meantime is
 * told as it was or as it is, and a file that was told is not told again.
 */
export class StoreWalk {
  readonly #contents: StoreContents;
  readonly #options: StoreWalkOptions;
  readonly #files: RecencyWalk<FileEntry>;
  /** When the walk began, in the unit of the store. */
  readonly #startTick: number;
  readonly #entriesAtStart: number;
  #leaveOut: number;
  #frames: RecencyWalk<FrameSymbol> | undefined;
  /** The file at hand, until the sink has it. */
  #pendingFile: { readonly file: FileEntry; readonly fileId: FileId; readonly age: number } | undefined;
  #owners: Iterator<StubOwner> | undefined;
  #ranges: readonly StubRange[] = [];
  #nextRange = 0;
  #visited = 0;

  constructor(contents: StoreContents, options: StoreWalkOptions) {
    const { files } = contents;
    this.#contents = contents;
    this.#options = options;
    this.#leaveOut = options.leaveOut;
    this.#startTick = files.fileFamily.now;
    this.#entriesAtStart = files.entries;
    this.#files = new RecencyWalk(files.table, files.fileFamily);
  }

  /** Looks at about `limit` entries; false once everything was told. */
  step(limit: number, sink: StoreSink): boolean {
    // Entries that are used or new put the end off; the steps grow, so that the walk outruns them.
    let left = limit * (1 + Math.floor(this.#visited / (2 * this.#entriesAtStart + limit)));
    this.#visited += left;
    while (left > 0 && this.#owners === undefined) {
      if (this.#frames !== undefined) this.#tellFrame(sink);
      else if (!this.#openFile(sink)) this.#owners = this.#contents.stubs.owners.values();
      left--;
    }
    while (left > 0) {
      if (this.#nextRange < this.#ranges.length) this.#tellRange(sink);
      else if (!this.#openOwner(sink)) return false;
      left--;
    }
    this.#files.pause();
    this.#frames?.pause();
    return true;
  }

  /** Goes to the next file; false when there is none. */
  #openFile(sink: StoreSink): boolean {
    const { fileFamily, frameFamily } = this.#contents.files;
    const slot = this.#files.next();
    if (slot === noSlot) return false;
    if (slot === notYet) return true;
    const file = fileFamily.pool.value(slot)!;
    if (file.walk === this.#options.number || file.isStubSpace || fileFamily.isExpired(slot)) return true;
    file.walk = this.#options.number;
    if (file.symbols !== undefined) this.#frames = new RecencyWalk(file.symbols, frameFamily);
    this.#pendingFile = { file, fileId: keyAt(slot, fileFamily.pool), age: this.#ageOf(slot, fileFamily.pool) };
    // An executable may be all that is known of a file; a file of which nothing is known is not told.
    if (!this.#leavesOut() && file.executable !== undefined) this.#tellFile(sink);
    return true;
  }

  #tellFrame(sink: StoreSink): void {
    const { frameFamily } = this.#contents.files;
    const slot = this.#frames!.next();
    if (slot === noSlot) {
      this.#frames = undefined;
      return;
    }
    if (slot === notYet || frameFamily.isExpired(slot) || this.#leavesOut()) return;
    this.#tellFile(sink);
    const { pool } = frameFamily;
    const age = this.#ageOf(slot, pool);
    sink.symbol(pool.keyWord(slot, 0) >>> 0, pool.keyWord(slot, 1) >>> 0, age, pool.value(slot)!);
  }

  #tellFile(sink: StoreSink): void {
    if (this.#pendingFile === undefined) return;
    const { file, fileId, age } = this.#pendingFile;
    this.#pendingFile = undefined;
    sink.file({ fileId, age, executable: file.executable, isContinued: false });
  }

  #leavesOut(): boolean {
    if (this.#leaveOut === 0) return false;
    this.#leaveOut--;
    return true;
  }

  /** Goes to the next owner of stubs; false when there is none. */
  #openOwner(sink: StoreSink): boolean {
    const owner = this.#owners!.next().value as StubOwner | undefined;
    if (owner === undefined) return false;
    this.#ranges = [];
    this.#nextRange = 0;
    if (owner.hasExited || owner.ranges.oldest === undefined) return true;
    // All at once: a list that changes between two steps has no place to go on from. 65,536 take some three milliseconds.
    const ranges: StubRange[] = [];
    for (let range: StubRange | undefined = owner.ranges.oldest; range !== undefined; range = range.newer)
      ranges.push(range);
    this.#ranges = ranges;
    sink.owner(owner.key, Math.max(0, Math.floor((this.#options.nowMs - owner.lastSeenMs) / msPerTick)));
    return true;
  }

  #tellRange(sink: StoreSink): void {
    const { startHigh, startLow, lastHigh, lastLow, symbol } = this.#ranges[this.#nextRange++]!;
    const unsigned = (word: number): number => flipped(word) >>> 0;
    sink.stub({
      startHigh: unsigned(startHigh),
      startLow: unsigned(startLow),
      lastHigh: unsigned(lastHigh),
      lastLow: unsigned(lastLow),
      symbol,
    });
  }

  /** Since the beginning of the walk; what was used after it is as old as the walk. */
  #ageOf(slot: number, pool: SlotWords): number {
    return Math.max(0, this.#startTick - pool.timeAt(slot));
  }
}

function keyAt(slot: number, pool: SlotWords): FileId {
  const word = (index: number): number => pool.keyWord(slot, index) >>> 0;
  return { word0: word(0), word1: word(1), word2: word(2), word3: word(3) };
}
