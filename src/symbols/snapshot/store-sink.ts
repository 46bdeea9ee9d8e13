import type { Executable } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { OwnerKey } from '../stub-owner.ts';

/**
 * Receiver of the entries of a store, the coldest first: a walk calls one, a snapshot and a restored store are
 * some. Ages are tenths of a second before the beginning of the walk, and never increase.
 */
export interface StoreSink {
  file(file: FileRecord): void;
  /** A symbol of the last file. */
  symbol(addressHigh: number, addressLow: number, age: number, symbol: FrameSymbol): void;
  /** A process, or a file ID, that has stubs. */
  owner(key: OwnerKey, age: number): void;
  /** A stub of the last owner. */
  stub(stub: StubRecord): void;
}

export interface FileRecord {
  readonly fileId: FileId;
  readonly age: number;
  readonly executable: Executable | undefined;
  /** True for the last file once more, when a section of the snapshot begins among its symbols. */
  readonly isContinued: boolean;
}

/** First and last address as unsigned words. */
export interface StubRecord {
  readonly startHigh: number;
  readonly startLow: number;
  readonly lastHigh: number;
  readonly lastLow: number;
  readonly symbol: FrameSymbol;
}
