import type { Component } from '../../support/lifecycle.ts';
import type { ExporterDependencies, ExporterType } from '../exporter-type.ts';
import type { ProfilesExporter } from '../profiles-exporter.ts';
import { QueuedExporter } from '../queued-exporter.ts';
import type { RetryConfig } from '../retry-config.ts';
import { DebugClient } from './debug-client.ts';
import type { DebugConfig } from './debug-config.ts';
import { debugTable } from './debug-config.ts';

// A log takes what it is given, so there is nothing to try again.
const neverRetry: RetryConfig = {
  enabled: false,
  initialIntervalMs: 0,
  randomizationFactor: 0,
  multiplier: 1,
  maxIntervalMs: 0,
  maxElapsedTimeMs: 0,
};

/** Writes to the log what it gets, for looking on. */
export function createDebugExporter(
  id: string,
  config: DebugConfig,
  dependencies: ExporterDependencies,
): Component & ProfilesExporter {
  const client = new DebugClient(config, dependencies.logger, dependencies.clock);
  return new QueuedExporter(id, client, { timeoutMs: 0, retry: neverRetry, queue: config.queue }, dependencies);
}

export const debugExporterType: ExporterType<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  aliases: [],
  stability: 'alpha',
  table: debugTable,
  queueOf: ({ queue }) => queue,
  refersTo: ({ queue }) => ({ storage: queue.storage, authenticator: '' }),
  create: createDebugExporter,
};
