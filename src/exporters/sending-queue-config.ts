import { choice, converted, flag, integer, sectionIfPresent } from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigKey, ConfigOf, ValuesOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import { storageKey } from '../config/references.ts';
import { batchInQueue, batchTable } from './batch-config.ts';

/** Sizer is the unit of `queue_size`: requests, their samples, or their bytes as protobuf. */
export type Sizer = 'requests' | 'items' | 'bytes';

const keys = {
  enabled: flag(
    'enabled',
    { fallback: true },
    '`false`: no request waits, and a request that no consumer is free for is refused.',
  ),
  numConsumers: integer(
    'num_consumers',
    { fallback: 10, min: 1, max: 1_000 },
    'Requests that are sent at the same time.',
  ),
  queueSize: integer(
    'queue_size',
    { fallback: 1_000, min: 1 },
    'Bound of all requests that wait or are being sent, in units of `sizer`.',
  ),
  sizer: choice(
    'sizer',
    { choices: ['requests', 'items', 'bytes'], fallback: 'requests' },
    'Unit of `queue_size`: requests, samples, or bytes as protobuf.',
  ),
  storage: storageKey('Extension that keeps the queue on disk; the queue is in memory without it.'),
  blockOnOverflow: flag(
    'block_on_overflow',
    { fallback: false },
    'A request waits for room in a full queue, instead of being refused.',
  ),
  waitForResult: flag(
    'wait_for_result',
    { fallback: false },
    'The sender of a request learns that it was sent, instead of that it is queued.',
  ),
  batch: sectionIfPresent('batch', batchTable),
};

const parts = {
  about: 'Requests that wait to be sent.',
  source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/exporterhelper',
};

/** `sending_queue`, with the Collector's keys and defaults. */
export const sendingQueueTable = configTable({ title: 'Sending queue', ...parts, keys }, finish);

/** `sending_queue` of an exporter that keeps the order of requests. */
export const orderedQueueTable: typeof sendingQueueTable = configTable(
  { title: 'Sending queue that keeps the order of requests', ...parts, keys: { ...keys, numConsumers: oneConsumer() } },
  finish,
);

/** Sizes are in units of `sizer`; `storage` is the identifier of an extension, or empty; without `batch` each request is sent as it comes. */
export type SendingQueueConfig = ConfigOf<typeof sendingQueueTable>;

function oneConsumer(): ConfigKey<number> {
  const only = 'Only 1: the order of requests is kept.';
  return converted(integer('num_consumers', { fallback: 1, min: 1, max: 1_000 }, only), (consumers, section) => {
    if (consumers > 1) {
      const problem = `is ${consumers}, but this exporter keeps the order of requests`;
      section.addProblem('num_consumers', problem, 'remove it or write 1');
    }
    return consumers;
  });
}

function finish({ batch, ...queue }: ValuesOf<typeof keys>, section: ConfigSection) {
  const { storage, enabled, waitForResult } = queue;
  if (storage !== '' && waitForResult) {
    const problem = '`wait_for_result` is not supported with a persistent queue configured with `storage`';
    section.addProblem('wait_for_result', problem, 'remove one of the two');
  }
  if (storage !== '' && !enabled) {
    const remedy = 'remove storage or enabled: false';
    section.addProblem('storage', `is "${storage}", but the queue is disabled`, remedy);
  }
  const completed = batch && batchInQueue(batch, queue, section.section('batch'));
  if (batch !== undefined && !enabled) {
    const warning = 'has no effect: sending_queue.enabled is false, and so each request is sent as it comes';
    section.addWarning('batch', warning);
  }
  return { ...queue, batch: enabled ? completed : undefined };
}
