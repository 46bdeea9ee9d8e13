import type { NeededName } from '../model/batch-outcome.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import type { FileOwner } from './sample-window.ts';

/**
 * The frames without a name that only their collector can give, and the files of which nothing is known, by collector.
 * Bounded; asked for seldom, not in every reply.
 */
export interface NameRequests {
  note(
    instanceId: string,
    owner: FileOwner,
    addressHigh: number,
    addressLow: number,
    kind: FrameKind,
    nowMs: number,
  ): void;
  noteExecutable(instanceId: string, fileId: FileId, nowMs: number): void;
  /** What to ask the collector for in the reply at hand. */
  take(instanceId: string, nowMs: number): readonly NeededName[];
  takeExecutables(instanceId: string, nowMs: number): readonly FileId[];
}
