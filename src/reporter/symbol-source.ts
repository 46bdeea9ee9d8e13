import type { NeededName } from '../model/batch-outcome.ts';
import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameBatch } from '../model/frame-batch.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import type { SymbolLookup } from '../model/frame-symbol.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { Steps } from '../support/steps.ts';
import type { FileOwner } from './sample-window.ts';

/** The symbol store as the reporter sees it. */
export interface SymbolSource {
  /** The store at a time, for one batch or the end of one cycle. */
  at(nowMs: number): SymbolSession;
}

export interface SymbolSession {
  /** Takes all names of a batch: symbols, stubs, executables, process exits. */
  learnInSteps(batch: FrameBatch): Steps<void>;
  /** Ends a batch whose samples have been named. */
  endBatch(batch: FrameBatch): Steps<void>;
  /** Symbols of a file ID; marks the file as used. `undefined` when the file is unknown. */
  openFile(fileId: FileId): SymbolLookup | undefined;
  /** Named ranges of one process of one collector; marks the process as alive. `undefined` when it has none. */
  openProcess(instanceId: string, process: ProcessIdentity): SymbolLookup | undefined;
  /** Marks the file as used. */
  executable(fileId: FileId): Executable | undefined;
  /** The reason why a frame of a file ID has no name. */
  reasonUnknown(fileId: FileId, addressHigh: number, addressLow: number): UnknownReason;
  /** Notes that a collector's frame has no name; bounded. */
  needName(instanceId: string, owner: FileOwner, addressHigh: number, addressLow: number, kind: FrameKind): void;
  /** Notes that nothing is known of a collector's file ID as an executable; bounded. */
  needExecutable(instanceId: string, fileId: FileId): void;
  /** Frames to ask the collector for in the reply at hand. Each is asked for seldom, not in every reply. */
  takeNeededNames(instanceId: string): readonly NeededName[];
  /** Executables to ask the collector for in the reply at hand. */
  takeNeededExecutables(instanceId: string): readonly FileId[];
  /** Writes every live stub into the store again; returns how many. Begins the end of each reporting cycle. */
  resubmitStubs(): Steps<number>;
  /** Drops what is past its lifetime, and processes that exited before this cycle. Ends the end of each reporting cycle. */
  purge(): void;
}

export type UnknownReason = 'never_submitted' | 'expired' | 'evicted';
