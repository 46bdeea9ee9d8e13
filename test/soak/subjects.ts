import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { noNames } from '../support/no-names.ts';
import type { PastStore } from './past-stores/past-store.ts';
import type { SoakSubject } from './soak.ts';
import type { SoakCollector } from './templates.ts';

export const lifetimeMs = 3_600_000;

/** Framekeeper's own store and a collector that says everything once. */
export function subjectOfToday(store: SymbolStore, collector: SoakCollector): SoakSubject {
  return { collector, atIntake: store, atReport: store, names: store.neededNames, resolveGrace: true };
}

export function createStore(budget: { readonly maxEntries: number; readonly maxBytes: number }): SymbolStore {
  const stubs = { maxProcesses: 4096, maxPerProcess: 4096, maxTotal: 8192, maxBytes: 2 ** 24 };
  const neededNames = { intervalMs: 5000, maxPending: 8192 };
  return new SymbolStore({ ...budget, lifetimeMs, stubs, neededNames, snapshot: undefined }, () => 0.3);
}

/** A store of the past and a collector of its time. Samples asked it nothing: names were looked up for the report. */
export function subjectOfThen(store: PastStore, collector: SoakCollector): SoakSubject {
  return {
    collector,
    atIntake: {
      learn: (batch, atMs) => store.learn(batch, atMs),
      openFile: () => undefined,
      openProcess: () => undefined,
      executable: () => undefined,
      reasonUnknown: () => 'never_submitted',
      resubmitStubs: () => 0,
      purge: () => undefined,
    },
    atReport: store,
    names: noNames,
    resolveGrace: false,
  };
}
