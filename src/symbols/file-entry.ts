import type { ResizableLru } from '../lru/resizable-lru.ts';
import type { Executable } from '../model/executable.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { SymbolLookup } from '../model/symbol-lookup.ts';

/** Everything that is known of one file ID: the value of the store's first level. */
export class FileEntry implements SymbolLookup {
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

  constructor(isStubSpace: boolean) {
    this.isStubSpace = isStubSpace;
  }

  find(addressHigh: number, addressLow: number): FrameSymbol | undefined {
    return this.symbols?.get(addressHigh, addressLow) ?? this.stubs?.find(addressHigh, addressLow);
  }
}
