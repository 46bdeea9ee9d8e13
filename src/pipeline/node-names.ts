import type { Counter, Meter } from '@opentelemetry/api';
import type { ComponentOf } from '../config/check-document.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { SymbolizerDependencies } from '../native/create-symbolizer.ts';
import { createSymbolizer } from '../native/create-symbolizer.ts';
import { MemoryFileIds } from '../native/files/memory-file-ids.ts';
import type { NameSink, NativeSymbolizer } from '../native/native-symbolizer.ts';
import type { SymbolizerConfig } from '../native/symbolizer-config.ts';
import type { NamingSession } from '../profile/names/location-naming.ts';
import { componentLogger } from '../support/logger.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';
import { MemoryNaming } from './memory-naming.ts';

type LearnSymbol = (fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol) => void;

/** The symbol store of a pipeline, and this node's files, where names are looked for that it lacks. */
export interface NodeNames {
  readonly store: SymbolStore;
  readonly native: NativeSymbolizer | undefined;
  /** File IDs of this node's memory. */
  readonly memory: MemoryFileIds | undefined;
  /** Longest time that a request which passes waits for names under way. */
  readonly holdMs: number;
}

/**
 * The names that one pipeline has. `nameWaiting` gives a name to the samples that wait for it, whatever the store forgets until the
 * report. Names from files fill gaps: a name that a collector gave stays.
 */
export function createNodeNames(
  symbolizer: ComponentOf<SymbolizerConfig> | undefined,
  store: SymbolStore,
  nameWaiting: LearnSymbol,
  { clock, meter, logger }: Omit<SymbolizerDependencies, 'sink'>,
): NodeNames {
  if (symbolizer?.config.native !== true) return namesOfStore(store);
  const { id, config } = symbolizer;
  const sink: NameSink = {
    learnSymbol: (fileId, high, low, symbol) => {
      if (store.knowsInFile(fileId, high, low)) return;
      store.at(clock.nowMs()).learnSymbol(fileId, high, low, symbol);
      nameWaiting(fileId, high, low, symbol);
    },
    learnCode: (owner, { start, length, addressHigh, addressLow, symbol }, isNew) => {
      const session = store.at(clock.nowMs());
      if (owner.kind === 'file') {
        session.learnStub('', { owner: { fileId: owner.fileId }, start, length, symbol });
        return;
      }
      const { instanceId, process } = owner;
      if (isNew && store.knowsInProcess(instanceId, process, addressHigh, addressLow)) return;
      session.learnStub(instanceId, { owner: { process }, start, length, symbol });
    },
  };
  const own = componentLogger(logger, 'processor', id);
  const native = createSymbolizer(id, config, { sink, meter, clock, logger: own });
  return { store, native, memory: new MemoryFileIds(config.procRoot), holdMs: config.holdMs };
}

/** Frame types whose addresses are those of an executable's code; empty where the sender tells none. */
const fileNamedTypes: ReadonlySet<string> = new Set(['', 'native', 'go', 'rust']);

/**
 * The store at a time, for OTLP profiles: what it lacks is asked for. `readProcesses` gives the process of each location, for profiles
 * with locations in memory; without it these get no names.
 */
export function namingAt(
  { store, native, memory }: NodeNames,
  nowMs: number,
  readProcesses?: () => Float64Array,
): NamingSession {
  const session = store.at(nowMs);
  if (native === undefined) return session;
  const inMemory = memory && readProcesses && new MemoryNaming({ session, native, memory, readProcesses });
  return {
    learnExecutable: (fileId, executable) => session.learnExecutable(fileId, executable),
    learnSymbol: (fileId, high, low, symbol) => session.learnSymbol(fileId, high, low, symbol),
    openFile: (fileId) => session.openFile(fileId),
    reasonUnknown: (fileId, high, low) =>
      native.reasonOf({ kind: 'file', fileId }, high, low) ?? session.reasonUnknown(fileId, high, low),
    needNativeName: ({ fileId, executable }, high, low, frameType) => {
      if (fileNamedTypes.has(frameType)) native.need({ kind: 'file', fileId }, high, low, { pid: 0, executable });
    },
    openMemory: (place) => inMemory?.open(place),
  };
}

/** The names of a store alone. */
export function namesOfStore(store: SymbolStore): NodeNames {
  return { store, native: undefined, memory: undefined, holdMs: 0 };
}

/** Counter of the locations that are named or that names are learned of. */
export function createLocationCounter(meter: Meter): Counter {
  return meter.createCounter('framekeeper_otlp_locations', {
    description: 'Locations of OTLP profiles, by what became of them: learned, named, unnamed.',
    unit: '{location}',
  });
}
