import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { LogRecord } from '../../storage/segment.ts';
import type { SegmentLog } from '../../storage/segment-log.ts';
import type { GaugeReading } from '../../support/observe-gauges.ts';
import { observeGauges } from '../../support/observe-gauges.ts';

/** What happens to the requests of an exporter on disk, counted and logged in one place. */
export interface StorageEvents {
  opened(recordCount: number, damagedCount: number): void;
  written(): void;
  writeFailed(error: NodeJS.ErrnoException): void;
  /** A record that was taken cannot be read; its samples are counted as not sent. */
  damaged(record: LogRecord, why: string): void;
  finishFailed(error: Error): void;
  closed(recordCount: number): void;
  /** Begins to report what is on disk; the result ends that. */
  observe(log: SegmentLog): () => void;
}

export function createStorageEvents(id: string, logger: Logger, meter: Meter): StorageEvents {
  const exporter = { exporter: id };
  const counters = createCounters(meter);
  let isFailing = false;
  return {
    opened(recordCount, damagedCount) {
      counters.restored.add(recordCount, exporter);
      counters.damaged.add(damagedCount, exporter);
      if (recordCount > 0) logger.info({ requests: recordCount }, 'Requests of an earlier run are queued again.');
      if (damagedCount > 0) {
        logger.error({ damaged_records: damagedCount }, 'Parts of the storage are damaged; what they held is lost.');
      }
    },
    written() {
      if (isFailing) logger.info('The storage can be written again.');
      isFailing = false;
    },
    writeFailed({ code, message }) {
      counters.writeFailures.add(1, { ...exporter, error_type: code ?? '_OTHER' });
      // Once, until it works again: each refused request has a line of its own.
      if (!isFailing)
        logger.error({ error: message }, 'The storage cannot be written; new data is refused until it can.');
      isFailing = true;
    },
    damaged({ segment, offset, header }, why) {
      counters.damaged.add(1, exporter);
      counters.sendFailed.add(header.sampleCount, { ...exporter, error_type: 'DamagedRecord' });
      const fields = { error: why, file: segment.path, offset, dropped_items: header.sampleCount };
      logger.error(fields, 'A request on disk cannot be read. Dropping data.');
    },
    finishFailed(error) {
      logger.warn({ error: error.message }, 'Could not note that a request is sent; it is sent again after a restart.');
    },
    closed(recordCount) {
      if (recordCount > 0) logger.info({ requests: recordCount }, 'Requests stay on disk until the next start.');
    },
    observe: (log) => observeGauges(meter, figuresOf(log), exporter),
  };
}

function createCounters(meter: Meter) {
  const records = (name: string, description: string) => meter.createCounter(name, { unit: '{record}', description });
  return {
    restored: records(
      'framekeeper_exporter_storage_restored_records',
      'Requests of earlier runs that were queued again.',
    ),
    damaged: records('framekeeper_exporter_storage_damaged_records', 'Requests on disk that could not be read.'),
    writeFailures: records(
      'framekeeper_exporter_storage_write_failures',
      'Requests that could not be written to disk.',
    ),
    sendFailed: meter.createCounter('otelcol_exporter_send_failed_profile_samples', {
      unit: '{sample}',
      description: 'Samples dropped because sending failed.',
    }),
  };
}

function figuresOf(log: SegmentLog): GaugeReading[] {
  return [
    {
      name: 'framekeeper_exporter_storage_bytes',
      unit: 'By',
      description: 'Bytes of the files in which an exporter keeps requests.',
      read: () => log.sizeBytes,
    },
    {
      name: 'framekeeper_exporter_storage_capacity_bytes',
      unit: 'By',
      description: 'Bound on those bytes.',
      read: () => log.maxBytes,
    },
    {
      name: 'framekeeper_exporter_storage_records',
      unit: '{record}',
      description: 'Requests on disk that are not finished.',
      read: () => log.recordCount,
    },
  ];
}
