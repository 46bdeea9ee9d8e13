import type { FlameTrees } from '../../profile/flame/flame-tree.ts';

/** LiveCycle is the report of one cycle to the page. */
export interface LiveCycle {
  readonly endUnixMs: number;
  readonly flame: FlameTrees;
  readonly figures: CycleFigures;
}

/** The state of the store and of the last cycle. */
export interface CycleFigures {
  /** Length of the cycle's window. */
  readonly windowMs: number;
  readonly sampleCount: number;
  /** Time of building and handing over; `null` where nothing is built. */
  readonly cycleMs: number | null;
  readonly store: StoreFigures;
  /** Frames of this cycle that went out without a name, by reason. */
  readonly unresolvedFrames: Readonly<Record<string, number>>;
}

export interface StoreFigures {
  readonly symbolCount: number;
  readonly fileCount: number;
  readonly stubCount: number;
  /** `undefined` when the store does not count bytes. */
  readonly sizeBytes: number | undefined;
  /** `undefined` when there is none. */
  readonly budgetBytes: number | undefined;
}
