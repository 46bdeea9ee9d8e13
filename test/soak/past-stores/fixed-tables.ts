import type { FileId } from '../../../src/model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../../../src/model/frame-symbol.ts';
import { GoLru } from './go-lru.ts';
import type { PastTables } from './past-store.ts';
import {
  addressOf,
  fileLevelBytes,
  keyOf,
  maxFiles,
  pastLifetimeMs,
  slotBytes,
  sourceInfoBytes,
} from './past-store.ts';

const framesPerFile = 1024;
const frameTableBytes = framesPerFile * (8 + sourceInfoBytes + slotBytes);

/** Since 2025-04-29 (#451): an LRU of 1,024 frames for each file ID, all its slots allocated with the first frame. */
export class FixedTables implements PastTables {
  readonly #files = new GoLru<string, GoLru<number, FrameSymbol>>(maxFiles, pastLifetimeMs);

  get frameCount(): number {
    return this.#files.values().reduce((sum, { size }) => sum + size, 0);
  }

  get bytes(): number {
    return fileLevelBytes + this.#files.size * frameTableBytes;
  }

  add(fileId: FileId, address: number, symbol: FrameSymbol, nowMs: number): void {
    const key = keyOf(fileId);
    let frames = this.#files.get(key, nowMs);
    if (frames === undefined) {
      frames = new GoLru(framesPerFile, pastLifetimeMs);
      this.#files.add(key, frames, nowMs);
    }
    frames.add(address, symbol, nowMs);
  }

  open(fileId: FileId, nowMs: number): SymbolLookup | undefined {
    const frames = this.#files.getAndRefresh(keyOf(fileId), nowMs);
    return frames && { find: (high, low) => frames.getAndRefresh(addressOf(high, low), nowMs) };
  }

  /** Files alone: what expired within a file that lives, stayed. */
  purgeExpired(nowMs: number): void {
    this.#files.purgeExpired(nowMs);
  }
}
