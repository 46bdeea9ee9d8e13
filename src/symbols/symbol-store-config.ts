import type { ConfigSection } from '../config/config-section.ts';
import type { SnapshotConfig } from './snapshot/snapshot-config.ts';
import { readSnapshotConfig } from './snapshot/snapshot-config.ts';

/** The processor `symbol_store`. */
export interface SymbolStoreConfig {
  /** What was not used for longer than this is forgotten; a process that is silent for longer is gone. */
  readonly lifetimeMs: number;
  /** Symbols and file IDs together. */
  readonly maxEntries: number;
  /** Symbols, their texts, and the tables that hold them. */
  readonly maxBytes: number;
  readonly stubs: StubLimits;
  readonly neededNames: NeededNamesConfig;
  /** `undefined` when the store is forgotten with the process. */
  readonly snapshot: SnapshotConfig | undefined;
}

export interface StubLimits {
  /** Processes, and file IDs with stubs of their own. */
  readonly maxProcesses: number;
  readonly maxPerProcess: number;
  readonly maxTotal: number;
  /** Stub metadata of all processes, names included; apart from `maxBytes`, because it must not be evicted. */
  readonly maxBytes: number;
}

export interface NeededNamesConfig {
  /** A collector is asked for a name at most once in this time. */
  readonly intervalMs: number;
  /** Names that wait to be asked for, of one collector. */
  readonly maxPending: number;
}

const mebibyte = 1024 * 1024;

export function readSymbolStoreConfig(section: ConfigSection): SymbolStoreConfig {
  const stubs = section.section('stubs');
  const names = section.section('names_needed');
  const maxEntries = section.integer('max_entries', 1_000_000, { min: 1, max: 4_000_000 });
  const config = {
    // Two weeks: times are kept as tenths of a second in 31 bits, and a lifetime must be far from that end.
    lifetimeMs: section.durationMs('lifetime', 3_600_000, { min: 1000, max: 14 * 86_400_000 }),
    maxEntries,
    maxBytes: section.integer('max_size_mib', 256, { min: 1, max: 16_384 }) * mebibyte,
    stubs: {
      maxProcesses: stubs.integer('max_processes', 16_384, { min: 1, max: 1_000_000 }),
      maxPerProcess: stubs.integer('max_per_process', 65_536, { min: 1, max: 1_000_000 }),
      maxTotal: stubs.integer('max_total', Math.min(250_000, Math.ceil(maxEntries / 2)), { min: 1, max: 2_000_000 }),
      maxBytes: stubs.integer('max_size_mib', 64, { min: 1, max: 4096 }) * mebibyte,
    },
    neededNames: {
      intervalMs: names.durationMs('interval', 5000, { min: 1, max: 3_600_000 }),
      maxPending: names.integer('max_pending', 8192, { min: 1, max: 1_000_000 }),
    },
    snapshot: readSnapshotConfig(section),
  };
  if (config.stubs.maxTotal * 2 > maxEntries + 1) {
    // Re-submitted every cycle, they would evict all other names every cycle.
    stubs.addProblem(
      'max_total',
      `is ${config.stubs.maxTotal}, more than half of max_entries (${maxEntries})`,
      'lower it or raise max_entries',
    );
  }
  stubs.end();
  names.end();
  section.end();
  return config;
}
