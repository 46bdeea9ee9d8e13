import type { FileId } from '../model/file-id.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { Random } from '../support/clock.ts';
import { Namers } from './namers.ts';
import { NeededNames } from './needed-names.ts';
import { StoreRestore } from './snapshot/store-restore.ts';
import { StoreWalk } from './snapshot/store-walk.ts';
import type { StoreContents } from './store-contents.ts';
import { createStoreContents, tickAt } from './store-contents.ts';
import { StoreSession } from './store-session.ts';
import type { StubRegistry } from './stub-registry.ts';
import type { SymbolFiles } from './symbol-files.ts';
import type { SymbolStoreConfig } from './symbol-store-config.ts';
import type { SymbolStoreStats } from './symbol-store-stats.ts';

/**
 * Names and executables of frames, by file ID and process. Symbols are immutable: a holder of a symbol keeps a whole one, whatever
 * the store forgets.
 */
export class SymbolStore {
  readonly #config: SymbolStoreConfig;
  readonly #seed: number;
  #files: SymbolFiles;
  #stubs: StubRegistry;
  /** Frames and executables that were looked up in vain, to be asked for in the replies. */
  readonly neededNames: NeededNames;
  readonly #namers = new Namers();
  #walks = 0;
  /** Counts of contents that were given up. */
  #earlierRemovals = 0;

  /** `random` is asked once, for what hides from senders where keys and stub spaces lie. */
  constructor(config: SymbolStoreConfig, random: Random) {
    this.#config = config;
    this.#seed = Math.floor(random() * 2 ** 32);
    const { files, stubs } = createStoreContents(config, this.#seed);
    this.#files = files;
    this.#stubs = stubs;
    this.neededNames = new NeededNames(config.neededNames, this, this.#seed);
  }

  /** The store at `nowMs`, for one batch, one request or the end of one cycle. Time is monotonic and the same for all callers. */
  at(nowMs: number): StoreSession {
    const { files, stubs } = this.#contents;
    return new StoreSession(
      { files, stubs, neededNames: this.neededNames, namers: this.#namers, lifetimeMs: this.#config.lifetimeMs },
      nowMs,
    );
  }

  get lifetimeMs(): number {
    return this.#config.lifetimeMs;
  }

  /** Entries that left before their lifetime ended, and contents that were given up: while it stays, so does what was just learned. */
  get earlyRemovals(): number {
    const { frameFamily, fileFamily } = this.#files;
    return this.#earlierRemovals + frameFamily.counters.evictions + fileFamily.counters.evictions;
  }

  /** True if a frame of a file ID has a name; marks nothing as used. */
  knowsInFile(fileId: FileId, addressHigh: number, addressLow: number): boolean {
    if (this.#files.peek(fileId)?.symbols?.peek(addressHigh, addressLow) !== undefined) return true;
    return this.#stubs.knowsInFile(fileId, addressHigh, addressLow);
  }

  /** True if an address of a process lies in one of its stubs; marks nothing as used. */
  knowsInProcess(instanceId: string, process: ProcessIdentity, addressHigh: number, addressLow: number): boolean {
    return this.#stubs.knowsInProcess(instanceId, process, addressHigh, addressLow);
  }

  /** True if the executable of a file ID is known; marks nothing as used. */
  knowsExecutable(fileId: FileId): boolean {
    return this.#files.peek(fileId)?.executable !== undefined;
  }

  stats(): SymbolStoreStats {
    const { frameFamily, fileFamily } = this.#files;
    const frames = frameFamily.counters;
    const names = this.neededNames.stats();
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
      nameConflicts: this.#files.conflicts + this.#stubs.conflicts,
      liveStubs: this.#stubs.liveStubs,
      stubOwners: this.#stubs.owners.size,
      stubBytes: this.#stubs.bytes,
      resubmittedStubs: this.#stubs.resubmittedStubs,
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
   * A sink that fills an empty store of the same settings with the entries of a walk; `adopt` makes its contents
   * those of this store. `passedMs` is the time since the walk began.
   */
  restore(nowMs: number, passedMs: number): StoreRestore {
    const { lifetimeMs } = this.#config;
    const contents = createStoreContents(this.#config, this.#seed);
    return new StoreRestore(contents, { nowMs, nowTick: tickAt(nowMs, lifetimeMs), lifetimeMs, passedMs });
  }

  /** Forgets everything, and knows from now on what was restored. */
  adopt({ files, stubs }: StoreContents): void {
    this.#earlierRemovals = this.earlyRemovals + 1;
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
