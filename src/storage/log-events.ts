import type { Attributes } from '@opentelemetry/api';
import type { EventParts } from '../support/events.ts';
import { createEvents, observeGauges } from '../support/events.ts';
import type { SegmentLog } from './segment-log.ts';
import type { LogDamage } from './segment-scan.ts';

/** Events of a segment log that its users have in common, each counted and logged by one call. */
export interface LogEvents {
  /** Loss in the files of an earlier run; none is no event. */
  opened(damage: LogDamage): void;
  /** A record that was intact at the opening cannot be read. */
  damaged(): void;
  written(): void;
  /** `why` is the system's message, or the bound that is met. Logged once, until writing succeeds. */
  writeFailed(errorType: string, why: string): void;
  /** Counts a refusal that has a log line of its own. */
  refused(errorType: string): void;
  /** Begins to report size and capacity; the result ends that. */
  observe(log: SegmentLog): () => void;
}

/** `noun` is the log's name in log lines, `prefix` begins the names of its metrics, `labels` go with each. */
export function createLogEvents(noun: string, prefix: string, labels: Attributes, parts: EventParts): LogEvents {
  const { logger, meter } = parts;
  const event = createEvents(parts, labels);
  const count = (name: string, unit: string, description: string) =>
    event({ counter: { name: `${prefix}_${name}`, unit, description, fromZero: [{}] } });
  const damagedRecords = count('damaged_records', '{record}', 'Records on disk that could not be read.');
  const damagedBytes = count('damaged_bytes', 'By', 'Bytes on disk that hold no record any more.');
  const writeFailures = count('write_failures', '{request}', 'Requests that could not be written to disk.');
  let isFailing = false;
  return {
    opened({ damagedCount, cutCount, damagedBytes: bytes }) {
      damagedRecords({ count: damagedCount + cutCount });
      damagedBytes({ count: bytes });
      const fields = { damaged_records: damagedCount, cut_records: cutCount, bytes };
      if (damagedCount > 0) logger.error(fields, `Parts of the ${noun} are damaged; what they held is lost.`);
      else if (cutCount > 0) logger.warn(fields, `The ${noun} ends within a record: ${cutReason}`);
    },
    damaged: damagedRecords,
    written() {
      if (isFailing) logger.info(`The ${noun} can be written again.`);
      isFailing = false;
    },
    writeFailed(errorType, why) {
      writeFailures({ labels: { error_type: errorType } });
      if (!isFailing) logger.error({ error: why }, `The ${noun} cannot be written; new data is refused until it can.`);
      isFailing = true;
    },
    refused: (errorType) => writeFailures({ labels: { error_type: errorType } }),
    observe: (log) =>
      observeGauges(
        meter,
        [
          {
            name: `${prefix}_bytes`,
            unit: 'By',
            description: 'Bytes of the files in which requests are kept.',
            read: () => log.sizeBytes,
          },
          {
            name: `${prefix}_capacity_bytes`,
            unit: 'By',
            description: 'Bound on those bytes.',
            read: () => log.maxBytes,
          },
        ],
        labels,
      ),
  };
}

const cutReason = 'the record was never written whole, or its end is lost.';
