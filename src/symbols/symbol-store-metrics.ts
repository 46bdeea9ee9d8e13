import type { Meter } from '@opentelemetry/api';
import type { SymbolStoreStats } from './symbol-store-stats.ts';

interface Instrument {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly isGauge?: true;
  /** A number, or one for each reason. */
  readonly read: (store: SymbolStoreStats) => number | Readonly<Record<string, number>>;
}

const instruments: readonly Instrument[] = [
  gauge('entries', 'Symbols and file IDs in the store.', '{entry}', (store) => store.entries),
  gauge('symbols', 'Symbols in the store.', '{symbol}', (store) => store.symbols),
  gauge('files', 'File IDs in the store.', '{file}', (store) => store.files),
  gauge('strings', 'Different texts of the symbols in the store.', '{string}', (store) => store.strings),
  gauge('size', 'Memory of the store.', 'By', (store) => store.bytes),
  gauge('max_size', 'Most memory that the store may take.', 'By', (store) => store.maxBytes),
  gauge('live_stubs', 'Stubs that are re-submitted in each reporting cycle.', '{stub}', (store) => store.liveStubs),
  gauge('stub_owners', 'Processes and file IDs with stubs.', '{owner}', (store) => store.stubOwners),
  gauge('stub_size', 'Memory of the stub registry.', 'By', (store) => store.stubBytes),
  counter('hits', 'Look-ups of symbols that were found.', '{lookup}', (store) => store.hits),
  counter('misses', 'Look-ups of symbols that were not found in a known file.', '{lookup}', (store) => store.misses),
  counter('file_hits', 'Look-ups of file IDs that were found.', '{lookup}', (store) => store.fileHits),
  counter('file_misses', 'Look-ups of file IDs that were not found.', '{lookup}', (store) => store.fileMisses),
  counter('inserts', 'Symbols that came in.', '{symbol}', (store) => store.inserts),
  counter('updates', 'Symbols written again; stubs are in every cycle.', '{symbol}', (store) => store.updates),
  counter('evictions', 'Symbols that left because of the budget.', '{symbol}', (store) => store.evictions),
  counter('file_evictions', 'File IDs that left because of the budget.', '{file}', (store) => store.fileEvictions),
  counter('expirations', 'Symbols that left unused for a lifetime.', '{symbol}', (store) => store.expirations),
  counter('file_expirations', 'File IDs that left unused for a lifetime.', '{file}', (store) => store.fileExpirations),
  counter('grows', 'Times that a table of the store grew.', '{change}', (store) => store.grows),
  counter('shrinks', 'Times that a table of the store shrank.', '{change}', (store) => store.shrinks),
  counter(
    'name_conflicts',
    'Names and executables not taken because a live collector of another host had given another one.',
    '{name}',
    (store) => store.nameConflicts,
  ),
  counter('refused_symbols', 'Symbols that were too large to take.', '{symbol}', (store) => store.refusedSymbols),
  counter(
    'resubmitted_stubs',
    'Stubs written again at the end of a cycle.',
    '{stub}',
    (store) => store.resubmittedStubs,
  ),
  counter(
    'bounded_out_stubs',
    'Stubs dropped or refused at a bound, by reason.',
    '{stub}',
    (store) => store.boundedOutStubs,
  ),
  gauge('names_needed_pending', 'Frames whose names are to be asked for.', '{frame}', (store) => store.pendingNames),
  counter('names_needed', 'Frames whose names were asked for.', '{frame}', (store) => store.askedNames),
  gauge('executables_needed_pending', 'Executables to be asked for.', '{file}', (store) => store.pendingExecutables),
  counter('executables_needed', 'Executables that were asked for.', '{file}', (store) => store.askedExecutables),
  counter(
    'names_needed_bounded_out',
    'Frames and executables not asked for at a bound.',
    '{entry}',
    (store) => store.boundedOutNames,
  ),
];

/** Makes the store's stats observable as `framekeeper_symbol_store_*`; read once a collection. */
export function registerSymbolStoreMetrics(meter: Meter, store: { stats(): SymbolStoreStats }): void {
  const observed = instruments.map(({ name, isGauge, read, ...options }) => {
    const fullName = `framekeeper_symbol_store_${name}`;
    const instrument =
      isGauge === true
        ? meter.createObservableGauge(fullName, options)
        : meter.createObservableCounter(fullName, options);
    return { instrument, read };
  });
  meter.addBatchObservableCallback(
    (result) => {
      const stats = store.stats();
      for (const { instrument, read } of observed) {
        const value = read(stats);
        if (typeof value === 'number') result.observe(instrument, value);
        else for (const [reason, count] of Object.entries(value)) result.observe(instrument, count, { reason });
      }
    },
    observed.map(({ instrument }) => instrument),
  );
}

function gauge(name: string, description: string, unit: string, read: Instrument['read']): Instrument {
  return { ...counter(name, description, unit, read), isGauge: true };
}

function counter(name: string, description: string, unit: string, read: Instrument['read']): Instrument {
  return { name, description, unit, read };
}
