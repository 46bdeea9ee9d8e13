import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Clock } from '../../support/clock.ts';
import type { EventKind, RecordEvent } from '../../support/events.ts';
import { createEvents } from '../../support/events.ts';
import type { LoadedSnapshot } from './load-snapshot.ts';
import type { SavedSnapshot } from './save-snapshot.ts';
import type { EntryCounts, SnapshotFault } from './snapshot-format.ts';

/** Outcome of loading a snapshot. */
export interface RestoreOutcome {
  readonly savedUnixNano: bigint;
  /** Entries that had outlived their lifetime. */
  readonly expired: number;
  /** Entries for which the store had no room. */
  readonly evicted: number;
}

/** Events of snapshots, each counted and logged by one call. */
export interface SnapshotEvents {
  loaded(snapshot: LoadedSnapshot, outcome: RestoreOutcome, durationMs: number): void;
  absent(): void;
  /** `keptAs` is where the file is now. */
  refused(fault: SnapshotFault, keptAs: string): void;
  saved(snapshot: SavedSnapshot, savedUnixNano: bigint, durationMs: number): void;
  saveFailed(error: unknown): void;
  /** Another instance has the lock. */
  notOurs(): void;
  /** The lock is taken: this instance writes the snapshot from now on. */
  locked(): void;
  lockedByOther(owner: string): void;
  /** The lock cannot even be tried. */
  lockFailed(error: unknown): void;
}

interface SnapshotState {
  entries: number;
  bytes: number;
  /** Of the last time it was written. */
  durationMs: number;
  savedUnixNano: bigint | undefined;
}

export function createSnapshotEvents(path: string, logger: Logger, meter: Meter, clock: Clock): SnapshotEvents {
  const state: SnapshotState = { entries: 0, bytes: 0, durationMs: 0, savedUnixNano: undefined };
  const record = createRecorders(createEvents({ meter, logger, clock }, {}));
  observeState(meter, clock, state);
  // Each state is logged once, when it begins.
  let lockState: 'locked' | 'other' | 'failed' | undefined;
  return {
    loaded({ counts, bytes }, { savedUnixNano, expired, evicted }, durationMs) {
      Object.assign(state, { entries: entriesOf(counts), bytes, savedUnixNano });
      const ageS = secondsBetween(savedUnixNano, clock.unixNano());
      const fields = { path, ...counts, bytes, expired, evicted, age_s: ageS, duration_ms: Math.round(durationMs) };
      record.loaded({ count: entriesOf(counts), fields });
    },
    absent: () => record.absent({ fields: { path } }),
    refused: ({ message }, keptAs) => record.refused({ fields: { error: `${path}: ${message}`, kept_as: keptAs } }),
    saved({ counts, bytes, leftOut }, savedUnixNano, durationMs) {
      Object.assign(state, { entries: entriesOf(counts), bytes, savedUnixNano, durationMs });
      record.saved({ fields: { path, ...counts, bytes, duration_ms: Math.round(durationMs) } });
      if (leftOut === 0) return;
      const remedy = 'raise max_size_mib or lower max_entries';
      record.leftOut({ count: leftOut, fields: { path, left_out: leftOut, remedy } });
    },
    saveFailed: (error) => record.saveFailed({ fields: { path, error } }),
    notOurs: () => record.notOurs({ fields: { path } }),
    locked() {
      lockState = 'locked';
      record.locked({ fields: { path } });
    },
    lockedByOther(owner) {
      if (lockState !== 'other') record.lockedByOther({ fields: { path, owner } });
      lockState = 'other';
    },
    lockFailed(error) {
      if (lockState !== 'failed') record.lockFailed({ fields: { path, error } });
      lockState = 'failed';
    },
  };
}

function createRecorders(event: (kind: EventKind) => RecordEvent) {
  const counter = (name: string, description: string, unit: string) => ({
    name: `framekeeper_symbol_store_snapshot_${name}`,
    description,
    unit,
    fromZero: [{}],
  });
  const line = (level: 'debug' | 'info' | 'warn' | 'error', message: string) => ({ level, message });
  return {
    loaded: event({
      counter: counter('loaded', 'Entries of the snapshot that was read at the start.', '{entry}'),
      line: line('info', 'The symbol snapshot was loaded.'),
    }),
    absent: event({ line: line('info', 'There is no symbol snapshot yet.') }),
    refused: event({
      counter: counter('refusals', 'Snapshots that could not be read.', '{snapshot}'),
      line: line('warn', 'The symbol snapshot was refused. The symbol store starts empty.'),
    }),
    saved: event({
      counter: counter('writes', 'Snapshots that were written.', '{snapshot}'),
      line: line('debug', 'The symbol snapshot was written.'),
    }),
    leftOut: event({
      counter: counter('left_out', 'Entries for which a snapshot had no room.', '{entry}'),
      line: line('warn', 'The coldest symbols are not in the symbol snapshot.'),
    }),
    saveFailed: event({
      counter: counter('failures', 'Snapshots that could not be written.', '{snapshot}'),
      line: line('error', 'The symbol snapshot could not be written. The last one stays.'),
    }),
    notOurs: event({ line: line('warn', 'The symbol snapshot was not written: another instance has it.') }),
    locked: event({ line: line('debug', 'This instance writes the symbol snapshot.') }),
    lockedByOther: event({
      line: line('warn', 'Another instance writes this symbol snapshot. This one only reads it, until that ends.'),
    }),
    lockFailed: event({ line: line('error', 'The symbol snapshot cannot be locked or written.') }),
  };
}

function observeState(meter: Meter, clock: Clock, state: SnapshotState): void {
  const gauge = (name: string, description: string, unit: string, read: () => number | undefined): void => {
    const instrument = meter.createObservableGauge(`framekeeper_symbol_store_snapshot_${name}`, { description, unit });
    instrument.addCallback((result) => {
      const value = read();
      if (value !== undefined) result.observe(value);
    });
  };
  gauge('entries', 'Entries of the last snapshot.', '{entry}', () => state.entries);
  gauge('size', 'Size of the last snapshot on disk.', 'By', () => state.bytes);
  gauge('duration', 'How long the last snapshot took to write.', 's', () => state.durationMs / 1000);
  gauge('age', 'Time since the last snapshot began; names that came after it would not survive.', 's', () =>
    state.savedUnixNano === undefined ? undefined : secondsBetween(state.savedUnixNano, clock.unixNano()),
  );
}

function entriesOf({ files, symbols, stubs }: EntryCounts): number {
  return files + symbols + stubs;
}

function secondsBetween(fromUnixNano: bigint, toUnixNano: bigint): number {
  return Number((toUnixNano - fromUnixNano) / 1_000_000n) / 1000;
}
