import type { RestoreRequest } from '../model/request-journal.ts';
import type { LogRecord } from '../storage/segment.ts';
import type { SegmentLog } from '../storage/segment-log.ts';
import type { JournalEvents, JournalLoss } from './journal-events.ts';
import type { KeptBody, Mark, RequestKind, WindowEntry } from './journal-record.ts';
import { isAfter, parseJournalRecord, positionOf } from './journal-record.ts';

export interface ReplayParts {
  readonly log: SegmentLog;
  /** The number of events in the window at hand. */
  readonly countEvents: () => number;
  readonly events: JournalEvents;
}

/** Receivers that take requests again, by kind and identifier. */
export type Restorers = ReadonlyMap<RequestKind, ReadonlyMap<string, RestoreRequest>>;

export interface Replayed {
  /** Records whose events are in the window again. */
  readonly entries: WindowEntry[];
  /** Records that were reported, or are lost. */
  readonly settled: LogRecord[];
  /** The newest mark. */
  readonly mark: LogRecord | undefined;
}

interface Loss {
  readonly reason: JournalLoss;
  readonly error?: unknown;
}

const nothing = new Uint32Array(0);

/**
 * Hands every record of a journal to whom it came by, oldest first, with what of it was not reported: of a record that was
 * reported as a whole that is nothing, and only its names and its sequence number are learned again.
 */
export async function replay(
  records: readonly LogRecord[],
  restorers: Restorers,
  { log, countEvents, events }: ReplayParts,
): Promise<Replayed> {
  const newest = await findMark(log, records);
  const openEvents = newest === undefined ? () => undefined : openEventsBy(newest.mark);
  const entries: WindowEntry[] = [];
  const settled: LogRecord[] = [];
  let sampleCount = 0;
  for (const record of records) {
    const open = openEvents(record);
    const openSamples = open?.length ?? record.header.sampleCount;
    const firstEvent = countEvents();
    const outcome = await takeAgain(log, record, restorers, open);
    if (typeof outcome === 'object') events.lost(record, openSamples, outcome.reason, outcome.error);
    if (outcome === 'taken' && open !== nothing) {
      entries.push({ record, firstEvent, events: open });
      sampleCount += openSamples;
    } else if (record !== newest?.record) settled.push(record);
  }
  events.restored(entries.length, sampleCount);
  return { entries, settled, mark: newest?.record };
}

/** The newest mark alone counts: each speaks of all that was before it. */
async function findMark(
  log: SegmentLog,
  records: readonly LogRecord[],
): Promise<{ readonly record: LogRecord; readonly mark: Mark } | undefined> {
  for (const record of records.toReversed()) {
    const content = await read(log, record);
    if ('kind' in content && content.kind === 'mark') return { record, mark: content };
  }
  return undefined;
}

/** The events of a record that are not reported; `undefined`: none of them is, which only an empty list of a mark denies. */
function openEventsBy({ upTo, held }: Mark): (record: LogRecord) => Uint32Array | undefined {
  const heldByPosition = new Map(
    held.map(({ position, events }) => [`${position.segment} ${position.offset}`, events]),
  );
  return (record) => {
    const position = positionOf(record);
    if (isAfter(position, upTo)) return undefined;
    return heldByPosition.get(`${position.segment} ${position.offset}`) ?? nothing;
  };
}

async function takeAgain(
  log: SegmentLog,
  record: LogRecord,
  restorers: Restorers,
  events: Uint32Array | undefined,
): Promise<'taken' | 'mark' | Loss> {
  const content = await read(log, record);
  if ('reason' in content) return content;
  if (content.kind === 'mark') return 'mark';
  const ofKind = restorers.get(content.kind);
  // A receiver that was renamed: any of its kind reads the same bytes.
  const restore = ofKind?.get(content.source) ?? ofKind?.values().next().value;
  if (restore === undefined) return { reason: 'no_receiver' };
  try {
    restore({ body: content.body, acceptedSamples: record.header.sampleCount, events });
    return 'taken';
  } catch (error) {
    return { reason: 'unreadable', error };
  }
}

async function read(log: SegmentLog, record: LogRecord): Promise<Mark | KeptBody | Loss> {
  try {
    const bytes = await log.read(record);
    if (bytes === undefined) return { reason: 'damaged' };
    return (
      parseJournalRecord(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) ?? { reason: 'unknown_format' }
    );
  } catch (error) {
    return { reason: 'unreadable', error };
  }
}
