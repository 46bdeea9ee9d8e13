import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { LogRecord } from '../storage/segment.ts';
import type { SegmentLog } from '../storage/segment-log.ts';
import type { LogDamage } from '../storage/segment-scan.ts';
import type { GaugeReading } from '../support/events.ts';
import { observeGauges } from '../support/events.ts';

/** Reasons why a record of an earlier run is lost. */
export type LossReason = 'damaged' | 'unknown_format' | 'no_receiver' | 'unreadable';

/** Events of a journal, each counted and logged by one call. */
export interface JournalEvents {
  /** Loss in the files of an earlier run. */
  damaged(damage: LogDamage): void;
  /** Samples of an earlier run are in the window again. */
  restored(requestCount: number, sampleCount: number): void;
  /** A record is of no use; its samples that were not reported are lost. */
  lost(record: LogRecord, sampleCount: number, reason: LossReason, error?: unknown): void;
  written(): void;
  /** `why` is the system's message, or that the bound is met. */
  writeFailed(errorType: string, why: string): void;
  /** A request is larger than the whole journal may be. */
  tooLarge(neededBytes: number): void;
  amendFailed(error: Error): void;
  /** The mark could not be written: the journal still holds what is reported, as if it were not. */
  markFailed(why: string): void;
  closed(requestCount: number): void;
  /** Begins to report what is on disk; the result ends that. */
  observe(log: SegmentLog): () => void;
}

export function createJournalEvents(pipelineId: string, logger: Logger, meter: Meter): JournalEvents {
  const pipeline = { pipeline: pipelineId };
  const counters = createCounters(meter);
  // Alerts need the increase from nothing to one; `lost` has reasons of its own.
  for (const [name, counter] of Object.entries(counters)) if (name !== 'lost') counter.add(0, pipeline);
  let isFailing = false;
  return {
    damaged({ damagedCount, cutCount, damagedBytes }) {
      counters.damaged.add(damagedCount + cutCount, pipeline);
      counters.damagedBytes.add(damagedBytes, pipeline);
      const fields = { damaged_records: damagedCount, cut_records: cutCount, bytes: damagedBytes };
      if (damagedCount > 0) logger.error(fields, 'Parts of the journal are damaged; what they held is lost.');
      else if (cutCount > 0)
        logger.warn(
          fields,
          'The journal ends within a record: the record was never written whole, or its end is lost.',
        );
    },
    restored(requestCount, sampleCount) {
      counters.restored.add(sampleCount, pipeline);
      if (requestCount === 0) return;
      const fields = { requests: requestCount, samples: sampleCount };
      logger.info(fields, 'Samples of an earlier run that were not reported are in the window again.');
    },
    lost({ segment, offset }, sampleCount, reason, error) {
      if (reason !== 'no_receiver') counters.damaged.add(1, pipeline);
      counters.lost.add(sampleCount, { ...pipeline, reason });
      const fields = { reason, err: error, file: segment.path, offset, dropped_samples: sampleCount };
      if (sampleCount > 0) logger.error(fields, 'A request of the journal cannot be taken again. Dropping data.');
    },
    written() {
      if (isFailing) logger.info('The journal can be written again.');
      isFailing = false;
    },
    writeFailed(errorType, why) {
      counters.writeFailures.add(1, { ...pipeline, error_type: errorType });
      if (!isFailing) logger.error({ error: why }, 'The journal cannot be written; new data is refused until it can.');
      isFailing = true;
    },
    tooLarge(neededBytes) {
      counters.writeFailures.add(1, { ...pipeline, error_type: 'too_large' });
      logger.error({ bytes: neededBytes }, 'Refused a request that is larger than max_size_mib of the journal.');
    },
    amendFailed(error) {
      logger.warn({ error: error.message }, 'Could not note in the journal that a window was full.');
    },
    markFailed(why) {
      logger.warn(
        { error: why },
        'Could not note in the journal what is reported; after a kill it would be reported twice.',
      );
    },
    closed(requestCount) {
      if (requestCount === 0) return;
      logger.info({ requests: requestCount }, 'Requests stay in the journal until the next start.');
    },
    observe: (log) => observeGauges(meter, statsOf(log), pipeline),
  };
}

function createCounters(meter: Meter) {
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(`framekeeper_journal_${name}`, { unit: unit === 'By' ? unit : `{${unit}}`, description });
  return {
    restored: counter('restored_samples', 'sample', 'Samples of earlier runs that were taken again.'),
    lost: counter('lost_samples', 'sample', 'Samples of earlier runs that could not be taken again, by reason.'),
    damaged: counter('damaged_records', 'record', 'Records of the journal that could not be read.'),
    damagedBytes: counter('damaged_bytes', 'By', 'Bytes of the journal that hold no record any more.'),
    writeFailures: counter('write_failures', 'request', 'Requests refused because the journal could not be written.'),
  };
}

function statsOf(log: SegmentLog): GaugeReading[] {
  return [
    {
      name: 'framekeeper_journal_bytes',
      unit: 'By',
      description: 'Bytes of the files in which requests are kept until they are reported.',
      read: () => log.sizeBytes,
    },
    {
      name: 'framekeeper_journal_capacity_bytes',
      unit: 'By',
      description: 'Bound on those bytes.',
      read: () => log.maxBytes,
    },
  ];
}
