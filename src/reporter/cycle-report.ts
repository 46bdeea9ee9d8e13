import type { ProfilesData } from '../otlp/profiles-data.ts';
import type { TimeRange } from '../profile/build/window-contents.ts';
import type { UnnamedFrames } from '../profile/names/unnamed-frames.ts';
import type { Steps } from '../support/steps.ts';

/** Result of one reporting cycle. */
export interface CycleReport {
  readonly range: TimeRange;
  /** `undefined` when there was nothing to report. */
  readonly data: ProfilesData | undefined;
  /** OTLP samples in `data`: what the Collector calls items. */
  readonly sampleCount: number;
  /** Trace events, and moments in the profiles that joined the report: moments at which somebody was sampled. */
  readonly eventCount: number;
  /** Trace events that wait in the next window for a name. */
  readonly heldCount: number;
  readonly unresolved: readonly UnnamedFrames[];
  readonly resubmittedStubs: number;
  /** Time to build the report. */
  readonly durationMs: number;
}

/** ReportConsumer wants every report, as the live page does. The cycle waits for its last step. */
export interface ReportConsumer {
  consume(report: CycleReport): Steps<void>;
}

/** The destination that every report must reach. Called inside the cycle: never waits, never throws. */
export interface ReportOutlet {
  /** Takes a report; `false` when it has to wait, and then no other one may be delivered until `retry` says `true`. */
  deliver(report: CycleReport): Steps<boolean>;
  /** Tries again with the report that waits; `true` when none does any more. */
  retry(): boolean;
  /** Drops the report that waits, for those who cannot take it; they count it as lost. */
  drop(): void;
}

/** Keeps what windows consist of on disk until it is reported. */
export interface WindowJournal {
  /**
   * Call when a window was taken; `held` are the numbers of those of its events, rising, that are now the first of the next
   * window. The result is to be called once the others are where they have to arrive.
   */
  turn(held: readonly number[]): () => void;
  /** Call while a report has to wait, e.g. for room on the same disk: what is reported need not be kept. */
  makeRoom(): void;
}
