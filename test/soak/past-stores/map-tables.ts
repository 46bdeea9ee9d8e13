import type { FileId } from '../../../src/model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../../../src/model/frame-symbol.ts';
import { GoLru } from './go-lru.ts';
import type { PastTables } from './past-store.ts';
import { addressOf, fileLevelBytes, keyOf, maxFiles, pastLifetimeMs, sourceInfoBytes } from './past-store.ts';

/**
 * A map of frames for each file ID, files in an LRU of one hour. Since 2024-10-30 (#215) nothing refreshed a file, so that
 * it died an hour after its first frame, however much it was in use (#248). Since 2024-12-04 (#260) every question and
 * every report refreshes the file; its map never loses a frame.
 */
export class MapTables implements PastTables {
  readonly #files = new GoLru<string, Map<number, FrameSymbol>>(maxFiles, pastLifetimeMs);
  readonly #refreshes: boolean;

  constructor(refreshes: boolean) {
    this.#refreshes = refreshes;
  }

  get frameCount(): number {
    return this.#files.values().reduce((sum, { size }) => sum + size, 0);
  }

  get bytes(): number {
    return this.#files.values().reduce((sum, { size }) => sum + mapBytes(size), fileLevelBytes);
  }

  add(fileId: FileId, address: number, symbol: FrameSymbol, nowMs: number): void {
    const key = keyOf(fileId);
    const frames = this.#files.get(key, nowMs);
    if (frames === undefined) this.#files.add(key, new Map([[address, symbol]]), nowMs);
    else frames.set(address, symbol);
  }

  open(fileId: FileId, nowMs: number): SymbolLookup | undefined {
    const key = keyOf(fileId);
    const frames = this.#refreshes ? this.#files.getAndRefresh(key, nowMs) : this.#files.get(key, nowMs);
    return frames && { find: (high, low) => frames.get(addressOf(high, low)) };
  }

  purgeExpired(nowMs: number): void {
    this.#files.purgeExpired(nowMs);
  }
}

/** A Go map: a header, and slots of key, value and one byte of hash, in powers of two at a load of at most 7/8. */
function mapBytes(count: number): number {
  let slots = 8;
  while (count > slots * (7 / 8)) slots *= 2;
  return 48 + slots * (8 + sourceInfoBytes + 1);
}
