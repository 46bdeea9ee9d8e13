import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { namelessSession } from '../support/nameless-session.ts';
import { oneStep } from '../support/one-step.ts';
import type { PastStore } from './past-stores/past-store.ts';
import type { SoakSubject } from './soak.ts';
import type { SoakCollector } from './templates.ts';

export const lifetimeMs = 3_600_000;

/** Framekeeper's own store and a collector that says everything once. */
export function subjectOfToday(store: SymbolStore, collector: SoakCollector): SoakSubject {
  return { collector, atIntake: store, atReport: store, resolveGrace: true };
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
      at: (nowMs) => ({ ...namelessSession, learnInSteps: (batch) => oneStep(() => store.learn(batch, nowMs)) }),
    },
    atReport: store,
    resolveGrace: false,
  };
}
