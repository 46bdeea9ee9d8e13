import type { SymbolSession } from '../../src/reporter/symbol-source.ts';

/** A session of a store that knows nothing, learns nothing and asks for nothing. */
export const namelessSession: SymbolSession = {
  *learnInSteps() {
    yield;
  },
  *endBatch() {
    yield;
  },
  openFile: () => undefined,
  openProcess: () => undefined,
  executable: () => undefined,
  reasonUnknown: () => 'never_submitted',
  needName: () => undefined,
  needExecutable: () => undefined,
  takeNeededNames: () => [],
  takeNeededExecutables: () => [],
  *resubmitStubs() {
    yield;
    return 0;
  },
  purge: () => undefined,
};
