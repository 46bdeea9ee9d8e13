import type { ConfigSection } from '../config/config-section.ts';
import { readStorageReference } from '../config/storage-reference.ts';
import type { BatchConfig } from './batch-config.ts';
import { readBatchConfig } from './batch-config.ts';

/** What `queue_size` counts: requests, their samples, or their bytes as protobuf. */
export type Sizer = 'requests' | 'items' | 'bytes';

/** `sending_queue`, with the Collector's keys and defaults. */
export interface SendingQueueConfig {
  /** Without a queue no request waits: what no consumer is free for is refused. */
  readonly enabled: boolean;
  /** Requests that are sent at the same time. */
  readonly numConsumers: number;
  /** Bound on what waits and what is being sent, in units of `sizer`. */
  readonly queueSize: number;
  readonly sizer: Sizer;
  /** Identifier of the extension that keeps the queue on disk; empty: the queue is in memory. */
  readonly storage: string;
  /** Whether an offer waits for room in a full queue, instead of being refused. */
  readonly blockOnOverflow: boolean;
  /** Whether who offers a request learns whether it was sent, instead of that it is queued. */
  readonly waitForResult: boolean;
  /** `undefined`: each request is sent as it comes. */
  readonly batch: BatchConfig | undefined;
}

/**
 * Reads `sending_queue`. `maxConsumers` is 1 for exporters that keep the order of requests.
 * Source: https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/exporterhelper
 */
export function readSendingQueueConfig(section: ConfigSection, maxConsumers?: 1): SendingQueueConfig {
  const queue = {
    enabled: section.boolean('enabled', true),
    numConsumers: section.integer('num_consumers', maxConsumers ?? 10, { min: 1, max: 1_000 }),
    queueSize: section.integer('queue_size', 1_000, { min: 1 }),
    sizer: section.oneOf('sizer', 'requests', ['requests', 'items', 'bytes']),
    storage: readStorageReference(section),
    blockOnOverflow: section.boolean('block_on_overflow', false),
    waitForResult: section.boolean('wait_for_result', false),
  };
  if (queue.storage !== '' && queue.waitForResult) {
    const problem = '`wait_for_result` is not supported with a persistent queue configured with `storage`';
    section.addProblem('wait_for_result', problem, 'remove one of the two');
  }
  if (queue.storage !== '' && !queue.enabled) {
    section.addProblem(
      'storage',
      `is "${queue.storage}", but the queue is disabled`,
      'remove storage or enabled: false',
    );
  }
  if (queue.numConsumers > (maxConsumers ?? Infinity)) {
    const problem = `is ${queue.numConsumers}, but this exporter keeps the order of requests`;
    section.addProblem('num_consumers', problem, 'remove it or write 1');
  }
  const batch = section.has('batch') ? readBatchConfig(section.section('batch'), queue) : undefined;
  section.end();
  if (batch !== undefined && !queue.enabled) {
    section.addWarning(
      'batch',
      'has no effect: sending_queue.enabled is false, and so each request is sent as it comes',
    );
  }
  return { ...queue, batch: queue.enabled ? batch : undefined };
}
