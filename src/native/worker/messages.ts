import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { WantedFile } from '../files/file-identity.ts';
import type { FileMiss, FileSearch } from '../files/find-file.ts';
import type { DebugInfoLevel, NameSource } from '../object-file.ts';

/** Start options of the worker. */
export interface WorkerOptions {
  readonly search: FileSearch;
  readonly debugInfo: DebugInfoLevel;
  readonly demangle: boolean;
  /** Directory of decompressed sections. */
  readonly directory: string;
  /** Of all open files together. */
  readonly maxTableBytes: number;
  /** Of the sections of one file. */
  readonly maxInflatedBytes: number;
  /** A file that nobody asks for is closed after so long. */
  readonly idleMs: number;
}

/** Addresses of one file, rising. */
export interface SymbolizeRequest {
  readonly id: number;
  readonly file: WantedFile;
  /** Processes that are known to have the file mapped, the newest first. */
  readonly pids: readonly number[];
  readonly addresses: Float64Array;
}

/** Resource use of the worker after a request. */
export interface WorkerStats {
  /** Read from files for this request. */
  readonly readBytes: number;
  readonly tableBytes: number;
  readonly inflatedBytes: number;
}

export type SymbolizeReply =
  | {
      readonly kind: 'answered';
      readonly id: number;
      /** In the order of the addresses; `undefined` where the file has no name. A symbol may have a line alone. */
      readonly symbols: readonly (FrameSymbol | undefined)[];
      /** Addresses by the place of their names. */
      readonly sources: Readonly<Partial<Record<NameSource, number>>>;
      readonly stats: WorkerStats;
      /** Build ID of the debug file, or of the file that dwz moved parts of one to, that was not found; empty if none is lacking. */
      readonly lackingDebugFile: string;
    }
  | { readonly kind: 'missing'; readonly id: number; readonly reason: FileMiss }
  /** The file is damaged or asks for more than it may have: it is not to be tried again. */
  | {
      readonly kind: 'refused';
      readonly id: number;
      readonly reason: 'over_budget' | 'failed';
      readonly problem: string;
    };
