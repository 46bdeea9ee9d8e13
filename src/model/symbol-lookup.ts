import type { FrameSymbol } from './frame-symbol.ts';

/** Symbols of one file ID or one process. */
export interface SymbolLookup {
  /** The symbol at an address, or of the range that holds the address; marks the symbol as used. */
  find(addressHigh: number, addressLow: number): FrameSymbol | undefined;
}
