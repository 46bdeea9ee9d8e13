import assert from 'node:assert/strict';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { FileId } from '../../src/model/file-id.ts';
import type { SubmittedStub, SubmittedSymbol } from '../../src/model/frame-batch.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { Process } from '../../src/model/process.ts';
import type { SymbolSource } from '../../src/reporter/symbol-source.ts';
import { atOnce } from '../../src/support/steps.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import type { SymbolStoreConfig } from '../../src/symbols/symbol-store-config.ts';
import { symbolStoreType } from '../../src/symbols/symbol-store-config.ts';
import type { BatchSketch } from '../support/batch.ts';
import { batchOf, symbolOf } from '../support/batch.ts';

export const lifetimeMs = 3_600_000;
export const cycleMs = 5000;
export const instanceA: string = 'a'.repeat(32);
export const instanceB: string = 'b'.repeat(32);

export function configOf(yaml: Record<string, unknown> = {}): SymbolStoreConfig {
  const problems: ConfigProblem[] = [];
  const config = symbolStoreType.table.read(new ConfigSection('processors.symbol_store', yaml, problems));
  if (problems.length > 0) throw new Error(problems.map(({ path, problem }) => `${path} ${problem}`).join('\n'));
  return config;
}

/** A store, and the calls that a receiver and a reporter would make, in few words. */
export class StoreHarness {
  readonly store: SymbolStore;
  /** What the reporter calls; does not compile when the store is no source of symbols for it. */
  readonly source: SymbolSource;
  nowMs = 0;

  constructor(yaml: Record<string, unknown> = {}) {
    this.store = new SymbolStore(configOf(yaml), () => 0.3);
    this.source = this.store;
  }

  learn(sketch: BatchSketch, instanceId: string = instanceA): void {
    this.store.at(this.nowMs).learn(batchOf({ ...sketch, collector: { instanceId } }));
  }

  learnName(fileId: FileId, address: bigint, name: string, fields: Partial<FrameSymbol> = {}): void {
    this.learn({ symbols: [submitted(fileId, address, symbolOf(name, fields))] });
  }

  find(fileId: FileId, address: bigint): FrameSymbol | undefined {
    return this.store
      .at(this.nowMs)
      .openFile(fileId)
      ?.find(...wordsOf(address));
  }

  name(fileId: FileId, address: bigint): string | undefined {
    return this.find(fileId, address)?.functionName;
  }

  nameIn(process: Process, address: bigint, instanceId: string = instanceA): string | undefined {
    return this.store
      .at(this.nowMs)
      .openProcess(instanceId, process)
      ?.find(...wordsOf(address))?.functionName;
  }

  /** @throws AssertionError where the reason for every address of the file is another one */
  reason(fileId: FileId, address: bigint): string {
    const session = this.store.at(this.nowMs);
    const reason = session.reasonUnknown(fileId, ...wordsOf(address));
    assert.equal(session.commonReason(fileId) ?? reason, reason);
    return reason;
  }

  /** The end of a reporting cycle; returns how many stubs were written again. */
  cycle(): number {
    const count = atOnce(this.store.at(this.nowMs).resubmitStubs());
    this.store.at(this.nowMs).purge();
    this.nowMs += cycleMs;
    return count;
  }
}

export function wordsOf(address: bigint): [number, number] {
  return [Number(address >> 32n), Number(address & 0xffff_ffffn)];
}

export function submitted(fileId: FileId, address: bigint, symbol: FrameSymbol): SubmittedSymbol {
  const [addressHigh, addressLow] = wordsOf(address);
  return { fileId, addressHigh, addressLow, symbol };
}

export function stubOf(
  owner: SubmittedStub['owner'],
  start: bigint,
  length: bigint,
  name: string,
  fields: Partial<FrameSymbol> = {},
): SubmittedStub {
  return { owner, start, length, symbol: symbolOf(name, fields), kind: 'stub', tier: '' };
}
