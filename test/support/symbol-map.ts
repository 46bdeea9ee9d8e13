import type { Executable } from '../../src/model/executable.ts';
import type { FileId } from '../../src/model/file-id.ts';
import { formatFileId } from '../../src/model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../../src/model/frame-symbol.ts';
import type { NamingSession } from '../../src/profile/names/location-naming.ts';

/** A symbol session over maps, by `file ID:address` in hexadecimal. */
export class SymbolMap implements NamingSession {
  readonly symbols: Map<string, FrameSymbol> = new Map();
  readonly executables: Map<string, Executable> = new Map();

  learnExecutable(fileId: FileId, executable: Executable): void {
    this.executables.set(formatFileId(fileId), executable);
  }

  learnSymbol(fileId: FileId, high: number, low: number, symbol: FrameSymbol): void {
    this.symbols.set(`${formatFileId(fileId)}:${hex(high, low)}`, symbol);
  }

  reasonUnknown(): string {
    return 'never_submitted';
  }

  openFile(fileId: FileId): SymbolLookup {
    return { find: (high, low) => this.symbols.get(`${formatFileId(fileId)}:${hex(high, low)}`) };
  }
}

function hex(high: number, low: number): string {
  return ((BigInt(high) << 32n) | BigInt(low)).toString(16);
}
