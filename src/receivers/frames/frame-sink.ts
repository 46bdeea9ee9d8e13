import type { BatchOutcome } from '../../model/batch-outcome.ts';
import type { FrameBatch } from '../../model/frame-batch.ts';

/** Where the receiver hands batches to. */
export interface FrameSink {
  /**
   * Takes what it needs of the batch, whose arrays are written again after the call, and says what became of it.
   * Positions in the paths of rejections are those of `batch.samples`.
   */
  submit(batch: FrameBatch): BatchOutcome;
  /** Takes all of a batch that an earlier run had taken, whatever the bounds on what comes anew. */
  restore(batch: FrameBatch): void;
}
