import type { ConfigProblem } from './config-error.ts';
import type { ConfigNotes } from './config-notes.ts';
import type { ConfigSection } from './config-section.ts';
import type { ConfigMap } from './config-value.ts';
import type { ServiceTelemetryConfig } from './telemetry-config.ts';

/** PipelineConfig names the components that data passes, in order. */
export interface PipelineConfig {
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** A whole configuration before the components read their parts. Faults so far are in `problems`, not thrown. */
export interface ConfigDocument {
  readonly receivers: ReadonlyMap<string, ConfigSection>;
  readonly processors: ReadonlyMap<string, ConfigSection>;
  readonly exporters: ReadonlyMap<string, ConfigSection>;
  readonly extensions: ReadonlyMap<string, ConfigSection>;
  /** By identifier: `profiles` or `profiles/name`. */
  readonly pipelines: ReadonlyMap<string, PipelineConfig>;
  /** In the order in which they start. */
  readonly serviceExtensions: readonly string[];
  readonly telemetry: ServiceTelemetryConfig;
  /** Merged, expanded, and with the defaults of all keys that were read, for printing; see `redact`. */
  readonly completed: () => ConfigMap;
  /** The sections add theirs here while they are read. */
  readonly problems: ConfigProblem[];
  readonly notes: ConfigNotes;
  /** Sentences for the log; grows while the sections are read. */
  readonly warnings: readonly string[];
}
