import type { Counter, Meter } from '@opentelemetry/api';
import type { NameBook } from '../profile/names/name-book.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';

/** The store at one moment, for the names that OTLP profiles bring and lack. */
export function bookOf(store: SymbolStore, nowMs: number): NameBook {
  return {
    learnExecutable: (fileId, executable) => store.learnExecutable(fileId, executable, nowMs),
    learnSymbol: (fileId, high, low, symbol) => store.learnSymbol(fileId, high, low, symbol, nowMs),
    openFile: (fileId) => store.openFile(fileId, nowMs),
  };
}

export function createLocationCounter(meter: Meter): Counter {
  return meter.createCounter('framekeeper_otlp_locations', {
    description: 'Locations of OTLP profiles, by what became of them: learned, named, unnamed.',
    unit: '{location}',
  });
}
