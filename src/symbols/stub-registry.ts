import type { FileId } from '../model/file-id.ts';
import { formatFileId } from '../model/file-id.ts';
import type { ProcessIdentity } from '../model/process.ts';
import { mergeSymbols, symbolsEqual } from './merge-symbols.ts';
import type { OwnerKey, StubSpace, StubSubmission } from './stub-owner.ts';
import { StubOwner, spaceIdOf } from './stub-owner.ts';
import { StubOwners } from './stub-owners.ts';
import type { StubRange } from './stub-range.ts';
import { createStubRange } from './stub-range.ts';
import type { StubRanges } from './stub-ranges.ts';
import { SymbolPool } from './symbol-pool.ts';
import type { StubLimits } from './symbol-store-config.ts';

/** Measured: a StubRange, its place in a chunk, and the slot of its symbol in the store. */
const rangeBytes = 160;
/** Names given back a purge: some five milliseconds. A process that exits may have 65,536. */
const releasesPerPurge = 16_384;

/**
 * Stub metadata of every live process, and of file IDs that have some, until the process exits or is silent for longer
 * than a lifetime. Writes each stub to the store when it is submitted and again in every reporting cycle.
 * A process is a collector instance, a process ID and a start time, so that no collector reaches another's stubs.
 */
export class StubRegistry {
  readonly #limits: StubLimits;
  readonly #createSpace: (id: FileId) => StubSpace;
  readonly #seed: number;
  readonly #symbols = new SymbolPool();
  readonly owners: StubOwners = new StubOwners();
  /** Ranges of exited processes, whose symbols are released bit by bit. */
  readonly #exitedProcesses: StubRanges[] = [];
  #liveStubs = 0;
  #boundedOut = 0;
  #cycle = 0;
  #resubmitted = 0;

  /** `seed` keeps the file IDs of stub spaces secret from who could submit symbols for them. */
  constructor(limits: StubLimits, createSpace: (id: FileId) => StubSpace, seed: number) {
    this.#limits = limits;
    this.#createSpace = createSpace;
    this.#seed = seed;
  }

  get liveStubs(): number {
    return this.#liveStubs;
  }

  /** Stubs that were dropped, and submissions that were refused, because a bound was met. */
  get boundedOut(): number {
    return this.#boundedOut;
  }

  /** Stubs that were live at the end of their cycle, over all cycles so far. */
  get resubmittedStubs(): number {
    return this.#resubmitted;
  }

  get bytes(): number {
    return this.#symbols.bytes + this.#liveStubs * rangeBytes;
  }

  /** Takes one submission; the later one wins where ranges overlap. */
  learn(instanceId: string, stub: StubSubmission, nowMs: number): void {
    const owner = this.#ownerFor(instanceId, stub.owner, nowMs);
    if (owner === undefined) {
      this.#boundedOut++;
      return;
    }
    owner.touch(nowMs);
    // Without a start time, stubs that come after an exit are those of a new process.
    if ('pid' in owner.key && owner.key.startTimeNano === 0n) owner.restore();
    const submitted = createStubRange(stub.start, stub.length, stub.symbol, this.#cycle);
    const known = owner.ranges.at(submitted.startHigh, submitted.startLow);
    const isSame = known !== undefined && known.lastHigh === submitted.lastHigh && known.lastLow === submitted.lastLow;
    if (isSame && symbolsEqual(known.symbol, stub.symbol)) {
      owner.ranges.touch(known);
      this.#write(owner, known);
      return;
    }
    const isRevision = known !== undefined && known.symbol.functionName === stub.symbol.functionName;
    const symbol = this.#symbols.retain(isRevision ? mergeSymbols(known.symbol, stub.symbol) : stub.symbol);
    this.#add(owner, { ...submitted, symbol });
  }

  /** The stubs of a process, which counts as seen. */
  openProcess(instanceId: string, process: ProcessIdentity, nowMs: number): StubOwner | undefined {
    const owner = this.owners.ofProcess(instanceId, process);
    owner?.touch(nowMs);
    return owner;
  }

  /** The stubs of a file ID, which counts as seen. */
  openFile(fileId: FileId, nowMs: number): StubOwner | undefined {
    const owner = this.owners.ofFile(fileId);
    owner?.touch(nowMs);
    return owner;
  }

  /** True if a process has a stub at the address; marks nothing as used. */
  knowsInProcess(instanceId: string, process: ProcessIdentity, addressHigh: number, addressLow: number): boolean {
    return this.owners.ofProcess(instanceId, process)?.ranges.find(addressHigh, addressLow) !== undefined;
  }

  knowsInFile(fileId: FileId, addressHigh: number, addressLow: number): boolean {
    return this.owners.ofFile(fileId)?.ranges.find(addressHigh, addressLow) !== undefined;
  }

  /**
   * Marks the processes of a batch as alive. Each supersedes others of its ID; first all do, because samples of two
   * processes with one ID can come in one batch, in any order, and then both are alive.
   */
  markAlive(instanceId: string, processes: readonly (ProcessIdentity | undefined)[], nowMs: number): void {
    for (const process of processes) {
      if (process !== undefined) this.owners.supersedeOthers(instanceId, process, this.#cycle);
    }
    for (const process of processes) {
      if (process !== undefined) this.owners.ofProcess(instanceId, process)?.markAlive(nowMs);
    }
  }

  /** The process's stubs stay for the samples at hand, until the purge after the next resubmission. */
  exit(instanceId: string, process: ProcessIdentity): void {
    this.owners.ofProcess(instanceId, process)?.exit(this.#cycle);
  }

  /** Ends a cycle: writes what was not written in it yet. Returns the number of live stubs. */
  resubmit(): number {
    for (const owner of this.owners) {
      owner.space.refresh();
      for (let i = 0; i < owner.ranges.chunkCount; i++) this.#writeAll(owner, owner.ranges.chunkAt(i)!);
    }
    this.#cycle++;
    this.#resubmitted += this.#liveStubs;
    return this.#liveStubs;
  }

  /** Drops processes that exited before the last resubmission or are silent since before `silentSinceMs`. */
  purge(silentSinceMs: number): void {
    for (const owner of this.owners) {
      if (owner.hasExitedBefore(this.#cycle) || owner.lastSeenMs < silentSinceMs) this.#drop(owner);
    }
    this.#releaseExited();
  }

  #add(owner: StubOwner, range: StubRange): void {
    const { added, removed } = owner.ranges.add(range);
    this.#liveStubs += added.length - removed.length;
    for (const gone of removed) this.#forget(owner, gone);
    for (const piece of added) {
      // The rest of a range that was cut has its symbol, and a reference of its own to it.
      if (piece !== range) this.#symbols.retain(piece.symbol);
      this.#write(owner, piece);
    }
    const { maxPerProcess, maxTotal, maxBytes } = this.#limits;
    while (owner.ranges.count > maxPerProcess || this.#liveStubs > maxTotal || this.bytes > maxBytes) {
      const { oldest } = owner.ranges;
      if (oldest === undefined) break;
      this.#boundedOut++;
      owner.ranges.remove(oldest);
      this.#liveStubs--;
      this.#forget(owner, oldest);
    }
  }

  #forget(owner: StubOwner, range: StubRange): void {
    owner.space.erase(range);
    this.#symbols.release(range.symbol);
  }

  #write(owner: StubOwner, range: StubRange): void {
    range.writtenCycle = this.#cycle;
    owner.space.write(range);
  }

  #writeAll(owner: StubOwner, chunk: readonly StubRange[]): void {
    for (let i = 0; i < chunk.length; i++) {
      if (chunk[i]!.writtenCycle !== this.#cycle) this.#write(owner, chunk[i]!);
    }
  }

  #ownerFor(instanceId: string, of: StubSubmission['owner'], nowMs: number): StubOwner | undefined {
    const known = 'fileId' in of ? this.openFile(of.fileId, nowMs) : this.openProcess(instanceId, of.process, nowMs);
    if (known !== undefined) return known;
    if (this.owners.size >= this.#limits.maxProcesses) return undefined;
    if ('fileId' in of) return this.#createOwner({ fileId: formatFileId(of.fileId) }, nowMs);
    const { pid, startTimeNano } = of.process;
    this.owners.supersedeOthers(instanceId, of.process, this.#cycle);
    const crowdedOut = this.owners.crowdedOut(instanceId, pid);
    this.#boundedOut += crowdedOut?.ranges.count ?? 0;
    if (crowdedOut !== undefined) this.#drop(crowdedOut);
    return this.#createOwner({ instanceId, pid, startTimeNano }, nowMs);
  }

  #createOwner(key: OwnerKey, nowMs: number): StubOwner {
    const owner = new StubOwner(key, this.#createSpace(spaceIdOf(key, this.#seed)), nowMs);
    this.owners.add(owner);
    return owner;
  }

  #drop(owner: StubOwner): void {
    this.owners.delete(owner);
    this.#liveStubs -= owner.ranges.count;
    this.#exitedProcesses.push(owner.ranges);
    owner.drop();
  }

  #releaseExited(): void {
    for (let left = releasesPerPurge; left > 0; ) {
      const chunk = this.#exitedProcesses.at(-1)?.takeLastChunk();
      if (chunk === undefined && this.#exitedProcesses.pop() === undefined) return;
      for (const range of chunk ?? []) this.#symbols.release(range.symbol);
      left -= chunk?.length ?? 0;
    }
  }
}
