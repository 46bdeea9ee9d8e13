import type { RemovalReason } from '../lru/lru-family.ts';
import { LruFamily } from '../lru/lru-family.ts';
import { ResizableLru } from '../lru/resizable-lru.ts';
import { noSlot } from '../lru/slot-pool.ts';
import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../model/frame-symbol.ts';
import { FileNamers } from './file-namers.ts';
import { completes, executablesEqual, mergeExecutables, mergeSymbols } from './merge-symbols.ts';
import type { Submitter } from './namers.ts';
import { anonymous, mayReplace, Namers } from './namers.ts';
import { RemovedKeys } from './removed-keys.ts';
import { executableBytes, SymbolPool, symbolBytes } from './symbol-pool.ts';

export interface SymbolFilesLimits {
  /** In the unit of `advance`. */
  readonly lifetime: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly seed: number;
}

/** Measured: a FileEntry. */
const fileEntryBytes = 96;
/** An entry of a Map of numbers, and its part of the growth of the map. */
const otherNamerBytes = 64;
/** Symbols whose namer is told apart from that of their file; beyond, the namer of the file stands for it. */
const maxOtherNamers = 65_536;
const maxCapacity = 2 ** 22;
/** 28 bytes each: enough to tell why for the frames that left in the last cycles. */
const rememberedRemovals = 16_384;
/** Bounds of one purge, files looked at and entries removed: some five milliseconds. */
const filesPerPurge = 8192;
const removalsPerPurge = 16_384;
/** No symbol may have more than this share of the budget, or one could push out all others. */
const largestShare = 1 / 16;

/** Everything that is known of one file ID: the value of the store's first level. */
export class FileEntry extends FileNamers implements SymbolLookup {
  /** The second level; `undefined` until the first symbol. */
  symbols: ResizableLru<FrameSymbol> | undefined;
  executable: Executable | undefined;
  /** Stubs that belong to this file ID, in any process. */
  stubs: SymbolLookup | undefined;
  /** True for the stub space of an owner: its symbols belong to the stub registry. */
  readonly isStubSpace: boolean;
  /** True once the entry has left the store. */
  isGone = false;
  /** Number of the last walk over the store that has visited the file. */
  walk = 0;

  constructor(isStubSpace: boolean, namer: number) {
    super(namer);
    this.isStubSpace = isStubSpace;
  }

  find(addressHigh: number, addressLow: number): FrameSymbol | undefined {
    return this.symbols?.get(addressHigh, addressLow) ?? this.stubs?.find(addressHigh, addressLow);
  }
}

/**
 * The two levels: file ID → frame table → symbol, under one budget of entries and bytes. A use of a symbol is a use of
 * its file. Over the budget the file that was used longest ago shrinks: it gives back free slots, then loses symbols
 * in the order of their last use; when it is empty it leaves, and the next one shrinks.
 */
export class SymbolFiles {
  readonly #limits: SymbolFilesLimits;
  readonly #pool = new SymbolPool();
  readonly #removed = new RemovedKeys(rememberedRemovals);
  readonly fileFamily: LruFamily<FileEntry>;
  readonly frameFamily: LruFamily<FrameSymbol>;
  readonly #files: ResizableLru<FileEntry>;
  #executableBytes = 0;
  #refused = 0;
  #conflicts = 0;
  #otherNamers = 0;
  #sweepPlace = 0;
  /** The file whose symbols are being removed, for the listener. */
  #current: FileEntry | undefined;
  readonly #currentId = new Int32Array(4);

  constructor(limits: SymbolFilesLimits) {
    const { lifetime, seed } = limits;
    const shared = { lifetime, growWithin: lifetime, maxCapacity, seed };
    this.#limits = limits;
    this.fileFamily = new LruFamily({ ...shared, keyWords: 4, initialCapacity: 8 });
    this.frameFamily = new LruFamily({
      ...shared,
      keyWords: 2,
      initialCapacity: 1,
      onRemove: (symbol, reason, slot) => this.#forget(symbol, reason, slot),
    });
    this.#files = new ResizableLru(this.fileFamily);
  }

  /** All files in the order of their last use. */
  get table(): ResizableLru<FileEntry> {
    return this.#files;
  }

  /** Symbols and files. */
  get entries(): number {
    return this.frameFamily.entries + this.fileFamily.entries;
  }

  get bytes(): number {
    const tables = this.frameFamily.bytes + this.fileFamily.bytes + this.fileFamily.entries * fileEntryBytes;
    return tables + this.#pool.bytes + this.#executableBytes + this.#otherNamers * otherNamerBytes;
  }

  get stringCount(): number {
    return this.#pool.stringCount;
  }

  /** Names and executables that were not taken because a live namer had given another one. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** Symbols that were too large to be taken. */
  get refused(): number {
    return this.#refused;
  }

  advance(now: number): void {
    this.fileFamily.advance(now);
    this.frameFamily.advance(now);
  }

  /** The file, which is the newest now. */
  open(id: FileId): FileEntry | undefined {
    return this.#files.get(id.word0, id.word1, id.word2, id.word3);
  }

  /** The file without a trace of the look-up. */
  peek(id: FileId): FileEntry | undefined {
    return this.#files.peek(id.word0, id.word1, id.word2, id.word3);
  }

  /** The file, known or not, which is the newest now. */
  ensure(id: FileId, isStubSpace: boolean, namer: number = anonymous): FileEntry {
    const known = this.open(id);
    if (known !== undefined) return known;
    // A full table would take the place of a file that has expired, which only a purge may do: symbols go first.
    if (this.#files.count === this.#files.capacity) this.#files.resize(this.#files.capacity * 2);
    const created = new FileEntry(isStubSpace, namer);
    const expired = this.#files.set(created, id.word0, id.word1, id.word2, id.word3);
    if (expired === undefined) return created;
    // The symbols of the file have expired too and leave in a later purge: there may be a great many.
    this.#setExecutable(expired, undefined);
    expired.namer = namer;
    this.#otherNamers -= expired.otherNamers?.size ?? 0;
    expired.otherNamers = undefined;
    expired.hasUnnoted = false;
    this.#files.set(expired, id.word0, id.word1, id.word2, id.word3);
    return expired;
  }

  /**
   * Takes a submitted symbol; false when it is too large. Keeps what is known where the new one says nothing, and where
   * another namer gave it who is live.
   */
  learnSymbol(id: FileId, high: number, low: number, symbol: FrameSymbol, submitter: Submitter = nobody): boolean {
    if (symbolBytes(symbol) > this.#limits.maxBytes * largestShare) {
      this.#refused++;
      return false;
    }
    const file = this.#openFor(id, submitter);
    this.#setCurrent(file, id.word0, id.word1, id.word2, id.word3);
    file.symbols ??= new ResizableLru(this.frameFamily);
    const known = file.symbols.peek(high, low);
    const merged = known === undefined ? symbol : mergeSymbols(known, symbol);
    if (merged === known) {
      file.symbols.touch(high, low);
      return true;
    }
    const isOthers = known !== undefined && !file.mayReplaceAt(high, low, submitter);
    if (isOthers && !completes(known, merged)) {
      this.#conflicts++;
      return true;
    }
    if (!isOthers && (submitter.namer !== file.namer || file.otherNamers !== undefined)) {
      this.#otherNamers += file.setNamer(high, low, submitter.namer, this.#otherNamers < maxOtherNamers);
    }
    const replaced = file.symbols.set(this.#pool.retain(merged), high, low);
    if (replaced !== undefined) this.#pool.release(replaced);
    this.enforceBudget();
    return true;
  }

  learnExecutable(id: FileId, executable: Executable, submitter: Submitter = nobody): void {
    const file = this.#openFor(id, submitter);
    const merged = mergeExecutables(file.executable, executable);
    if (file.executable !== undefined && !mayReplace(file.namer, submitter)) {
      if (!executablesEqual(merged, file.executable)) this.#conflicts++;
      return;
    }
    this.#setExecutable(file, merged);
    this.enforceBudget();
  }

  /** The file, known or not. One whose namer is gone, or not told, belongs to who names it now. */
  #openFor(id: FileId, submitter: Submitter): FileEntry {
    const file = this.ensure(id, false, submitter.namer);
    const { namer } = submitter;
    if (namer === anonymous || namer === file.namer || !mayReplace(file.namer, submitter)) return file;
    file.namer = namer;
    file.hasUnnoted = false;
    return file;
  }

  /** Writes a symbol that belongs to the stub registry. */
  writeStub(space: FileEntry, high: number, low: number, symbol: FrameSymbol): void {
    space.symbols ??= new ResizableLru(this.frameFamily);
    // Nothing is remembered of a stub that makes room, so the file ID does not matter.
    this.#current = space;
    space.symbols.set(symbol, high, low);
  }

  /** Takes a stub space out, with all that is in it. */
  drop(id: FileId): void {
    const space = this.#files.delete(id.word0, id.word1, id.word2, id.word3);
    if (space !== undefined) this.#retire(space);
  }

  /** The reason why a frame has no symbol; `undefined` when the store does not remember the frame. */
  removalReason(id: FileId, high: number, low: number): RemovalReason | undefined {
    const { word0, word1, word2, word3 } = id;
    const file = this.peek(id);
    if (file === undefined && this.#files.holdsExpired(word0, word1, word2, word3)) return 'expired';
    if (file?.symbols?.holdsExpired(high, low) === true) return 'expired';
    if (this.#removed.isEmpty) return undefined;
    return this.#removed.reasonOf(Int32Array.of(word0, word1, word2, word3), high, low);
  }

  /** `removalReason` of every address of a file, or `never_submitted`; `undefined` for a file with symbols, or that may have lost some. */
  commonReason({ word0, word1, word2, word3 }: FileId): 'never_submitted' | 'expired' | undefined {
    const file = this.#files.peek(word0, word1, word2, word3);
    if (file === undefined && this.#files.holdsExpired(word0, word1, word2, word3)) return 'expired';
    return file?.symbols === undefined && this.#removed.isEmpty ? 'never_submitted' : undefined;
  }

  /**
   * Takes out what has expired: whole files first, then, in files that are in use, single symbols, some thousand files
   * a call. Nothing expired is ever found, purged or not; this gives its memory back.
   */
  purge(): void {
    let left = removalsPerPurge;
    while (left > 0) {
      const { oldest } = this.#files;
      if (oldest === noSlot || !this.fileFamily.isExpired(oldest)) break;
      const file = this.#openSlot(oldest);
      left -= file.symbols?.purgeExpired(left) ?? 0;
      if (file.symbols !== undefined && file.symbols.count > 0) return;
      this.#files.purgeExpired(1);
      this.#retire(file);
      left--;
    }
    this.#sweep(left);
    this.#files.tend();
  }

  #sweep(removals: number): void {
    let left = removals;
    for (let visited = Math.min(filesPerPurge, this.#files.count); visited > 0 && left > 0; visited--) {
      if (this.#sweepPlace >= this.#files.count) this.#sweepPlace = 0;
      const { symbols } = this.#openSlot(this.#files.slotAt(this.#sweepPlace++));
      if (symbols === undefined) continue;
      left -= symbols.purgeExpired(left);
      symbols.tend();
    }
  }

  /** Lets the coldest go until the budget is met. `learn` calls do it by themselves; after `writeStub`, the caller does. */
  enforceBudget(): void {
    while (!this.#isWithinBudget() && this.#files.count > 0) this.#shrinkColdest();
  }

  #isWithinBudget(): boolean {
    return this.entries <= this.#limits.maxEntries && this.bytes <= this.#limits.maxBytes;
  }

  #shrinkColdest(): void {
    const file = this.#openSlot(this.#files.oldest);
    const { symbols } = file;
    if (symbols?.trim() === true || (symbols?.evictOldest() === true && symbols.count > 0)) return;
    // The last symbol has left just now, and an executable without symbols may stay while there is room.
    if (symbols?.count === 0 && file.executable !== undefined && this.#isWithinBudget()) return;
    this.#files.evictOldest();
    this.#retire(file);
  }

  #retire(file: FileEntry): void {
    file.isGone = true;
    file.symbols?.dispose();
    this.#otherNamers -= file.otherNamers?.size ?? 0;
    file.otherNamers = undefined;
    this.#setExecutable(file, undefined);
  }

  #setExecutable(file: FileEntry, executable: Executable | undefined): void {
    this.#executableBytes += executableBytes(executable) - executableBytes(file.executable);
    file.executable = executable;
  }

  #openSlot(slot: number): FileEntry {
    const { pool } = this.fileFamily;
    const file = pool.value(slot)!;
    this.#setCurrent(file, pool.keyWord(slot, 0), pool.keyWord(slot, 1), pool.keyWord(slot, 2), pool.keyWord(slot, 3));
    return file;
  }

  #setCurrent(file: FileEntry, word0: number, word1: number, word2: number, word3: number): void {
    this.#current = file;
    this.#currentId[0] = word0;
    this.#currentId[1] = word1;
    this.#currentId[2] = word2;
    this.#currentId[3] = word3;
  }

  #forget(symbol: FrameSymbol, reason: RemovalReason, slot: number): void {
    if (this.#current!.isStubSpace) return;
    const { pool } = this.frameFamily;
    this.#removed.remember(this.#currentId, pool.keyWord(slot, 0), pool.keyWord(slot, 1), reason);
    this.#pool.release(symbol);
  }
}

const nobody: Submitter = { namer: anonymous, namers: new Namers(), nowMs: 0 };
