import type { HistorySource } from '../../profile/history/profile-history.ts';

/** LiveCycle is the report of one cycle to the page. */
export interface LiveCycle {
  readonly endUnixMs: number;
  /** Reported profiles; `undefined` when there were none. */
  readonly data: HistorySource | undefined;
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

/** An OTLP request that was sent on by itself, as bytes. */
export interface PassedRequest {
  readonly bytes: Uint8Array;
  readonly sampleCount: number;
  /** Frames of the request that went out without a name, by frame type and reason. */
  readonly unresolvedFrames: Readonly<Record<string, number>>;
}

/** Requests that passed in the time of one cycle. */
export interface PassedFigures {
  readonly requestCount: number;
  readonly sampleCount: number;
  /** As of `PassedRequest`, added up. */
  readonly unresolvedFrames: Readonly<Record<string, number>>;
}
