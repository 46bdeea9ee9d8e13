import type { StubBound } from './stub-registry.ts';

/** Numbers of the store: its content now, and its events since it was created. */
export interface SymbolStoreStats {
  /** Symbols and file IDs. */
  readonly entries: number;
  readonly symbols: number;
  readonly files: number;
  /** Different texts. */
  readonly strings: number;
  /** An estimate, proved by a benchmark, of all that `max_size_mib` bounds. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Look-ups of symbols in files that are known. */
  readonly hits: number;
  readonly misses: number;
  /** Look-ups of file IDs. */
  readonly fileHits: number;
  readonly fileMisses: number;
  readonly inserts: number;
  readonly updates: number;
  readonly evictions: number;
  readonly fileEvictions: number;
  readonly expirations: number;
  readonly fileExpirations: number;
  /** Of tables of both levels. */
  readonly grows: number;
  readonly shrinks: number;
  /** Symbols that were too large to be taken. */
  readonly refusedSymbols: number;
  /** Names and executables that were not taken because a live collector of another host had given another one. */
  readonly nameConflicts: number;
  /** Ranges that are re-submitted in each cycle. */
  readonly liveStubs: number;
  /** Processes and file IDs with stubs. */
  readonly stubOwners: number;
  readonly stubBytes: number;
  readonly resubmittedStubs: number;
  /** Stubs that were dropped or refused because a bound was met. */
  readonly boundedOutStubs: Readonly<Record<StubBound, number>>;
  /** Frames whose names are to be asked for. */
  readonly pendingNames: number;
  readonly askedNames: number;
  readonly pendingExecutables: number;
  readonly askedExecutables: number;
  /** Frames and executables not asked for because too many were waiting, or too many collectors. */
  readonly boundedOutNames: number;
}
