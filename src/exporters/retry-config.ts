import { decimal, duration, flag } from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigKey, ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import { formatDurationMs } from '../config/duration.ts';

/** `retry_on_failure`, with the Collector's keys and defaults. */
export const retryTable = configTable({
  title: 'Retry on failure',
  about: 'Requests that failed for a reason that may pass are sent again.',
  source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configretry',
  keys: {
    enabled: flag('enabled', { fallback: true }, '`false`: a request that failed is dropped.'),
    initialIntervalMs: duration('initial_interval', { fallback: 5_000, min: 0 }, 'Delay before the first retry.'),
    randomizationFactor: decimal(
      'randomization_factor',
      { fallback: 0.5, min: 0, max: 1 },
      'Each delay is drawn from interval · (1 ± factor).',
    ),
    multiplier: decimal('multiplier', { fallback: 1.5, min: 0 }, 'Each delay is this many times the one before.'),
    maxIntervalMs: duration('max_interval', { fallback: 30_000, min: 0 }, 'Longest delay between two attempts.'),
    maxElapsedTimeMs: duration(
      'max_elapsed_time',
      { fallback: 300_000, min: 0 },
      'A request is dropped when it could not be sent for this long; `0s` retries for ever.',
    ),
  },
  check: ({ enabled, maxElapsedTimeMs, initialIntervalMs, maxIntervalMs }, section) => {
    if (!enabled || maxElapsedTimeMs === 0) return;
    refuseLongerThanAll(section, maxElapsedTimeMs, 'initial_interval', initialIntervalMs);
    refuseLongerThanAll(section, maxElapsedTimeMs, 'max_interval', maxIntervalMs);
  },
});

/** Key `retry_on_auth_failure`; `undefined` where it is absent. */
export const retryOnAuthFailureKey: ConfigKey<boolean | undefined> = {
  key: 'retry_on_auth_failure',
  meaning:
    'Refused credentials (401, 403, `Unauthenticated`, `PermissionDenied`) are retried, with pauses of a minute. Without the key, where `sending_queue.storage` and `max_elapsed_time: 0s` are set.',
  form: { kind: 'boolean', fallback: undefined },
  read: (section) =>
    section.has('retry_on_auth_failure') ? section.boolean('retry_on_auth_failure', false) : undefined,
};

export type RetryConfig = ConfigOf<typeof retryTable>;

function refuseLongerThanAll(section: ConfigSection, maxElapsedTimeMs: number, key: string, intervalMs: number): void {
  if (maxElapsedTimeMs >= intervalMs) return;
  section.addProblem(
    'max_elapsed_time',
    `${formatDurationMs(maxElapsedTimeMs)} is shorter than ${key} (${formatDurationMs(intervalMs)})`,
    `raise max_elapsed_time, lower ${key}, or write 0 to retry for ever`,
  );
}
