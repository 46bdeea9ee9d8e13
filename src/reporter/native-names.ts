import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';

/** Names of native frames that come from this node's own files, some time after they were asked for. */
export interface NativeNames {
  /** Asks for the name at an address of a file. May be called for each frame of each batch. */
  need(fileId: FileId, addressHigh: number, addressLow: number, source: NativeSource): void;
  /** True while the name at an address may still arrive. */
  isUnderWay(fileId: FileId, addressHigh: number, addressLow: number): boolean;
  /** The reason why an address has no name; `undefined` when it was not asked for. */
  reasonOf(fileId: FileId, addressHigh: number, addressLow: number): string | undefined;
}

/** Hints for finding the file of a native frame. */
export interface NativeSource {
  /** A process that has the file mapped; 0 when unknown. */
  readonly pid: number;
  /** `undefined` when nothing is known of the file. */
  readonly executable: Executable | undefined;
}
