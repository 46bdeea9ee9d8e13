import type { Executable } from '../../src/model/executable.ts';
import type { FileId } from '../../src/model/file-id.ts';
import { formatFileId } from '../../src/model/file-id.ts';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { Process } from '../../src/model/process.ts';
import type { SymbolSource, SymbolTable, UnknownReason } from '../../src/reporter/symbol-source.ts';

/** The obvious symbol source: maps without bounds, which a test can make forget. Records the order of its calls. */
export class PlainSymbols implements SymbolSource {
  readonly calls: string[] = [];
  readonly #symbols = new Map<string, FrameSymbol>();
  readonly #executables = new Map<string, Executable>();
  #stubs: FrameBatch['stubs'] = [];

  learn(batch: FrameBatch): void {
    this.calls.push('learn');
    for (const { fileId, addressHigh, addressLow, symbol } of batch.symbols) {
      this.#symbols.set(`${formatFileId(fileId)} ${addressHigh} ${addressLow}`, symbol);
    }
    for (const { fileId, executable } of batch.executables) this.#executables.set(formatFileId(fileId), executable);
    this.#stubs = [...this.#stubs, ...batch.stubs];
  }

  forgetAll(): void {
    this.#symbols.clear();
    this.#executables.clear();
    this.#stubs = [];
  }

  openFile(fileId: FileId): SymbolTable {
    return { find: (high, low) => this.#symbols.get(`${formatFileId(fileId)} ${high} ${low}`) };
  }

  openProcess(_instanceId: string, process: Process): SymbolTable {
    return {
      find: (high, low) => {
        const address = (BigInt(high) << 32n) | BigInt(low);
        return this.#stubs.find(
          ({ owner, start, length }) =>
            'process' in owner && owner.process.pid === process.pid && address >= start && address < start + length,
        )?.symbol;
      },
    };
  }

  executable(fileId: FileId): Executable | undefined {
    return this.#executables.get(formatFileId(fileId));
  }

  reasonUnknown(): UnknownReason {
    return 'never_submitted';
  }

  resubmitStubs(): number {
    this.calls.push('resubmitStubs');
    return this.#stubs.length;
  }

  purge(): void {
    this.calls.push('purge');
  }
}
