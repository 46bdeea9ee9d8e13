import type { LossReasonName } from './collected.ts';

/** Messages of `framekeeper.frames.v1` that a collector sends and reads. The .proto file documents the meaning of the fields. */
export interface BatchMessage {
  readonly collector: {
    /** 16 bytes. */
    readonly instanceId: Uint8Array;
    readonly resourceAttributes: readonly { readonly key: string; readonly value: string }[];
    readonly scopeName: string;
  };
  readonly sequence: bigint;
  readonly strings: readonly string[];
  readonly fileIds: Uint8Array;
  readonly mappings: readonly MappingMessage[];
  readonly frames: readonly FrameMessage[];
  readonly stacks: readonly { readonly frames: readonly number[]; readonly truncated: boolean }[];
  readonly processes: readonly ProcessMessage[];
  readonly profileTypes: readonly ProfileTypeMessage[];
  readonly samples: readonly SampleMessage[];
  readonly symbols: readonly FrameSymbolMessage[];
  readonly stubs: readonly StubMessage[];
  readonly executables: readonly ExecutableMessage[];
  readonly processExits: readonly number[];
  readonly lostSamples: readonly { readonly reason: LossReasonName; readonly count: bigint }[];
  readonly clock: { readonly kind: ClockKindName; readonly anchorNano: bigint; readonly anchorUnixNano: bigint };
}

export interface MappingMessage {
  readonly fileId: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly fileOffset: bigint;
}

/** Exactly one of `fileId` and `process` is not 0. */
export interface FrameMessage {
  readonly fileId: number;
  readonly process: number;
  readonly addressOrLine: bigint;
  readonly kind: number;
  readonly mapping: number;
}

export interface ProcessMessage {
  readonly pid: number;
  readonly namespacePid: number;
  readonly startTimeNano: bigint;
  readonly comm: number;
  readonly executablePath: number;
}

export interface ProfileTypeMessage {
  readonly sampleType: number;
  readonly sampleUnit: number;
  readonly periodType: number;
  readonly periodUnit: number;
  readonly period: bigint;
}

export interface SampleMessage {
  readonly stack: number;
  readonly process: number;
  readonly profileType: number;
  readonly threadId: number;
  readonly threadName: number;
  readonly cpuPlusOne: number;
  readonly timestamps: readonly bigint[];
  readonly values?: readonly bigint[];
}

export interface FrameSymbolMessage {
  readonly fileId: number;
  readonly addressOrLine: bigint;
  /** Innermost first. */
  readonly locations: readonly SourceLocationMessage[];
}

export interface SourceLocationMessage {
  readonly function: number;
  readonly systemName: number;
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly startLine: number;
}

export type StubKindName = 'STUB_KIND_STUB' | 'STUB_KIND_INTERPRETER' | 'STUB_KIND_JIT';
export type ClockKindName = 'KIND_UNIX' | 'KIND_MONOTONIC' | 'KIND_BOOTTIME';

export interface StubMessage {
  readonly process: number;
  readonly start: bigint;
  readonly length: bigint;
  readonly name: number;
  readonly systemName: number;
  readonly file: number;
  readonly line: number;
  readonly kind: StubKindName;
  readonly tier: number;
}

export interface ExecutableMessage {
  readonly fileId: number;
  readonly fileName: number;
  readonly gnuBuildId: number;
  readonly fileIdIsHtlhash: boolean;
}

/** All fields are there; those that the service left out have their defaults. */
export interface BatchReplyMessage {
  readonly sequence: bigint;
  readonly acceptedSamples: number;
  readonly rejectedSamples: number;
  readonly rejections: readonly { readonly path: string; readonly reason: string }[];
  readonly namesNeeded: readonly NeededNameMessage[];
  /** 16 bytes for each. */
  readonly executablesNeeded: Uint8Array;
  readonly retryDelayMs: number;
  readonly duplicate: boolean;
}

export interface NeededNameMessage {
  /** 16 bytes; empty for a frame of a process. */
  readonly fileId: Uint8Array;
  readonly pid: number;
  readonly startTimeNano: bigint;
  readonly addressOrLine: bigint;
  readonly kind: number;
}

/** Path of the streaming call, as gRPC writes it. */
export const streamPath = '/framekeeper.frames.v1.FramesService/Stream';
