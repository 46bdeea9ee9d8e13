import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { ProcessIdentity } from '../../model/process.ts';
import type { WantedFile } from '../files/file-identity.ts';
import type { FileMiss, FileSearch } from '../files/find-file.ts';
import type { DebugInfoLevel } from '../object-file.ts';

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

interface AddressRequest {
  readonly id: number;
  /** Rising addresses. Those of a kernel are negative: 64 bits as a number with a sign are exact there. */
  readonly addresses: Float64Array;
}

/** Addresses of one file. */
export interface FileRequest extends AddressRequest {
  readonly file: WantedFile;
  /** Processes that are known to have the file mapped, the newest first. */
  readonly pids: readonly number[];
}

/** Addresses of the running kernel. */
export interface KernelRequest extends AddressRequest {
  readonly kernel: WantedFile;
  /** Start of the file in memory as the collector knows it; 0 when unknown. */
  readonly textStart: number;
}

/** Addresses in the memory of a process that belong to no file. */
export interface MemoryRequest extends AddressRequest {
  readonly process: ProcessIdentity;
  /** Version of the perf map that the answer is known for: as long as the map has no other one, there is none to give. */
  readonly knownVersion: string;
}

export type SymbolizeRequest = FileRequest | KernelRequest | MemoryRequest;

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
      readonly sources: Readonly<Record<string, number>>;
      readonly stats: WorkerStats;
      /** Build ID of the debug file, or of the file that dwz moved parts of one to, that was not found; empty if none is lacking. */
      readonly lackingDebugFile: string;
      /** Of memory: start and end of the code at each address. */
      readonly ranges?: Float64Array;
      /** Of memory: version of the perf map. */
      readonly version?: string;
    }
  | { readonly kind: 'unchanged'; readonly id: number }
  | { readonly kind: 'missing'; readonly id: number; readonly reason: FileMiss }
  /** The file is damaged or asks for more than it may have: it is not to be tried again. */
  | {
      readonly kind: 'refused';
      readonly id: number;
      readonly reason: 'over_budget' | 'failed';
      readonly problem: string;
    };
