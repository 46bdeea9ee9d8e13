import type { LogRecord } from '../../storage/segment.ts';
import type { SegmentLog } from '../../storage/segment-log.ts';
import type { LogDamage } from '../../storage/segment-scan.ts';
import type { EventKind, EventParts, GaugeReading, RecordEvent } from '../../support/events.ts';
import { createEvents, observeGauges } from '../../support/events.ts';

/** Events of the requests of an exporter on disk, counted and logged in one place. */
export interface StorageEvents {
  opened(recordCount: number, damage: LogDamage): void;
  written(): void;
  writeFailed(error: NodeJS.ErrnoException): void;
  /** A record that was taken cannot be read; its samples are counted as not sent. */
  damaged(record: LogRecord, why: string): void;
  finishFailed(error: Error): void;
  closed(recordCount: number): void;
  /** Begins to report the size of the log; the result ends that. */
  observe(log: SegmentLog): () => void;
}

export function createStorageEvents(id: string, parts: EventParts): StorageEvents {
  const exporter = { exporter: id };
  const record = createRecorders(createEvents(parts, exporter));
  const { logger, meter } = parts;
  let isFailing = false;
  return {
    opened(recordCount, { damagedCount, cutCount, damagedBytes }) {
      record.restored({ count: recordCount });
      record.damaged({ count: damagedCount + cutCount });
      record.damagedBytes({ count: damagedBytes });
      if (recordCount > 0) logger.info({ requests: recordCount }, 'Requests of an earlier run are queued again.');
      const fields = { damaged_records: damagedCount, cut_records: cutCount, bytes: damagedBytes };
      if (damagedCount > 0) logger.error(fields, 'Parts of the storage are damaged; what they held is lost.');
      else if (cutCount > 0)
        logger.warn(
          fields,
          'The storage ends within a record: the record was never written whole, or its end is lost.',
        );
    },
    written() {
      if (isFailing) logger.info('The storage can be written again.');
      isFailing = false;
    },
    writeFailed({ code, message }) {
      record.writeFailed({ labels: { error_type: code ?? '_OTHER' } });
      // Once, until writing succeeds: each refused request has a line of its own.
      const text = 'The storage cannot be written; new data is refused until it can.';
      if (!isFailing) logger.error({ error: message }, text);
      isFailing = true;
    },
    damaged({ segment, offset, header: { sampleCount } }, why) {
      record.damaged();
      const fields = { error: why, file: segment.path, offset, dropped_items: sampleCount };
      record.lost({ count: sampleCount, labels: { error_type: 'DamagedRecord' }, fields });
    },
    finishFailed: ({ message }) => record.finishFailed({ fields: { error: message } }),
    closed(recordCount) {
      if (recordCount > 0) logger.info({ requests: recordCount }, 'Requests stay on disk until the next start.');
    },
    observe: (log) => observeGauges(meter, gaugesOf(log), exporter),
  };
}

function createRecorders(event: (kind: EventKind) => RecordEvent) {
  const records = (name: string, description: string) => ({
    counter: { name, unit: '{record}', description, fromZero: [{}] },
  });
  return {
    restored: event(
      records('framekeeper_exporter_storage_restored_records', 'Requests of earlier runs that were queued again.'),
    ),
    damaged: event(records('framekeeper_exporter_storage_damaged_records', 'Requests on disk that could not be read.')),
    damagedBytes: event({
      counter: {
        name: 'framekeeper_exporter_storage_damaged_bytes',
        unit: 'By',
        description: 'Bytes on disk that hold no request any more.',
        fromZero: [{}],
      },
    }),
    writeFailed: event(
      records('framekeeper_exporter_storage_write_failures', 'Requests that could not be written to disk.'),
    ),
    lost: event({
      counter: {
        name: 'otelcol_exporter_send_failed_profile_samples',
        unit: '{sample}',
        description: 'Samples dropped because sending failed.',
      },
      line: { level: 'error', message: 'A request on disk cannot be read. Dropping data.' },
    }),
    finishFailed: event({
      line: { level: 'warn', message: 'Could not note that a request is sent; it is sent again after a restart.' },
    }),
  };
}

function gaugesOf(log: SegmentLog): GaugeReading[] {
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
