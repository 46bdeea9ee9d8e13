import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { StubOwner, StubSpaces } from './stub-owner.ts';
import type { StubRange } from './stub-range.ts';
import { flipped } from './stub-range.ts';
import { StubRegistry } from './stub-registry.ts';
import { SymbolFiles } from './symbol-files.ts';
import type { SymbolStoreConfig } from './symbol-store-config.ts';

/** What a store knows; one that was read from a snapshot takes the place of an empty one as a whole. */
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

/** Empty ones. `seed` hides from senders where keys and stub spaces lie. */
export function createStoreContents(config: SymbolStoreConfig, seed: number): StoreContents {
  const { maxEntries, maxBytes, lifetimeMs } = config;
  const files = new SymbolFiles({ lifetime: lifetimeTicks(lifetimeMs), maxEntries, maxBytes, seed });
  return { files, stubs: new StubRegistry(config.stubs, stubSpacesIn(files), seed) };
}

/** The store's side of the stub registry: each owner's stubs are symbols of a file ID of its own. */
function stubSpacesIn(files: SymbolFiles): StubSpaces {
  const spaceOf = (owner: StubOwner) => {
    if (owner.space === undefined || owner.space.isGone) owner.space = files.ensure(owner.spaceId, true);
    return owner.space;
  };
  const write = (owner: StubOwner, { startHigh, startLow, symbol }: StubRange): void => {
    files.writeStub(spaceOf(owner), flipped(startHigh), flipped(startLow), symbol);
  };
  return {
    open: (owner) => {
      owner.space = files.ensure(owner.spaceId, true);
    },
    write,
    erase: (owner, { startHigh, startLow }) => {
      spaceOf(owner).symbols?.delete(flipped(startHigh), flipped(startLow));
    },
    drop: (owner) => {
      files.drop(owner.spaceId);
    },
    read: (owner, range): FrameSymbol => {
      const { symbols } = spaceOf(owner);
      const symbol = symbols?.get(flipped(range.startHigh), flipped(range.startLow));
      if (symbol !== undefined) return symbol;
      write(owner, range);
      files.enforceBudget();
      return range.symbol;
    },
  };
}
