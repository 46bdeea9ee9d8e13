import type { ProcessorType } from '../config/component-type.ts';
import {
  converted,
  duration,
  integer,
  integerOf,
  optionalSection,
  readLater,
  section,
  text,
} from '../config/config-keys.ts';
import type { ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';

const mebibyte = 1024 * 1024;

const stubsTable = configTable({
  about: 'Bounds of stub metadata, which is never evicted.',
  keys: {
    maxProcesses: integer(
      'max_processes',
      { fallback: 16_384, min: 1, max: 1_000_000 },
      'Processes, and file IDs with stubs of their own.',
    ),
    maxPerProcess: integer('max_per_process', { fallback: 65_536, min: 1, max: 1_000_000 }, 'Stubs of a process.'),
    maxTotal: readLater(
      integer(
        'max_total',
        { fallback: 250_000, min: 1, max: 2_000_000 },
        'Stubs of all processes; by default at most half of `max_entries`, and never more than that.',
      ),
    ),
    /** Names included; apart from the store's `maxBytes`. */
    maxBytes: integerOf(
      mebibyte,
      'max_size_mib',
      { fallback: 64, min: 1, max: 4096 },
      'MiB of the stubs of all processes, names included; beside `max_size_mib` of the store.',
    ),
  },
});

export type StubLimits = Omit<ConfigOf<typeof stubsTable>, 'maxTotal'> & { readonly maxTotal: number };

const neededNamesTable = configTable({
  about: 'Requests to collectors for names that only they can give.',
  keys: {
    intervalMs: duration(
      'interval',
      { fallback: 5_000, min: 1, max: 3_600_000 },
      'A collector is asked for a name at most once in this time.',
    ),
    maxPending: integer(
      'max_pending',
      { fallback: 8192, min: 1, max: 1_000_000 },
      'Names that wait to be asked for, of one collector.',
    ),
  },
});

export type NeededNamesConfig = ConfigOf<typeof neededNamesTable>;

const snapshotTable = configTable({
  about: 'A file that keeps the store over a restart.',
  keys: {
    path: converted(
      text(
        'path',
        { fallback: '' },
        'The file. Required; an empty text, as a variable that is not set leaves it, is no snapshot.',
      ),
      (path, section) => (section.has('path') ? path : section.requiredString('path', 'the path of a file')),
    ),
    intervalMs: duration('interval', { fallback: 300_000, min: 1000, max: 86_400_000 }, 'Time between two snapshots.'),
    /** A larger file is neither written nor read. */
    maxBytes: integerOf(
      mebibyte,
      'max_size_mib',
      { fallback: 512, min: 1, max: 16_384 },
      'Largest file in MiB; a larger one is neither written nor read.',
    ),
  },
});

export type SnapshotConfig = ConfigOf<typeof snapshotTable>;

const table = configTable(
  {
    about: 'Keeps the names of frames.',
    keys: {
      // Two weeks: times are kept as tenths of a second in 31 bits, and a lifetime must be far from that end.
      lifetimeMs: duration(
        'lifetime',
        { fallback: 3_600_000, min: 1000, max: 14 * 86_400_000 },
        'A name that was not used for longer is forgotten; a process that is silent for longer is gone.',
      ),
      maxEntries: integer(
        'max_entries',
        { fallback: 1_000_000, min: 1, max: 4_000_000 },
        'Symbols and file IDs together.',
      ),
      maxBytes: integerOf(
        mebibyte,
        'max_size_mib',
        { fallback: 256, min: 1, max: 16_384 },
        'MiB of the symbols, their texts and tables.',
      ),
      stubs: section('stubs', stubsTable),
      neededNames: section('names_needed', neededNamesTable),
      snapshot: optionalSection('snapshot', snapshotTable),
    },
  },
  ({ stubs, snapshot, ...values }, own) => {
    const { maxEntries } = values;
    const half = Math.ceil(maxEntries / 2);
    const section = own.section('stubs');
    const maxTotal = section.integer('max_total', Math.min(250_000, half), { min: 1, max: 2_000_000 });
    if (maxTotal * 2 > maxEntries + 1) {
      // Re-submitted every cycle, stubs would evict all other names every cycle.
      const problem = `is ${maxTotal}, more than half of max_entries (${maxEntries})`;
      section.addProblem('max_total', problem, 'lower it or raise max_entries');
    }
    return { ...values, stubs: { ...stubs, maxTotal }, snapshot: snapshot?.path === '' ? undefined : snapshot };
  },
);

/** `snapshot` is `undefined` where the store is forgotten with the process. */
export type SymbolStoreConfig = ConfigOf<typeof table>;

/** Processor `symbol_store`. */
export const symbolStoreType: ProcessorType<SymbolStoreConfig> = {
  kind: 'processor',
  type: 'symbol_store',
  aliases: [],
  stability: 'alpha',
  table,
};
