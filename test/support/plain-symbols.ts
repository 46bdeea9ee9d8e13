import type { Executable } from '../../src/model/executable.ts';
import { formatFileId } from '../../src/model/file-id.ts';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import type { FrameSymbol, SymbolLookup } from '../../src/model/frame-symbol.ts';
import type { ProcessIdentity } from '../../src/model/process.ts';
import type { SymbolSession, SymbolSource } from '../../src/reporter/symbol-source.ts';
import type { Steps } from '../../src/support/steps.ts';
import { namelessSession } from './nameless-session.ts';
import { oneStep } from './one-step.ts';

/** The obvious symbol source: maps without bounds, which a test can make forget. Records the order of its calls. */
export class PlainSymbols implements SymbolSource {
  readonly calls: string[] = [];
  readonly #symbols = new Map<string, FrameSymbol>();
  readonly #executables = new Map<string, Executable>();
  #stubs: FrameBatch['stubs'] = [];

  #learn(batch: FrameBatch): void {
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

  at(): SymbolSession {
    return {
      ...namelessSession,
      learnInSteps: (batch) => oneStep(() => this.#learn(batch)),
      openFile: (fileId) => ({ find: (high, low) => this.#symbols.get(`${formatFileId(fileId)} ${high} ${low}`) }),
      openProcess: (_instanceId, process) => this.#openProcess(process),
      executable: (fileId) => this.#executables.get(formatFileId(fileId)),
      resubmitStubs: () => this.#resubmit(),
      purge: () => this.#call('purge', undefined),
    };
  }

  *#resubmit(): Steps<number> {
    for (const _ of this.#stubs) yield;
    return this.#call('resubmitStubs', this.#stubs.length);
  }

  #openProcess(process: ProcessIdentity): SymbolLookup {
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

  #call<T>(name: string, result: T): T {
    this.calls.push(name);
    return result;
  }
}
