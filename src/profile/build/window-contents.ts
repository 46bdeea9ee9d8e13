import type { Executable } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import type { TraceLink } from '../../model/frame-batch.ts';
import type { FrameKind } from '../../model/frame-kind.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Process } from '../../model/process.ts';
import type { ProfileType } from '../../model/profile-type.ts';
import type { MomentColumns } from '../../otlp/sample-columns.ts';

/**
 * Samples of a reporting cycle, with the names that are known at its end. Entries refer to each other by index,
 * from 0; -1 means "none".
 */
export interface WindowContents {
  readonly resources: readonly WindowResource[];
  readonly profileTypes: readonly ProfileType[];
  readonly files: readonly WindowFile[];
  readonly mappings: readonly WindowMapping[];
  readonly frames: WindowFrames;
  /** Names of the frames, as far as known. */
  readonly symbols: readonly (FrameSymbol | undefined)[];
  readonly stacks: WindowStacks;
  readonly links: readonly TraceLink[];
  readonly threadNames: readonly string[];
  readonly labels: readonly ReadonlyMap<string, string>[];
  readonly samples: WindowSamples;
  readonly events: TraceEvents;
}

/** Half-open range of time, `[start, end)`. */
export interface TimeRange {
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
}

/** Sampled process and its collector: becomes a resource and its scope. */
export interface WindowResource {
  readonly collectorAttributes: ReadonlyMap<string, string>;
  readonly scopeName: string;
  readonly scopeVersion: string;
  readonly process: Process;
}

export interface WindowFile {
  /** `undefined` for the address space of one process. */
  readonly fileId: FileId | undefined;
  readonly executable: Executable | undefined;
}

export interface WindowMapping {
  readonly file: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly fileOffset: bigint;
}

/** Frames 0..count-1. */
export interface WindowFrames {
  readonly count: number;
  file(frame: number): number;
  addressHigh(frame: number): number;
  addressLow(frame: number): number;
  kind(frame: number): FrameKind;
  mapping(frame: number): number;
}

/** Stack `i` is `frameAt(startOf(i)) .. frameAt(startOf(i + 1))`, leaf first. */
export interface WindowStacks {
  readonly count: number;
  startOf(stack: number): number;
  frameAt(position: number): number;
  isTruncated(stack: number): boolean;
}

/** Distinct samples 0..count-1: all of an event but its time and value. */
export interface WindowSamples {
  readonly count: number;
  stack(sample: number): number;
  resource(sample: number): number;
  profileType(sample: number): number;
  link(sample: number): number;
  threadId(sample: number): number;
  /** Index of `threadNames`. */
  threadName(sample: number): number;
  /** -1 when unknown. */
  cpu(sample: number): number;
  labels(sample: number): number;
}

/** Trace events 0..count-1 in the order of arrival, one for each timestamp. */
export interface TraceEvents {
  readonly count: number;
  sample(event: number): number;
  /** Halves of the time, in nanoseconds since the Unix epoch, and of the value. */
  timeLow(event: number): number;
  timeHigh(event: number): number;
  valueLow(event: number): number;
  valueHigh(event: number): number;
  /** Copies events from `first` on, as many as there are and `slice` has room for; returns how many. */
  read(first: number, slice: EventSlice): number;
}

/** Some events as columns, by window sample: where all are looked at, five calls for each would be most of the time. */
export type EventSlice = MomentColumns;

export function createEventSlice(length: number): EventSlice {
  return {
    sample: new Uint32Array(length),
    timeLow: new Uint32Array(length),
    timeHigh: new Uint32Array(length),
    valueLow: new Uint32Array(length),
    valueHigh: new Uint32Array(length),
  };
}
