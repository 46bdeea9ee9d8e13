import type { ConfigSection } from '../config/config-section.ts';
import { formatDurationMs } from '../config/duration.ts';

/** `retry_on_failure`, with the Collector's keys and defaults. */
export interface RetryConfig {
  readonly enabled: boolean;
  readonly initialIntervalMs: number;
  /** Each delay is drawn from interval · (1 ± factor). */
  readonly randomizationFactor: number;
  readonly multiplier: number;
  readonly maxIntervalMs: number;
  /** From the first attempt to the last; 0 = for ever. */
  readonly maxElapsedTimeMs: number;
}

/** Reads `retry_on_failure` (https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configretry). */
export function readRetryConfig(section: ConfigSection): RetryConfig {
  const config = {
    enabled: section.boolean('enabled', true),
    initialIntervalMs: section.durationMs('initial_interval', 5_000, { min: 0 }),
    randomizationFactor: section.number('randomization_factor', 0.5, { min: 0, max: 1 }),
    multiplier: section.number('multiplier', 1.5, { min: 0 }),
    maxIntervalMs: section.durationMs('max_interval', 30_000, { min: 0 }),
    maxElapsedTimeMs: section.durationMs('max_elapsed_time', 300_000, { min: 0 }),
  };
  section.end();
  if (config.enabled && config.maxElapsedTimeMs > 0) {
    refuseLongerThanAll(section, config.maxElapsedTimeMs, 'initial_interval', config.initialIntervalMs);
    refuseLongerThanAll(section, config.maxElapsedTimeMs, 'max_interval', config.maxIntervalMs);
  }
  return config;
}

function refuseLongerThanAll(section: ConfigSection, maxElapsedTimeMs: number, key: string, intervalMs: number): void {
  if (maxElapsedTimeMs >= intervalMs) return;
  section.addProblem(
    'max_elapsed_time',
    `${formatDurationMs(maxElapsedTimeMs)} is shorter than ${key} (${formatDurationMs(intervalMs)})`,
    `raise max_elapsed_time, lower ${key}, or write 0 to retry for ever`,
  );
}
