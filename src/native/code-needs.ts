import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import { formatFileId } from '../model/file-id.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { FileMiss } from './files/find-file.ts';
import type { SymbolizeRequest } from './worker/messages.ts';

/** Addresses of one code in one request. */
export const maxBatch = 1000;
const maxPids = 4;
const firstRetryMs = 5_000;
const maxRetryMs = 300_000;
/** Each look may start the thread, and reads the maps of all processes. */
const retryGrowth = 4;
/** Named addresses of generated code that are asked for again when it changed; each stands for a function. */
const maxNamed = 1024;
/** Generated code is looked at again at most so often. */
const refreshMs = 5_000;

/** The reason for a missing name. */
export type UnnamedReason = FileMiss | 'no_symbol' | 'under_way' | 'refused' | 'bounded_out';

/** Owner of the names of generated code: a process of a collector, or a file ID that stands for the memory of one. */
export type MemoryOwner =
  | { readonly kind: 'process'; readonly instanceId: string; readonly process: ProcessIdentity }
  | { readonly kind: 'file'; readonly fileId: FileId };

/** Code within which an address means the same: of a file, of the running kernel, or in the memory of a process. */
export type Code =
  | { readonly kind: 'file' | 'kernel'; readonly fileId: FileId }
  | { readonly kind: 'memory'; readonly owner: MemoryOwner; readonly process: ProcessIdentity };

/** Hints for finding code. */
export interface CodeHints {
  /** A process that has the file mapped; 0 when unknown. */
  readonly pid: number;
  /** `undefined` when nothing is known of the file. */
  readonly executable: Executable | undefined;
  /** Start of the file in memory; 0 when unknown. */
  readonly start?: bigint;
}

/**
 * The addresses of one code: pending ones, the ones of the request under way, and the ones that are known to have no name.
 * Addresses are exact numbers, those of a kernel negative.
 */
export class CodeNeeds {
  readonly code: Code;
  /** Addresses that wait, each once. */
  readonly pending: Set<number> = new Set();
  readonly unnamed: Set<number> = new Set();
  /** Of generated code: addresses that have a name, the newest last. */
  readonly #named = new Set<number>();
  readonly #asked = new Set<number>();
  #executable: Executable | undefined;
  #pids: number[] = [];
  #start = 0n;
  #miss: FileMiss | undefined;
  #isRefused = false;
  /** True while a debug file is downloaded: addresses wait for it. */
  isWaiting = false;
  #isStale = false;
  #version = '';
  #checkedMs = Number.NEGATIVE_INFINITY;
  #misses = 0;
  #lastRequest = 0;
  #retryMs = Number.NEGATIVE_INFINITY;

  constructor(code: Code) {
    this.code = code;
  }

  get executable(): Executable | undefined {
    return this.#executable;
  }

  get isUnderWay(): boolean {
    return this.isWaiting || this.#asked.size > 0;
  }

  /** Number of its last request, 0 before the first. */
  get lastRequest(): number {
    return this.#lastRequest;
  }

  /** Number of addresses that wait for a request, 1 for names to be looked at again; 0 while a debug file is downloaded. */
  get urgency(): number {
    if (this.isWaiting) return 0;
    return this.pending.size > 0 ? this.pending.size : this.#isStale ? 1 : 0;
  }

  /** Learns where the code may be found. A new process, or a build ID, is a reason to look again at once. */
  describe({ pid, executable, start = 0n }: CodeHints): void {
    if (executable !== undefined && executable.gnuBuildId !== this.#executable?.gnuBuildId) this.#tryAgain();
    this.#executable = executable ?? this.#executable;
    if (start !== 0n) this.#start = start;
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

  /** Notes that generated code is in use: after a while, its names are looked at again. True if that is due. */
  use(nowMs: number): boolean {
    const isDue = this.#version !== '' && !this.isUnderWay && nowMs - this.#checkedMs >= refreshMs;
    if (isDue) this.#isStale = true;
    return isDue;
  }

  /** The next request: a batch of the addresses that wait, or of generated code all that have a name. */
  request(id: number): SymbolizeRequest {
    this.#lastRequest = id;
    const { code } = this;
    const isRefresh = this.pending.size === 0;
    const addresses = isRefresh ? Float64Array.from(this.#named).sort() : this.#take();
    if (code.kind === 'memory') {
      this.#isStale = false;
      return { id, process: code.process, addresses, knownVersion: isRefresh ? this.#version : '' };
    }
    const { gnuBuildId = '', fileName = '' } = this.#executable ?? {};
    const file = { fileId: formatFileId(code.fileId), gnuBuildId, fileName };
    if (code.kind === 'file') return { id, file, pids: this.#pids, addresses };
    return { id, kernel: file, textStart: Number(BigInt.asIntN(64, this.#start)), addresses };
  }

  /** Moves up to a batch of waiting addresses to the requested ones; they rise. */
  #take(): Float64Array {
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

  /** Keeps an address of generated code that has a name. */
  keepNamed(address: number): void {
    this.#named.delete(address);
    this.#named.add(address);
    if (this.#named.size > maxNamed) this.#named.delete(this.#named.values().next().value!);
  }

  /** Notes that generated code has not changed until now. */
  setChecked(nowMs: number): void {
    this.#checkedMs = nowMs;
  }

  /** Notes the version of the perf map that the names are of. Addresses that had none may have one in a new version; how many there were. */
  setVersion(version: string, nowMs: number): number {
    this.#checkedMs = nowMs;
    if (version === this.#version) return 0;
    this.#version = version;
    const count = this.unnamed.size;
    this.unnamed.clear();
    return count;
  }

  /** Ends the request under way without an answer: its addresses wait again. How many they are. */
  putBack(): number {
    const count = this.#asked.size;
    for (const address of this.#asked) this.pending.add(address);
    this.#asked.clear();
    return count;
  }

  /** The code was not found: its addresses are dropped, and asked for again after a while, if they still come. */
  miss(reason: FileMiss, nowMs: number): void {
    this.#asked.clear();
    this.pending.clear();
    this.#version = '';
    this.#miss = reason;
    const waitMs = firstRetryMs * retryGrowth ** this.#misses;
    // At common times from then on: the thread, which ends when nobody asks, begins once for all code that is nowhere.
    this.#retryMs = waitMs < maxRetryMs ? nowMs + waitMs : Math.floor((nowMs + maxRetryMs) / maxRetryMs) * maxRetryMs;
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
    this.#misses = 0;
    this.#retryMs = Number.NEGATIVE_INFINITY;
  }
}
