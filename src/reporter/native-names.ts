import type { Executable } from '../model/executable.ts';
import type { FileOwner } from './sample-window.ts';

/** Names of native, kernel and generated code that come from this node's own files, some time after they were asked for. */
export interface NativeNames {
  /** Asks for the name at an address. May be called for each frame of each batch. */
  need(owner: FileOwner, addressHigh: number, addressLow: number, hints: NativeHints): void;
  /** Notes that samples have code of the memory of a process. */
  use(owner: FileOwner): void;
  /** True while the name at an address may still arrive. */
  isUnderWay(owner: FileOwner, addressHigh: number, addressLow: number): boolean;
  /** The reason why an address has no name; `undefined` when it was not asked for. */
  reasonOf(owner: FileOwner, addressHigh: number, addressLow: number): string | undefined;
}

/** Hints for finding the code of a frame. */
export interface NativeHints {
  /** A process that has the file mapped; 0 when unknown. */
  readonly pid: number;
  /** `undefined` when nothing is known of the file. */
  readonly executable: Executable | undefined;
  /** Start of the file in memory; 0 when unknown. */
  readonly start: bigint;
}
