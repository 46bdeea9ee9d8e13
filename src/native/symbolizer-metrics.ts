import type { Meter } from '@opentelemetry/api';
import type { WorkerEnd } from '../support/worker-client.ts';
import type { DebugFileOutcome } from './files/debuginfod.ts';
import type { FileMiss } from './files/find-file.ts';
import type { WorkerStats } from './worker/messages.ts';

/** Outcomes of look-ups of addresses: named, with a line and no function, without a symbol, without a file, in a file that was refused, or left out at a bound. */
export type AddressOutcome = 'named' | 'line_only' | 'no_symbol' | 'no_file' | 'refused' | 'bounded_out';

export interface SymbolizerMetrics {
  addresses(outcome: AddressOutcome, count: number): void;
  /** Names by the place that they came from. */
  sources(counts: Readonly<Record<string, number>>): void;
  fileMiss(reason: FileMiss): void;
  batch(durationMs: number, stats: WorkerStats | undefined): void;
  workerRestart(reason: WorkerEnd['reason']): void;
  /** A search on debuginfod servers ended. */
  debugFile(outcome: DebugFileOutcome): void;
  /** Bytes came from a debuginfod server. */
  downloaded(bytes: number): void;
}

// An object names each label once, and the compiler asks for the ones that are missing.
const outcomes: Record<AddressOutcome, true> = {
  ...{ named: true, line_only: true, no_symbol: true },
  ...{ no_file: true, refused: true, bounded_out: true },
};
const missReasons: Record<FileMiss, true> = {
  ...{ no_process: true, no_permission: true, build_id_differs: true },
  ...{ not_elf: true, too_large: true, no_file: true },
};
const endReasons: Record<WorkerEnd['reason'], true> = { timeout: true, out_of_memory: true, crashed: true };

export function createSymbolizerMetrics(meter: Meter, readPending: () => number): SymbolizerMetrics {
  const create = (name: string, description: string, unit: string) =>
    meter.createCounter(`framekeeper_symbolizer_${name}`, { description, unit });
  const addresses = create('addresses', 'Native addresses, by what became of them.', '{address}');
  const names = create('names', 'Names of native addresses, by the part of a file that they came from.', '{name}');
  const misses = create('file_misses', 'Files that were not found, by reason.', '{file}');
  const readBytes = create('read', 'Bytes read from executables and debug files.', 'By');
  const restarts = create('worker_restarts', 'Threads that were ended, by reason.', '{thread}');
  const debugFiles = create('debuginfod_searches', 'Searches for debug files on servers, by outcome.', '{search}');
  const downloaded = create('debuginfod_downloaded', 'Bytes that came from debuginfod servers.', 'By');
  const duration = meter.createHistogram('framekeeper_symbolizer_batch_duration', {
    unit: 's',
    description: 'How long a batch of addresses of one file took',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  });
  let stats: WorkerStats = { readBytes: 0, tableBytes: 0, inflatedBytes: 0 };
  const observe = (name: string, description: string, unit: string, read: () => number): void => {
    const gauge = meter.createObservableGauge(`framekeeper_symbolizer_${name}`, { description, unit });
    gauge.addCallback((result) => result.observe(read()));
  };
  observe('pending_addresses', 'Native addresses that wait for their names.', '{address}', readPending);
  observe('table_size', 'Memory of the symbol tables of open files.', 'By', () => stats.tableBytes);
  observe('inflated_size', 'Decompressed debug sections on disk.', 'By', () => stats.inflatedBytes);
  // Alerts need the increase from nothing to one.
  for (const outcome of Object.keys(outcomes)) addresses.add(0, { outcome });
  for (const reason of Object.keys(missReasons)) misses.add(0, { reason });
  for (const reason of Object.keys(endReasons)) restarts.add(0, { reason });
  for (const counter of [readBytes, downloaded]) counter.add(0);
  return {
    addresses: (outcome, count) => {
      if (count > 0) addresses.add(count, { outcome });
    },
    sources: (counts) => {
      for (const [source, count] of Object.entries(counts)) names.add(count, { source });
    },
    fileMiss: (reason) => misses.add(1, { reason }),
    batch: (durationMs, told) => {
      duration.record(durationMs / 1000);
      if (told === undefined) return;
      stats = told;
      readBytes.add(told.readBytes);
    },
    workerRestart: (reason) => restarts.add(1, { reason }),
    debugFile: (outcome) => debugFiles.add(1, { outcome }),
    downloaded: (bytes) => downloaded.add(bytes),
  };
}
