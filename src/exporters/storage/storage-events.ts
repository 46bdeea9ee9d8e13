import { createLogEvents } from '../../storage/log-events.ts';
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
  const log = createLogEvents('storage', prefix, exporter, parts);
  const record = createRecorders(createEvents(parts, exporter));
  const { meter } = parts;
  return {
    opened(recordCount, damage) {
      record.restored({ count: recordCount });
      if (recordCount > 0) record.queuedAgain({ fields: { requests: recordCount } });
      log.opened(damage);
    },
    written: () => log.written(),
    // Once, until writing succeeds: each refused request has a line of its own.
    writeFailed: ({ code, message }) => log.writeFailed(code ?? '_OTHER', message),
    damaged({ segment, offset, header: { sampleCount } }, why) {
      log.damaged();
      const fields = { error: why, file: segment.path, offset, dropped_items: sampleCount };
      record.lost({ count: sampleCount, labels: { error_type: 'DamagedRecord' }, fields });
    },
    finishFailed: ({ message }) => record.finishFailed({ fields: { error: message } }),
    closed(recordCount) {
      if (recordCount > 0) record.closed({ fields: { requests: recordCount } });
    },
    observe(segments) {
      const ends = [log.observe(segments), observeGauges(meter, [recordGauge(segments)], exporter)];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

const prefix = 'framekeeper_exporter_storage';

function createRecorders(event: (kind: EventKind) => RecordEvent) {
  const line = (level: 'info' | 'warn', message: string) => event({ line: { level, message } });
  return {
    restored: event({
      counter: {
        name: `${prefix}_restored_records`,
        unit: '{record}',
        description: 'Requests of earlier runs that were queued again.',
        fromZero: [{}],
      },
    }),
    queuedAgain: line('info', 'Requests of an earlier run are queued again.'),
    lost: event({
      counter: {
        name: 'otelcol_exporter_send_failed_profile_samples',
        unit: '{sample}',
        description: 'Samples dropped because sending failed.',
      },
      line: { level: 'error', message: 'A request on disk cannot be read. Dropping data.' },
    }),
    finishFailed: line('warn', 'Could not note that a request is sent; it is sent again after a restart.'),
    closed: line('info', 'Requests stay on disk until the next start.'),
  };
}

function recordGauge(log: SegmentLog): GaugeReading {
  return {
    name: `${prefix}_records`,
    unit: '{record}',
    description: 'Requests on disk that are not finished.',
    read: () => log.recordCount,
  };
}
