import type { ProfilesData } from '../otlp/profiles-data.ts';
import type { TimeRange } from '../profile/build/window-contents.ts';
import type { UnnamedFrames } from '../profile/names/unnamed-frames.ts';
import type { Steps } from '../support/steps.ts';

/** Usage of the bounds of a window by one part of it. */
export interface WindowUsage {
  /** Trace events; of profiles the timestamps, or one for each sample without any. */
  readonly events: number;
  readonly bytes: number;
}

/** OTLP profiles that leave with the report of a cycle, beside the trace events of its window and within the same bounds. */
export interface MergedProfiles {
  readonly usage: WindowUsage;
  /** Hands over all kept profiles, and keeps none after that. */
  take(): TakenProfiles;
}

export interface TakenProfiles {
  /** Joins the profiles with `frames`, those of the window, to one request. Called once: the profiles are not held any longer than that. */
  joinWith(frames: ProfilesData | undefined, range: TimeRange, nowMs: number): Steps<JoinedReport>;
}

export interface JoinedReport {
  readonly data: ProfilesData | undefined;
  /** Events of the kept profiles alone. */
  readonly eventCount: number;
  /** Locations of the kept profiles that have no name. */
  readonly unresolved: readonly UnnamedFrames[];
}
