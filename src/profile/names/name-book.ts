import type { Executable } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { SymbolLookup } from '../../model/symbol-lookup.ts';

/** Where names that pass by are kept, and looked up for those who lack them. */
export interface NameBook {
  learnExecutable(fileId: FileId, executable: Executable): void;
  learnSymbol(fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol): void;
  /** Names of one file; marks the file as used. `undefined` when nothing is known of it. */
  openFile(fileId: FileId): SymbolLookup | undefined;
}
