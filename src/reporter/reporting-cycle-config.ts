import type { ConfigSection } from '../config/config-section.ts';
import { readStorageReference } from '../config/storage-reference.ts';

/** Processor `reporting_cycle`: how often what was sampled becomes profiles. */
export interface ReportingCycleConfig {
  readonly intervalMs: number;
  /** Share of the interval by which each cycle is randomly longer or shorter, so that a fleet does not send at once. */
  readonly jitter: number;
  /** Whether samples that lack a name which only their collector can give wait for one more cycle. */
  readonly resolveGrace: boolean;
  /** What becomes of OTLP profiles: they are sent on request by request, or leave with the report of the cycle. */
  readonly otlpProfiles: 'pass_through' | 'merge';
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Identifier of the extension that keeps samples on disk until they are reported; empty: they are in memory alone. */
  readonly storage: string;
}

export function readReportingCycleConfig(section: ConfigSection): ReportingCycleConfig {
  const config = {
    intervalMs: section.durationMs('interval', 5000, { min: 10, max: 3_600_000 }),
    jitter: section.number('jitter', 0.2, { min: 0, max: 0.9 }),
    resolveGrace: section.boolean('resolve_grace', true),
    otlpProfiles: section.oneOf('otlp_profiles', 'pass_through', ['pass_through', 'merge']),
    // 128 CPUs at 100 Hz for a minute are 768,000 events.
    maxEvents: section.integer('max_events', 1_000_000, { min: 1, max: 100_000_000 }),
    maxBytes: section.integer('max_bytes', 134_217_728, { min: 65_536 }),
    storage: readStorageReference(section),
  };
  section.end();
  return config;
}
