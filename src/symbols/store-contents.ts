import type { FileId } from '../model/file-id.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { StubSpace } from './stub-owner.ts';
import type { StubRange } from './stub-range.ts';
import { flipped } from './stub-range.ts';
import { StubRegistry } from './stub-registry.ts';
import type { FileEntry } from './symbol-files.ts';
import { SymbolFiles } from './symbol-files.ts';
import type { SymbolStoreConfig } from './symbol-store-config.ts';

/** Contents of a store; those of a snapshot take the place of the empty ones as a whole. */
export interface StoreContents {
  readonly files: SymbolFiles;
  readonly stubs: StubRegistry;
}

/** Times in the store are tenths of a second: in 31 bits they last for six years. */
export const msPerTick = 100;

/**
 * A moment in the unit of the store. The clock may begin at zero: a lifetime is added, so that what was last used before
 * the start, and is still alive, has a time that is not negative.
 */
export function tickAt(nowMs: number, lifetimeMs: number): number {
  return Math.max(0, Math.floor(nowMs / msPerTick)) + lifetimeTicks(lifetimeMs);
}

export function lifetimeTicks(lifetimeMs: number): number {
  return Math.ceil(lifetimeMs / msPerTick);
}

/** Empty contents. `seed` hides from senders the places of keys and stub spaces. */
export function createStoreContents(config: SymbolStoreConfig, seed: number): StoreContents {
  const { maxEntries, maxBytes, lifetimeMs } = config;
  const files = new SymbolFiles({ lifetime: lifetimeTicks(lifetimeMs), maxEntries, maxBytes, seed });
  return { files, stubs: new StubRegistry(config.stubs, (id) => new SpaceInFiles(files, id), seed) };
}

/** A stub space as a file of the store. */
class SpaceInFiles implements StubSpace {
  readonly #files: SymbolFiles;
  readonly #id: FileId;
  #entry: FileEntry | undefined;

  constructor(files: SymbolFiles, id: FileId) {
    this.#files = files;
    this.#id = id;
  }

  refresh(): void {
    this.#entry = this.#files.ensure(this.#id, true);
  }

  write({ startHigh, startLow, symbol }: StubRange): void {
    this.#files.writeStub(this.#file(), flipped(startHigh), flipped(startLow), symbol);
  }

  erase({ startHigh, startLow }: StubRange): void {
    this.#file().symbols?.delete(flipped(startHigh), flipped(startLow));
  }

  drop(): void {
    this.#files.drop(this.#id);
  }

  read(range: StubRange): FrameSymbol {
    const symbol = this.#file().symbols?.get(flipped(range.startHigh), flipped(range.startLow));
    if (symbol !== undefined) return symbol;
    this.write(range);
    this.#files.enforceBudget();
    return range.symbol;
  }

  #file(): FileEntry {
    if (this.#entry === undefined || this.#entry.isGone) this.#entry = this.#files.ensure(this.#id, true);
    return this.#entry;
  }
}
