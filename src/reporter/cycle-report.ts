import type { ProfilesData } from '../otlp/profiles-data.ts';
import type { TimeRange } from '../profile/time-range.ts';
import type { UnresolvedFrames } from './window-report.ts';

/** What one reporting cycle came to. */
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
  readonly unresolved: readonly UnresolvedFrames[];
  readonly resubmittedStubs: number;
  /** How long it took to build. */
  readonly durationMs: number;
}

/** Somebody who wants every report: an exporter's queue, the live page. Called in the cycle, so it must not wait. */
export interface ReportConsumer {
  consume(report: CycleReport): void;
}
