/** Name and source of a frame. Immutable: a sample that found a symbol keeps it, whatever the store forgets. */
export interface FrameSymbol {
  readonly functionName: string;
  /** The linker's name where it differs from `functionName`; empty otherwise. */
  readonly systemName: string;
  /** Source file; empty when unknown. */
  readonly filePath: string;
  /** 1-based; 0 when unknown. */
  readonly line: number;
  /** 1-based; 0 when unknown. */
  readonly column: number;
  /** Line on which the function starts, 1-based; 0 when unknown. */
  readonly startLine: number;
  /** Functions inlined at this address, innermost first; this symbol is their outermost caller. */
  readonly inlined: readonly FrameSymbol[];
}

/** Symbols of one file ID or one process. */
export interface SymbolLookup {
  /** The symbol at an address, or of the range that holds the address; marks the symbol as used. */
  find(addressHigh: number, addressLow: number): FrameSymbol | undefined;
}
