import type { Executable } from './executable.ts';
import type { FileId } from './file-id.ts';
import type { FrameSymbol } from './frame-symbol.ts';
import type { Process } from './process.ts';
import type { ProfileType } from './profile-type.ts';

/**
 * One batch of raw frame samples, decoded and checked: every index is in range, every entry that was at fault is
 * left out. Tables are numbered from 1; entry 0 means "none". Columns are parallel: element `i` of each belongs to
 * entry `i`. A batch is read-only and lives as long as its handling: who keeps something, copies it.
 */
export interface FrameBatch {
  readonly collector: Collector;
  readonly sequence: bigint;
  /** `strings[0]` is empty. */
  readonly strings: readonly string[];
  /** Entry 0 is all zero. */
  readonly fileIds: readonly FileId[];
  /** Entry 0 is `undefined`. */
  readonly mappings: readonly (FileMapping | undefined)[];
  readonly frames: FrameColumns;
  readonly stacks: StackColumns;
  /** Entry 0 is `undefined`. */
  readonly processes: readonly (Process | undefined)[];
  readonly links: readonly (TraceLink | undefined)[];
  readonly labelSets: readonly (ReadonlyMap<string, string> | undefined)[];
  readonly profileTypes: readonly (ProfileType | undefined)[];
  readonly samples: SampleColumns;
  readonly symbols: readonly SubmittedSymbol[];
  readonly stubs: readonly SubmittedStub[];
  readonly executables: readonly SubmittedExecutable[];
  readonly processExits: readonly Process[];
  readonly lostSamples: readonly LostSamples[];
}

export interface Collector {
  /** 32 hexadecimal digits. */
  readonly instanceId: string;
  readonly resourceAttributes: ReadonlyMap<string, string>;
  readonly scopeName: string;
  readonly scopeVersion: string;
}

/** In the file's own virtual addresses, like the frames that refer to it. */
export interface FileMapping {
  readonly fileId: FileId;
  readonly start: bigint;
  readonly end: bigint;
  readonly fileOffset: bigint;
}

export interface TraceLink {
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  /** 8 bytes. */
  readonly spanId: Uint8Array;
}

/** Frames 1..count; element 0 of each column is zero. */
export interface FrameColumns {
  readonly count: number;
  /** Index of `fileIds`; 0 when the frame belongs to a process. */
  readonly fileId: Uint32Array;
  /** Index of `processes`; 0 when the frame belongs to a file ID. */
  readonly process: Uint32Array;
  readonly addressHigh: Uint32Array;
  readonly addressLow: Uint32Array;
  /** `FrameKind`. */
  readonly kind: Uint8Array;
  /** Index of `mappings`. */
  readonly mapping: Uint32Array;
}

/** Stacks 1..count, leaf first: stack `i` is `frames[start[i] .. start[i + 1])`. */
export interface StackColumns {
  readonly count: number;
  /** `count + 2` elements. */
  readonly start: Uint32Array;
  /** Indices of `FrameColumns`. */
  readonly frames: Uint32Array;
  /** 1 when frames on the root side are missing. */
  readonly truncated: Uint8Array;
}

/** Samples 0..count-1: sample `i` happened at moments `momentStart[i] .. momentStart[i + 1])`. */
export interface SampleColumns {
  readonly count: number;
  readonly stack: Uint32Array;
  readonly process: Uint32Array;
  readonly profileType: Uint32Array;
  readonly threadId: Uint32Array;
  /** Index of `strings`. */
  readonly threadName: Uint32Array;
  /** Logical CPU plus one; 0 when unknown. */
  readonly cpuPlusOne: Uint32Array;
  readonly link: Uint32Array;
  readonly labelSet: Uint32Array;
  /** `count + 1` elements. */
  readonly momentStart: Uint32Array;
  readonly timestampsUnixNano: BigUint64Array;
  /** Values of the timestamps, one each; 1 where the collector sent none. Never negative. */
  readonly values: BigInt64Array;
}

/** Positions of the low and the high half of a 64-bit element among the 32-bit words of its array on this machine. */
export const lowWord: 0 | 1 = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;
export const highWord: 0 | 1 = lowWord === 0 ? 1 : 0;

export interface SubmittedSymbol {
  readonly fileId: FileId;
  readonly addressHigh: number;
  readonly addressLow: number;
  readonly symbol: FrameSymbol;
}

export type StubKind = 'stub' | 'interpreter' | 'jit';

/** A named range of runtime code; belongs to a process or to a file ID. */
export interface SubmittedStub {
  readonly owner: { readonly process: Process } | { readonly fileId: FileId };
  readonly start: bigint;
  /** At least 1; `start + length` is at most 2^64. */
  readonly length: bigint;
  readonly symbol: FrameSymbol;
  readonly kind: StubKind;
  /** Compilation tier; empty when there is none. */
  readonly tier: string;
}

export interface SubmittedExecutable {
  readonly fileId: FileId;
  readonly executable: Executable;
}

export type LossReason = 'unspecified' | 'buffer_full' | 'unwind_failed' | 'queue_full' | 'throttled';

export interface LostSamples {
  readonly reason: LossReason;
  readonly count: bigint;
}
