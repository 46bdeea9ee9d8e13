import type { Steps } from '../support/steps.ts';
import type { LogFileSystem } from './log-file-system.ts';
import { deleteFile, writeAll } from './log-file-system.ts';
import { headerBytes } from './record-header.ts';

/** A page of the file and its copy take a microsecond each, and up to 15 where the system has none left: a millisecond a step. */
const bytesAStep = 256 * 1024;

/**
 * The payload of a large record, written in steps before the record is one of a log: to write it at once would stop the event loop for
 * tens of milliseconds. It has a file of its own without a header, which no start takes for records.
 * Invariant: the file is open until `drop` or `take`, and one of them is the last call.
 */
export class StagedRecord {
  readonly sizeBytes: number;
  readonly path: string;
  readonly #fs: LogFileSystem;
  /** A record that nobody asks for any more must not keep its bytes in memory. */
  readonly #payload: WeakRef<Uint8Array>;
  #fd: number | undefined;
  #isWhole = false;

  /** @throws ErrnoException */
  constructor(fs: LogFileSystem, path: string, payload: Uint8Array) {
    this.#fs = fs;
    this.path = path;
    this.sizeBytes = headerBytes + payload.length;
    this.#payload = new WeakRef(payload);
    // For the owner alone: profiles carry command lines.
    this.#fd = fs.openSync(path, 'w+', 0o600);
  }

  /** Ends early where the record is dropped meanwhile. @throws ErrnoException */
  *write(payload: Uint8Array): Steps<void> {
    for (let start = 0; start < payload.length; start += bytesAStep) {
      if (this.#fd === undefined) return;
      writeAll(this.#fs, this.#fd, [payload.subarray(start, start + bytesAStep)], headerBytes + start);
      yield;
    }
    this.#isWhole = true;
  }

  /** True if this is all of that payload. */
  isOf(payload: Uint8Array): boolean {
    return this.#isWhole && this.#fd !== undefined && this.#payload.deref() === payload;
  }

  /** Hands the open file over. */
  take(): number {
    const fd = this.#fd!;
    this.#fd = undefined;
    return fd;
  }

  /** Removes the file, unless it was handed over. */
  drop(): void {
    if (this.#fd === undefined) return;
    this.#fs.closeSync(this.take());
    deleteFile(this.#fs, this.path);
  }
}
