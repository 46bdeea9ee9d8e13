import type { ConfigSection } from '../config/config-section.ts';

/** `sending_queue.batch`, with the Collector's keys and defaults. */
export interface BatchConfig {
  /** A batch waits for more from its first request on for this long. */
  readonly flushTimeoutMs: number;
  /** A batch that has this size is sent at once; in units of `sizer`, 0 = each request is. */
  readonly minSize: number;
  /** A larger batch is split; in units of `sizer`, 0 = no limit. */
  readonly maxSize: number;
  readonly sizer: BatchSizer;
}

/** What sizes count: samples, or bytes as protobuf. */
export type BatchSizer = 'items' | 'bytes';

/** What the queue around a batch is set to. */
export interface QueueSize {
  readonly queueSize: number;
  readonly sizer: 'requests' | 'items' | 'bytes';
}

/**
 * Reads `batch` of a sending queue. As in the Collector, `sizer` is that of the queue unless the queue counts requests, and a batch must
 * fit into the queue (https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/internal/queuebatch/config.go).
 */
export function readBatchConfig(section: ConfigSection, queue: QueueSize): BatchConfig {
  const sizer = section.oneOf('sizer', queue.sizer === 'bytes' ? 'bytes' : 'items', ['items', 'bytes']);
  const config = {
    flushTimeoutMs: section.durationMs('flush_timeout', 200, { min: 0 }),
    minSize: section.integer('min_size', 8192, { min: 0 }),
    maxSize: section.integer('max_size', 0, { min: 0 }),
    sizer,
  };
  if (section.has('partition')) {
    section.addProblem('partition', 'is set, but profiles come without client metadata to part them by', 'remove it');
  }
  section.end();
  if (config.flushTimeoutMs === 0) section.addProblem('flush_timeout', 'must be positive', 'write e.g. 200ms');
  if (config.maxSize > 0 && config.maxSize < config.minSize) {
    const problem = `must be greater than or equal to min_size (${config.minSize}), is ${config.maxSize}`;
    section.addProblem('max_size', problem, 'raise max_size, lower min_size, or write 0 to send batches of any size');
  }
  if (config.sizer === queue.sizer && config.minSize > queue.queueSize) {
    const problem = `must be less than or equal to queue_size (${queue.queueSize}), is ${config.minSize}`;
    section.addProblem('min_size', problem, 'lower min_size or raise queue_size');
  }
  return config;
}
