import type { FileId } from '../../../src/model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../../../src/model/frame-symbol.ts';
import { GoLru } from './go-lru.ts';
import type { PastTables } from './past-store.ts';
import { addressOf, keyOf, pastLifetimeMs, slotBytes, sourceInfoBytes } from './past-store.ts';

const maxFrames = 131_072;

/** Since 2025-06-16 (#529): one LRU of 131,072 frames for all files. */
export class FlatTables implements PastTables {
  readonly #frames = new GoLru<string, FrameSymbol>(maxFrames, pastLifetimeMs);

  get frameCount(): number {
    return this.#frames.size;
  }

  get bytes(): number {
    return maxFrames * (24 + sourceInfoBytes + slotBytes);
  }

  add(fileId: FileId, address: number, symbol: FrameSymbol, nowMs: number): void {
    this.#frames.add(`${keyOf(fileId)} ${address}`, symbol, nowMs);
  }

  open(fileId: FileId, nowMs: number): SymbolLookup {
    const key = keyOf(fileId);
    return { find: (high, low) => this.#frames.getAndRefresh(`${key} ${addressOf(high, low)}`, nowMs) };
  }

  purgeExpired(nowMs: number): void {
    this.#frames.purgeExpired(nowMs);
  }
}
