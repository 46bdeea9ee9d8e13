import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameBatch } from '../model/frame-batch.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { Process } from '../model/process.ts';
import type { Random } from '../support/clock.ts';
import type { SymbolTable } from './file-entry.ts';
import { NeededNames } from './needed-names.ts';
import { StoreRestore } from './snapshot/store-restore.ts';
import { StoreWalk } from './snapshot/store-walk.ts';
import type { StoreContents } from './store-contents.ts';
import { createStoreContents, tickAt } from './store-contents.ts';
import type { ProcessIdentity } from './stub-owner.ts';
import type { StubRegistry } from './stub-registry.ts';
import type { SymbolFiles } from './symbol-files.ts';
import type { SymbolStoreConfig } from './symbol-store-config.ts';
import type { SymbolStoreFigures } from './symbol-store-figures.ts';

/**
 * Everything known about file IDs and processes: what a frame is called, and of which executable it is. Symbols that it
 * hands out are immutable and stay whole for whoever holds them, whatever the store forgets.
 * Time is passed in once a call; it is monotonic and the same for all callers.
 */
export class SymbolStore {
  readonly #config: SymbolStoreConfig;
  readonly #seed: number;
  #files: SymbolFiles;
  #stubs: StubRegistry;
  /** Frames and executables that were looked up in vain, to be asked for in the replies. */
  readonly neededNames: NeededNames;
  #resubmittedStubs = 0;
  #walks = 0;

  /** `random` is asked once, for what hides from senders where keys and stub spaces lie. */
  constructor(config: SymbolStoreConfig, random: Random) {
    this.#config = config;
    this.#seed = Math.floor(random() * 2 ** 32);
    const { files, stubs } = createStoreContents(config, this.#seed);
    this.#files = files;
    this.#stubs = stubs;
    this.neededNames = new NeededNames(config.neededNames, this, this.#seed);
  }

  /** Takes everything that a batch says about names. Bounds that bite are counted, and are no errors. */
  learn(batch: FrameBatch, nowMs: number): void {
    this.#advance(nowMs);
    const { instanceId } = batch.collector;
    for (const { fileId, executable } of batch.executables) this.#files.learnExecutable(fileId, executable);
    for (const { fileId, addressHigh, addressLow, symbol } of batch.symbols) {
      this.#files.learnSymbol(fileId, addressHigh, addressLow, symbol);
    }
    for (const stub of batch.stubs) {
      this.#stubs.learn(instanceId, stub, nowMs);
      this.#files.enforceBudget();
    }
    this.#stubs.hear(instanceId, batch.processes, nowMs);
    for (const process of batch.processExits) this.#stubs.exit(instanceId, process);
  }

  /** Takes one name that came otherwise than in a batch. */
  learnSymbol(fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol, nowMs: number): void {
    this.#advance(nowMs);
    this.#files.learnSymbol(fileId, addressHigh, addressLow, symbol);
  }

  /** Takes what came otherwise than in a batch of a file ID as a file. */
  learnExecutable(fileId: FileId, executable: Executable, nowMs: number): void {
    this.#advance(nowMs);
    this.#files.learnExecutable(fileId, executable);
  }

  /** Symbols of a file ID, for the time of one batch; marks the file as used. `undefined` when nothing is known of it. */
  openFile(fileId: FileId, nowMs: number): SymbolTable | undefined {
    this.#advance(nowMs);
    const stubs = this.#stubs.openFile(fileId, nowMs);
    const file = stubs === undefined ? this.#files.open(fileId) : this.#files.ensure(fileId, false);
    if (file !== undefined) file.stubs = stubs;
    // Made new, the file may be one too many.
    if (stubs !== undefined) this.#files.enforceBudget();
    return file;
  }

  /** Stubs of one process of one collector, for the time of one batch; `undefined` when it has none. */
  openProcess(instanceId: string, process: Process, nowMs: number): SymbolTable | undefined {
    this.#advance(nowMs);
    return this.#stubs.openProcess(instanceId, process, nowMs);
  }

  /** What is known of a file ID as a file; marks it as used. */
  executable(fileId: FileId, nowMs: number): Executable | undefined {
    this.#advance(nowMs);
    return this.#files.open(fileId)?.executable;
  }

  /** Whether a frame of a file ID has a name; leaves no trace of the question. */
  knowsInFile(fileId: FileId, addressHigh: number, addressLow: number): boolean {
    if (this.#files.peek(fileId)?.symbols?.peek(addressHigh, addressLow) !== undefined) return true;
    return this.#stubs.knowsInFile(fileId, addressHigh, addressLow);
  }

  /** Whether an address of a process lies in one of its stubs; leaves no trace of the question. */
  knowsInProcess(instanceId: string, process: ProcessIdentity, addressHigh: number, addressLow: number): boolean {
    return this.#stubs.knowsInProcess(instanceId, process, addressHigh, addressLow);
  }

  /** Whether anything is known of a file ID as a file; leaves no trace of the question. */
  knowsExecutable(fileId: FileId): boolean {
    return this.#files.peek(fileId)?.executable !== undefined;
  }

  /** Why a frame of a file ID has no name, as far as it is remembered. */
  reasonUnknown(fileId: FileId, addressHigh: number, addressLow: number): 'never_submitted' | 'expired' | 'evicted' {
    return this.#files.removalReason(fileId, addressHigh, addressLow) ?? 'never_submitted';
  }

  /**
   * Writes about `limit` stubs ahead of the cycle's end, so that `resubmitStubs` finds little left to do. Worth calling
   * between batches where there are tens of thousands; never needed. Returns whether any are left.
   */
  resubmitSome(limit: number, nowMs: number): boolean {
    this.#advance(nowMs);
    const isMore = this.#stubs.resubmitSome(limit);
    this.#files.enforceBudget();
    return isMore;
  }

  /** Writes every live stub that was not written in this cycle, and ends the cycle. Returns how many are live. */
  resubmitStubs(nowMs: number): number {
    this.#advance(nowMs);
    const count = this.#stubs.resubmit();
    this.#files.enforceBudget();
    this.#resubmittedStubs += count;
    return count;
  }

  /** Drops what is past its lifetime, at bounded cost, and the processes that exited before the last resubmission. */
  purge(nowMs: number): void {
    this.#advance(nowMs);
    this.#stubs.purge(nowMs - this.#config.lifetimeMs);
    this.#files.purge();
    this.neededNames.purge(nowMs - this.#config.lifetimeMs, nowMs);
  }

  figures(): SymbolStoreFigures {
    const { frameFamily, fileFamily } = this.#files;
    const frames = frameFamily.counters;
    const names = this.neededNames.figures();
    return {
      entries: this.#files.entries,
      symbols: frameFamily.entries,
      files: fileFamily.entries,
      strings: this.#files.stringCount,
      bytes: this.#files.bytes,
      maxBytes: this.#config.maxBytes,
      hits: frames.hits,
      misses: frames.misses,
      fileHits: fileFamily.counters.hits,
      fileMisses: fileFamily.counters.misses,
      inserts: frames.inserts,
      updates: frames.updates,
      evictions: frames.evictions,
      fileEvictions: fileFamily.counters.evictions,
      expirations: frames.expirations,
      fileExpirations: fileFamily.counters.expirations,
      grows: frames.grows + fileFamily.counters.grows,
      shrinks: frames.shrinks + fileFamily.counters.shrinks,
      refusedSymbols: this.#files.refused,
      liveStubs: this.#stubs.liveStubs,
      stubOwners: this.#stubs.owners.size,
      stubBytes: this.#stubs.bytes,
      resubmittedStubs: this.#resubmittedStubs,
      boundedOutStubs: this.#stubs.boundedOut,
      pendingNames: names.pending,
      askedNames: names.asked,
      pendingExecutables: names.pendingExecutables,
      askedExecutables: names.askedExecutables,
      boundedOutNames: names.boundedOut,
    };
  }

  /**
   * A walk over everything that a restart should not lose, without the `leaveOut` coldest entries. The store may be
   * used between its steps, but for other walks.
   */
  walk(nowMs: number, leaveOut = 0): StoreWalk {
    this.#advance(nowMs);
    this.#walks++;
    return new StoreWalk(this.#contents, { number: this.#walks, nowMs, leaveOut });
  }

  /**
   * What a walk told, told again, fills an empty store of the same settings; `adopt` makes it this one. `passedMs` ago
   * the walk began.
   */
  restore(nowMs: number, passedMs: number): StoreRestore {
    const { lifetimeMs } = this.#config;
    const contents = createStoreContents(this.#config, this.#seed);
    return new StoreRestore(contents, { nowMs, nowTick: tickAt(nowMs, lifetimeMs), lifetimeMs, passedMs });
  }

  /** Forgets everything, and knows from now on what was restored. */
  adopt({ files, stubs }: StoreContents): void {
    this.#files = files;
    this.#stubs = stubs;
  }

  get #contents(): StoreContents {
    return { files: this.#files, stubs: this.#stubs };
  }

  #advance(nowMs: number): void {
    this.#files.advance(tickAt(nowMs, this.#config.lifetimeMs));
  }
}
