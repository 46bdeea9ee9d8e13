import type { ProfilesData } from '../otlp/profiles-data.ts';
import type { TimeRange } from '../profile/build/time-range.ts';

/** What a part of a window holds. */
export interface WindowShare {
  /** Trace events, or what is one in profiles: a moment at which somebody was observed. */
  readonly events: number;
  readonly bytes: number;
}

/** Profiles that leave with the report of a cycle, beside the trace events of its window and within the same bounds. */
export interface CycleCompany {
  readonly share: WindowShare;
  /** All that is kept, and `frames`, the profiles of the window, as one request; keeps nothing after that. */
  take(frames: ProfilesData | undefined, range: TimeRange, nowMs: number): JoinedReport;
}

export interface JoinedReport {
  readonly data: ProfilesData | undefined;
  /** Of the company alone. */
  readonly eventCount: number;
}
