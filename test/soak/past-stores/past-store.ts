import type { FileId } from '../../../src/model/file-id.ts';
import { formatFileId } from '../../../src/model/file-id.ts';
import type { FrameBatch } from '../../../src/model/frame-batch.ts';
import type { FrameSymbol, SymbolLookup } from '../../../src/model/frame-symbol.ts';
import type { SymbolSession, SymbolSource } from '../../../src/reporter/symbol-source.ts';
import { namelessSession } from '../../support/nameless-session.ts';
import { oneStep } from '../../support/one-step.ts';

/** What four versions of the profiler's reporter differ in. */
export interface PastTables {
  /** Frames that have a name. */
  readonly frameCount: number;
  /** What the tables take in Go: slots as allocated; the texts are left out. */
  readonly bytes: number;
  add(fileId: FileId, address: number, symbol: FrameSymbol, nowMs: number): void;
  open(fileId: FileId, nowMs: number): SymbolLookup | undefined;
  purgeExpired(nowMs: number): void;
}

/**
 * A reporter's memory of names as the OpenTelemetry eBPF profiler had it once, written after the public history of
 * https://github.com/open-telemetry/opentelemetry-ebpf-profiler. It knows file IDs alone, no processes, and asks nobody.
 */
export class PastStore implements SymbolSource {
  readonly tables: PastTables;
  #purgedMs = 0;

  constructor(tables: PastTables) {
    this.tables = tables;
  }

  /** What the profiler asked before each trace. */
  frameKnown(fileId: FileId, addressHigh: number, addressLow: number, nowMs: number): boolean {
    return this.tables.open(fileId, nowMs)?.find(addressHigh, addressLow) !== undefined;
  }

  at(nowMs: number): SymbolSession {
    return {
      ...namelessSession,
      learnInSteps: (batch) => oneStep(() => this.learn(batch, nowMs)),
      openFile: (fileId) => this.tables.open(fileId, nowMs),
      purge: () => this.#purge(nowMs),
    };
  }

  learn({ symbols }: FrameBatch, nowMs: number): void {
    for (const { fileId, addressHigh, addressLow, symbol } of symbols) {
      this.tables.add(fileId, addressOf(addressHigh, addressLow), symbol, nowMs);
    }
  }

  #purge(nowMs: number): void {
    if (nowMs - this.#purgedMs < purgeEveryMs) return;
    this.#purgedMs = nowMs;
    this.tables.purgeExpired(nowMs);
  }
}

export const pastLifetimeMs = 3_600_000;
const purgeEveryMs = 300_000;

/** Two numbers of 8 bytes and two texts of 16. */
export const sourceInfoBytes = 48;
/** Beside key and value a slot of go-freelru has six 32-bit links and an expiry, and 4 bytes in the table of buckets. */
export const slotBytes: number = 6 * 4 + 8 + 4;
/** Files in the first of two levels; a slot of it has a file ID and a pointer. */
export const maxFiles = 65_536;
export const fileLevelBytes: number = maxFiles * (16 + 8 + slotBytes);

const keys = new WeakMap<FileId, string>();

export function keyOf(fileId: FileId): string {
  const known = keys.get(fileId);
  if (known !== undefined) return known;
  const key = formatFileId(fileId);
  keys.set(fileId, key);
  return key;
}

/** Exact: no address in a file of the scene exceeds 2^53. */
export function addressOf(high: number, low: number): number {
  return high * 2 ** 32 + low;
}
