import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameBatch } from '../model/frame-batch.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';

/** What tells a process from all others of one collector. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTimeNano: bigint;
}

/** The symbol store as the reporter sees it. Time is passed in once a batch or a cycle, never read. */
export interface SymbolSource {
  /** Takes everything that a batch says about names: symbols, stubs, executables, process exits. */
  learn(batch: FrameBatch, nowMs: number): void;
  /** Symbols of a file ID; marks the file as used. `undefined` when nothing is known of it. */
  openFile(fileId: FileId, nowMs: number): SymbolTable | undefined;
  /** Named ranges of one process of one collector; marks them as used. `undefined` when there are none. */
  openProcess(instanceId: string, process: ProcessIdentity, nowMs: number): SymbolTable | undefined;
  /** Marks the file as used. */
  executable(fileId: FileId, nowMs: number): Executable | undefined;
  /** Why a frame of a file ID has no name. */
  reasonUnknown(fileId: FileId, addressHigh: number, addressLow: number): UnknownReason;
  /** Writes every live stub into the store again; returns how many. Called at the start of each reporting cycle's end. */
  resubmitStubs(nowMs: number): number;
  /** Drops what is past its lifetime, and processes that exited before this cycle. Called after the window was reported. */
  purge(nowMs: number): void;
}

export interface SymbolTable {
  /** The symbol at an address, or of the range that holds it; marks it as used. */
  find(addressHigh: number, addressLow: number): FrameSymbol | undefined;
}

export type UnknownReason = 'never_submitted' | 'expired' | 'evicted';
