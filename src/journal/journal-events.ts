import { createLogEvents } from '../storage/log-events.ts';
import type { LogRecord } from '../storage/segment.ts';
import type { SegmentLog } from '../storage/segment-log.ts';
import type { LogDamage } from '../storage/segment-scan.ts';
import type { EventKind, EventParts, RecordEvent } from '../support/events.ts';
import { createEvents } from '../support/events.ts';

/** Reasons why a record of an earlier run is lost. */
export type JournalLoss = 'damaged' | 'unknown_format' | 'no_receiver' | 'unreadable';

/** Events of a journal, each counted and logged by one call. */
export interface JournalEvents {
  /** Loss in the files of an earlier run. */
  damaged(damage: LogDamage): void;
  /** Samples of an earlier run are in the window again. */
  restored(requestCount: number, sampleCount: number): void;
  /** A record is of no use; its samples that were not reported are lost. */
  lost(record: LogRecord, sampleCount: number, reason: JournalLoss, error?: unknown): void;
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

export function createJournalEvents(pipelineId: string, parts: EventParts): JournalEvents {
  const pipeline = { pipeline: pipelineId };
  const log = createLogEvents('journal', 'framekeeper_journal', pipeline, parts);
  const record = createRecorders(createEvents(parts, pipeline));
  const { logger } = parts;
  return {
    damaged: (damage) => log.opened(damage),
    restored(requestCount, sampleCount) {
      record.restored({ count: sampleCount });
      if (requestCount === 0) return;
      const fields = { requests: requestCount, samples: sampleCount };
      logger.info(fields, 'Samples of an earlier run that were not reported are in the window again.');
    },
    lost({ segment, offset }, sampleCount, reason, error) {
      if (reason !== 'no_receiver') log.damaged();
      record.lost({ count: sampleCount, labels: { reason } });
      const fields = { reason, err: error, file: segment.path, offset, dropped_samples: sampleCount };
      if (sampleCount > 0) logger.error(fields, 'A request of the journal cannot be taken again. Dropping data.');
    },
    written: () => log.written(),
    writeFailed: (errorType, why) => log.writeFailed(errorType, why),
    tooLarge(neededBytes) {
      log.refused('too_large');
      record.tooLarge({ fields: { bytes: neededBytes } });
    },
    amendFailed: ({ message }) => record.amendFailed({ fields: { error: message } }),
    markFailed: (why) => record.markFailed({ fields: { error: why } }),
    closed(requestCount) {
      if (requestCount > 0) record.closed({ fields: { requests: requestCount } });
    },
    observe: (segments) => log.observe(segments),
  };
}

function createRecorders(event: (kind: EventKind) => RecordEvent) {
  const counter = (name: string, description: string) => ({
    name: `framekeeper_journal_${name}`,
    unit: '{sample}',
    description,
  });
  const line = (level: 'info' | 'warn' | 'error', message: string) => event({ line: { level, message } });
  return {
    restored: event({
      counter: { ...counter('restored_samples', 'Samples of earlier runs that were taken again.'), fromZero: [{}] },
    }),
    // Series by reason exist once there is one.
    lost: event({
      counter: counter('lost_samples', 'Samples of earlier runs that could not be taken again, by reason.'),
    }),
    tooLarge: line('error', 'Refused a request that is larger than max_size_mib of the journal.'),
    amendFailed: line('warn', 'Could not note in the journal that a window was full.'),
    markFailed: line(
      'warn',
      'Could not note in the journal what is reported; after a kill it would be reported twice.',
    ),
    closed: line('info', 'Requests stay in the journal until the next start.'),
  };
}
