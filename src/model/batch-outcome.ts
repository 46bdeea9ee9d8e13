import type { FileId } from './file-id.ts';
import type { FrameKind } from './frame-kind.ts';

/** Outcome of a batch: the part of the reply that the receiver cannot know by itself. */
export interface BatchOutcome {
  readonly acceptedSamples: number;
  /** Samples that were not taken although they were well formed, e.g. because a bound was met. */
  readonly rejections: readonly SampleRejection[];
  readonly namesNeeded: readonly NeededName[];
  /** File IDs of which nothing is known as files. */
  readonly executablesNeeded: readonly FileId[];
  /** 0 when the next batch may come at once. */
  readonly retryDelayMs: number;
}

export interface SampleRejection {
  /** Path of the field, e.g. `samples[3].stack`. */
  readonly path: string;
  /** The problem with the value, and the remedy. */
  readonly reason: string;
}

/** A frame without a name that only its collector can give. */
export interface NeededName {
  readonly owner: { readonly fileId: FileId } | { readonly pid: number; readonly startTimeNano: bigint };
  readonly addressHigh: number;
  readonly addressLow: number;
  readonly kind: FrameKind;
}
