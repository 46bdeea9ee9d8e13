import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import type { FileMiss } from './files/find-file.ts';

/** Addresses of one file in one request. */
export const maxBatch = 1000;
const maxPids = 4;
const firstRetryMs = 5_000;
const maxRetryMs = 300_000;

/** The reason for a missing name. */
export type UnnamedReason = FileMiss | 'no_symbol' | 'under_way' | 'refused' | 'bounded_out';

/**
 * The addresses of one file: pending ones, the ones of the request under way, and the ones that are known to have no name.
 * Addresses are exact numbers, below 2^53.
 */
export class FileNeeds {
  readonly fileId: FileId;
  /** Addresses that wait, each once. */
  readonly pending: Set<number> = new Set();
  readonly unnamed: Set<number> = new Set();
  readonly #asked = new Set<number>();
  #executable: Executable | undefined;
  #pids: number[] = [];
  #miss: FileMiss | undefined;
  #isRefused = false;
  /** True while a debug file is downloaded: addresses wait for it. */
  isWaiting = false;
  #misses = 0;
  #retryMs = Number.NEGATIVE_INFINITY;

  constructor(fileId: FileId) {
    this.fileId = fileId;
  }

  get executable(): Executable | undefined {
    return this.#executable;
  }

  /** The newest first. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  get isUnderWay(): boolean {
    return this.isWaiting || this.#asked.size > 0;
  }

  /** Learns where the file may be found. A new process, or a build ID, is a reason to look again at once. */
  describe(pid: number, executable: Executable | undefined): void {
    if (executable !== undefined && executable.gnuBuildId !== this.#executable?.gnuBuildId) this.#tryAgain();
    this.#executable = executable ?? this.#executable;
    if (pid === 0 || this.#pids[0] === pid) return;
    if (!this.#pids.includes(pid)) this.#tryAgain();
    this.#pids = [pid, ...this.#pids.filter((other) => other !== pid)].slice(0, maxPids);
  }

  /** True when an address should be asked for: not pending or under way, not known as nameless, and its file neither refused nor just missed. */
  wants(address: number, nowMs: number): boolean {
    if (this.#isRefused || nowMs < this.#retryMs) return false;
    return !this.pending.has(address) && !this.#asked.has(address) && !this.unnamed.has(address);
  }

  waitsFor(address: number): boolean {
    return this.pending.has(address) || this.#asked.has(address);
  }

  /** Moves up to a batch of addresses from those that wait to those that are asked for; they rise. */
  take(): Float64Array {
    for (const address of this.pending) {
      if (this.#asked.size === maxBatch) break;
      this.#asked.add(address);
    }
    for (const address of this.#asked) this.pending.delete(address);
    return Float64Array.from(this.#asked).sort();
  }

  /** Ends the request under way. */
  settle(): void {
    this.#asked.clear();
    this.#misses = 0;
    this.#miss = undefined;
  }

  /** Ends the request under way without an answer: its addresses wait again. How many they are. */
  putBack(): number {
    const count = this.#asked.size;
    for (const address of this.#asked) this.pending.add(address);
    this.#asked.clear();
    return count;
  }

  /** The file was not found: its addresses are dropped, and asked for again after a while, if they still come. */
  miss(reason: FileMiss, nowMs: number): void {
    this.#asked.clear();
    this.pending.clear();
    this.#miss = reason;
    this.#retryMs = nowMs + Math.min(firstRetryMs * 2 ** this.#misses, maxRetryMs);
    this.#misses++;
  }

  /** The file is not tried any more. */
  refuse(): void {
    this.#asked.clear();
    this.pending.clear();
    this.#isRefused = true;
  }

  reasonOf(address: number): UnnamedReason | undefined {
    if (this.#isRefused) return 'refused';
    if (this.waitsFor(address)) return 'under_way';
    if (this.unnamed.has(address)) return 'no_symbol';
    return this.#miss;
  }

  #tryAgain(): void {
    this.#retryMs = Number.NEGATIVE_INFINITY;
  }
}
