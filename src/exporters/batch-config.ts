import { choice, duration, ifPresent, integer } from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';

/** BatchSizer is the unit of batch sizes: samples, or bytes as protobuf. */
export type BatchSizer = 'items' | 'bytes';

/** `sending_queue.batch`, with the Collector's keys and defaults. `sizer` is `undefined` for that of the queue. */
export const batchTable = configTable({
  title: 'Batches of a sending queue',
  about: 'Several requests become one; without the section each request is sent as it comes.',
  keys: {
    flushTimeoutMs: duration(
      'flush_timeout',
      { fallback: 200, min: 0 },
      'A batch waits this long for more, from its first request on; above 0.',
    ),
    minSize: integer(
      'min_size',
      { fallback: 8192, min: 0 },
      'A batch of this size is sent at once; 0 sends each request.',
    ),
    maxSize: integer('max_size', { fallback: 0, min: 0 }, 'A larger batch is split; 0 is no bound.'),
    sizer: ifPresent(
      choice(
        'sizer',
        { choices: ['items', 'bytes'], fallback: 'items' },
        'Unit of the sizes: samples, or bytes as protobuf. By default that of the queue, or `items` where the queue counts requests.',
      ),
    ),
  },
  refused: { partition: ['is set, but profiles come without client metadata to part them by', 'remove it'] },
  check: ({ flushTimeoutMs, minSize, maxSize }, section) => {
    if (flushTimeoutMs === 0) section.addProblem('flush_timeout', 'must be positive', 'write e.g. 200ms');
    if (maxSize > 0 && maxSize < minSize) {
      const problem = `must be greater than or equal to min_size (${minSize}), is ${maxSize}`;
      section.addProblem('max_size', problem, 'raise max_size, lower min_size, or write 0 to send batches of any size');
    }
  },
});

/** Sizes are in units of `sizer`. */
export interface BatchConfig extends ConfigOf<typeof batchTable> {
  readonly sizer: BatchSizer;
}

/** The bound of the queue around a batch. */
export interface QueueSize {
  readonly queueSize: number;
  readonly sizer: 'requests' | 'items' | 'bytes';
}

/**
 * Completes a batch by the queue around it. As in the Collector, `sizer` is that of the queue unless the queue counts
 * requests, and a batch must fit into the queue
 * (https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/internal/queuebatch/config.go).
 */
export function batchInQueue(
  batch: ConfigOf<typeof batchTable>,
  queue: QueueSize,
  section: ConfigSection,
): BatchConfig {
  const inherited = queue.sizer === 'bytes' ? 'bytes' : 'items';
  section.noteDefault('sizer', inherited);
  const { sizer = inherited, minSize } = batch;
  if (sizer === queue.sizer && minSize > queue.queueSize) {
    const problem = `must be less than or equal to queue_size (${queue.queueSize}), is ${minSize}`;
    section.addProblem('min_size', problem, 'lower min_size or raise queue_size');
  }
  return { ...batch, sizer };
}
