import { basename } from 'node:path';
import type { FrameKind } from '../../model/frame-kind.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { RuntimeName } from '../../native/tables/runtime-names.ts';
import type { RecordedExecutable } from './executables.ts';

/** The knowledge of a collector after its work: stacks of frames, with the names that it could give. */
export interface Recording {
  readonly name: string;
  /** One moment on both clocks: that of the samples, and Unix time; the latter is missing in perf's text. */
  readonly anchorNano: bigint;
  readonly anchorUnixNano: bigint | undefined;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  /** In the order of their times. */
  readonly samples: readonly CollectedSample[];
  readonly processes: readonly CollectedProcess[];
  readonly lost: readonly { readonly reason: LossReasonName; readonly count: bigint }[];
  /** Everything that the reader left out or had to guess, by reason, with its number. */
  readonly remarks: ReadonlyMap<string, number>;
}

/** The part of a recording that a text without a clock, of a file with this name, decides by its samples. */
export function ofTextFile(
  file: string,
  samples: readonly CollectedSample[],
): Pick<Recording, 'name' | 'anchorNano' | 'anchorUnixNano' | 'resourceAttributes' | 'samples'> {
  return {
    name: basename(file),
    anchorNano: samples[0]!.timeNano,
    anchorUnixNano: undefined,
    resourceAttributes: { 'host.name': basename(file), 'os.type': 'linux' },
    samples,
  };
}

/** Counts remarks on a recording by their reason. */
export class Remarks {
  readonly counts: Map<string, number> = new Map();

  add(reason: string, count = 1): void {
    if (count > 0) this.counts.set(reason, (this.counts.get(reason) ?? 0) + count);
  }
}

/** The quantity that a sample counts. Samples of a type share the object. */
export interface CollectedType {
  readonly sampleType: string;
  readonly sampleUnit: string;
  /** Empty for a type without period. */
  readonly periodType: string;
  readonly periodUnit: string;
  readonly period: bigint;
}

/** `periodNano` are nanoseconds between two samples of one CPU; 0 when unknown. */
export function onCpuType(periodNano: bigint): CollectedType {
  return {
    sampleType: 'samples',
    sampleUnit: 'count',
    periodType: 'cpu',
    periodUnit: 'nanoseconds',
    period: periodNano,
  };
}

/** Values of `LostSamples.Reason`. */
export type LossReasonName = 'REASON_BUFFER_FULL' | 'REASON_UNWIND_FAILED';

/** One process from one exec to the next: exec replaces the address space, and all names in it. */
export interface CollectedProcess {
  readonly pid: number;
  /** 0 when it is the same as `pid`. */
  readonly namespacePid: number;
  readonly firstSeenNano: bigint;
  /** When an exec or an exit ended it; `undefined` when it lived to the end of the recording. */
  readonly endNano: bigint | undefined;
  readonly comm: string;
  readonly executablePath: string;
}

export interface CollectedSample {
  readonly timeNano: bigint;
  readonly process: CollectedProcess;
  readonly threadId: number;
  readonly threadName: string;
  /** -1 when unknown. */
  readonly cpu: number;
  /** Leaf first. Equal frames of a recording are the same object. */
  readonly frames: readonly CollectedFrame[];
  readonly truncated: boolean;
  readonly type: CollectedType;
  /** In the unit of the type; `undefined` where each sample counts 1. */
  readonly value: bigint | undefined;
}

export interface CollectedFrame {
  /** 32 hexadecimal digits, or the process whose code it is. */
  readonly owner: string | CollectedProcess;
  readonly address: bigint;
  readonly kind: FrameKind;
  readonly mapping: CollectedMapping | undefined;
  readonly name: FrameName | undefined;
}

/** In the file's own virtual addresses. */
export interface CollectedMapping {
  readonly executable: RecordedExecutable;
  readonly start: bigint;
  readonly end: bigint;
  readonly fileOffset: bigint;
}

/** A frame's name: of this one address, or of a range around it. */
export type FrameName = { readonly kind: 'symbol'; readonly symbol: FrameSymbol } | CollectedStub;

/** Frames in the same range share the object. */
export interface CollectedStub extends RuntimeName {
  readonly kind: 'stub';
  readonly start: bigint;
  readonly length: bigint;
}
