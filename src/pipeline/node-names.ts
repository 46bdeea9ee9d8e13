import type { ComponentOf } from '../config/check-document.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { SymbolizerDependencies } from '../native/create-symbolizer.ts';
import { createSymbolizer } from '../native/create-symbolizer.ts';
import type { NativeSymbolizer } from '../native/native-symbolizer.ts';
import type { SymbolizerConfig } from '../native/symbolizer-config.ts';
import type { NamingSession } from '../profile/names/location-naming.ts';
import { componentLogger } from '../support/logger.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';

type LearnSymbol = (fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol) => void;

/** The symbol store of a pipeline, and this node's files, where names are looked for that it lacks. */
export interface NodeNames {
  readonly store: SymbolStore;
  readonly native: NativeSymbolizer | undefined;
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
  const learnSymbol: LearnSymbol = (fileId, high, low, symbol) => {
    if (store.knowsInFile(fileId, high, low)) return;
    store.at(clock.nowMs()).learnSymbol(fileId, high, low, symbol);
    nameWaiting(fileId, high, low, symbol);
  };
  const own = componentLogger(logger, 'processor', id);
  const native = createSymbolizer(id, config, { sink: { learnSymbol }, meter, clock, logger: own });
  return { store, native, holdMs: config.holdMs };
}

/** Frame types whose addresses are those of an executable's code; empty where the sender tells none. */
const fileNamedTypes: ReadonlySet<string> = new Set(['', 'native', 'go', 'rust']);

/** The store at a time, for OTLP profiles: what it lacks is asked for. */
export function namingAt({ store, native }: NodeNames, nowMs: number): NamingSession {
  const session = store.at(nowMs);
  if (native === undefined) return session;
  return {
    learnExecutable: (fileId, executable) => session.learnExecutable(fileId, executable),
    learnSymbol: (fileId, high, low, symbol) => session.learnSymbol(fileId, high, low, symbol),
    openFile: (fileId) => session.openFile(fileId),
    reasonUnknown: (fileId, high, low) =>
      native.reasonOf(fileId, high, low) ?? session.reasonUnknown(fileId, high, low),
    needNativeName: ({ fileId, executable }, high, low, frameType) => {
      if (fileNamedTypes.has(frameType)) native.need(fileId, high, low, { pid: 0, executable });
    },
  };
}

/** The names of a store alone. */
export function namesOfStore(store: SymbolStore): NodeNames {
  return { store, native: undefined, holdMs: 0 };
}
