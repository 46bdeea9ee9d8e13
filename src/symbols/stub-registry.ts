import type { FileId } from '../model/file-id.ts';
import { formatFileId } from '../model/file-id.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { Steps } from '../support/steps.ts';
import { mergeSymbols, symbolsEqual } from './merge-symbols.ts';
import type { Submitter } from './namers.ts';
import { mayReplace } from './namers.ts';
import type { OwnerKey, StubSpace, StubSubmission } from './stub-owner.ts';
import { StubOwner, spaceIdOf } from './stub-owner.ts';
import { StubOwners } from './stub-owners.ts';
import type { StubRange } from './stub-range.ts';
import { createStubRange } from './stub-range.ts';
import type { StubRanges } from './stub-ranges.ts';
import { StubShares } from './stub-shares.ts';
import { SymbolPool, symbolBytes } from './symbol-pool.ts';
import type { StubLimits } from './symbol-store-config.ts';

/** Measured: a StubRange, its place in a chunk, and the slot of its symbol in the store. */
const rangeBytes = 160;
/** Names given back a purge: some five milliseconds. A process that exits may have 65,536. */
const releasesPerPurge = 16_384;
/** Names given back at once where stubs that come need the room. */
const rangesPerRelease = 256;

/** Bounds on stubs: of a process, on processes, on processes of one ID, on all stubs, and the fair share of an instance. */
export type StubBound = 'process' | 'processes' | 'namesakes' | 'total' | 'share';

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
  readonly #shares: StubShares<StubOwner>;
  #liveStubs = 0;
  readonly #boundedOut: Record<StubBound, number> = { process: 0, processes: 0, namesakes: 0, total: 0, share: 0 };
  #conflicts = 0;
  #cycle = 0;
  #resubmitted = 0;

  /** `seed` keeps the file IDs of stub spaces secret from who could submit symbols for them. */
  constructor(limits: StubLimits, createSpace: (id: FileId) => StubSpace, seed: number) {
    this.#limits = limits;
    this.#shares = new StubShares(limits);
    this.#createSpace = createSpace;
    this.#seed = seed;
  }

  get liveStubs(): number {
    return this.#liveStubs;
  }

  /** Stubs that were dropped, and submissions that were refused, by the bound that was met. */
  get boundedOut(): Readonly<Record<StubBound, number>> {
    return this.#boundedOut;
  }

  /** Stubs of file IDs that were not taken because they overlap those of a live namer. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** Stubs that were live at the end of their cycle, over all cycles so far. */
  get resubmittedStubs(): number {
    return this.#resubmitted;
  }

  get bytes(): number {
    return this.#symbols.bytes + this.#liveStubs * rangeBytes;
  }

  /** Takes one submission; the later one wins where ranges overlap. */
  learn(instanceId: string, stub: StubSubmission, nowMs: number, submitter?: Submitter): void {
    // Without a start time, stubs that come after an exit are those of a new process.
    if ('process' in stub.owner) this.dropUntimed(instanceId, stub.owner.process);
    const owner = this.#ownerFor(instanceId, stub.owner, nowMs);
    if (owner === undefined) {
      this.#boundedOut.processes++;
      return;
    }
    owner.touch(nowMs);
    const submitted = createStubRange(stub.start, stub.length, stub.symbol, this.#cycle);
    const known = owner.ranges.at(submitted.startHigh, submitted.startLow);
    const isSame = known !== undefined && known.lastHigh === submitted.lastHigh && known.lastLow === submitted.lastLow;
    if (isSame && symbolsEqual(known.symbol, stub.symbol)) {
      owner.ranges.touch(known);
      this.#write(owner, known);
      return;
    }
    if (submitter !== undefined && 'fileId' in owner.key && !this.#mayName(owner, submitted, submitter)) return;
    const isRevision = known !== undefined && known.symbol.functionName === stub.symbol.functionName;
    const symbol = this.#symbols.retain(isRevision ? mergeSymbols(known.symbol, stub.symbol) : stub.symbol);
    this.#add(owner, { ...submitted, symbol });
  }

  /** Stubs of a file ID are for all processes: those of a live namer are not cut or renamed by another one. */
  #mayName(owner: StubOwner, range: StubRange, submitter: Submitter): boolean {
    if (mayReplace(owner.namer, submitter)) owner.namer = submitter.namer;
    else if (owner.ranges.overlaps(range)) {
      this.#conflicts++;
      return false;
    }
    return true;
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

  /**
   * Drops a process that has exited where no start time tells it from the next one with its ID: its stubs are not there
   * for samples that come late, or they would name those of another process.
   */
  dropUntimed(instanceId: string, process: ProcessIdentity): void {
    if (process.startTimeNano !== 0n) return;
    const owner = this.owners.ofProcess(instanceId, process);
    if (owner?.hasExited === true) this.#drop(owner);
  }

  /** Ends a cycle: writes what was not written in it yet. Returns the number of live stubs. Owners may come and go between two steps. */
  *resubmit(): Steps<number> {
    // Exits and stubs that come between two steps belong to the next cycle.
    const ended = this.#cycle++;
    for (const owner of this.owners) {
      owner.space.refresh();
      for (let i = 0; i < owner.ranges.chunkCount; i++) {
        this.#writeAll(owner, owner.ranges.chunkAt(i)!, ended);
        yield;
      }
    }
    this.#resubmitted += this.#liveStubs;
    return this.#liveStubs;
  }

  /** Drops processes that exited before the last resubmission or are silent since before `silentSinceMs`. */
  purge(silentSinceMs: number): void {
    for (const owner of this.owners) {
      if (owner.hasExitedBefore(this.#cycle) || owner.lastSeenMs < silentSinceMs) this.#drop(owner);
    }
    this.#releaseExited(releasesPerPurge);
  }

  #add(owner: StubOwner, range: StubRange): void {
    const { added, removed } = owner.ranges.add(range);
    for (const gone of removed) this.#forget(owner, gone);
    for (const piece of added) {
      // The rest of a range that was cut has its symbol, and a reference of its own to it.
      if (piece !== range) this.#symbols.retain(piece.symbol);
      this.#liveStubs++;
      owner.charge(1, bytesOf(piece));
      this.#write(owner, piece);
    }
    while (owner.ranges.count > this.#limits.maxPerProcess) this.#dropOldest(owner, 'process');
    this.#enforceBudget(owner);
  }

  /** Lets the instance that uses most pay; where that is the owner's, the owner pays. */
  #enforceBudget(owner: StubOwner): void {
    const { maxTotal, maxBytes } = this.#limits;
    while (this.#liveStubs > maxTotal || this.bytes > maxBytes) {
      // Names of exited processes take bytes of nobody's account until they are released.
      if (this.#releaseExited(rangesPerRelease)) continue;
      const payer = this.#shares.payerOfStubs();
      const isOwn = payer === undefined || payer === owner.account;
      const victim = isOwn ? owner : payer.leastRecent();
      if (victim === undefined || !this.#dropOldest(victim, isOwn ? 'total' : 'share')) return;
      if (victim !== owner && victim.ranges.count === 0) this.#drop(victim);
    }
  }

  #dropOldest(owner: StubOwner, bound: StubBound): boolean {
    const { oldest } = owner.ranges;
    if (oldest === undefined) return false;
    this.#boundedOut[bound]++;
    owner.ranges.remove(oldest);
    this.#forget(owner, oldest);
    return true;
  }

  #forget(owner: StubOwner, range: StubRange): void {
    this.#liveStubs--;
    owner.charge(-1, -bytesOf(range));
    owner.space.erase(range);
    this.#symbols.release(range.symbol);
  }

  #write(owner: StubOwner, range: StubRange): void {
    range.writtenCycle = this.#cycle;
    owner.space.write(range);
  }

  /** Writes the ranges that were not written in a cycle, nor since. */
  #writeAll(owner: StubOwner, chunk: readonly StubRange[], cycle: number): void {
    for (let i = 0; i < chunk.length; i++) {
      const range = chunk[i]!;
      if (range.writtenCycle >= cycle) continue;
      range.writtenCycle = cycle;
      owner.space.write(range);
    }
  }

  #ownerFor(instanceId: string, of: StubSubmission['owner'], nowMs: number): StubOwner | undefined {
    const known = 'fileId' in of ? this.openFile(of.fileId, nowMs) : this.openProcess(instanceId, of.process, nowMs);
    if (known !== undefined) return known;
    if (this.owners.size >= this.#limits.maxProcesses) {
      const payer = this.#shares.payerOfOwner(instanceId)?.leastRecent();
      if (payer === undefined) return undefined;
      this.#boundedOut.share += payer.ranges.count;
      this.#drop(payer);
    }
    if ('fileId' in of) return this.#createOwner({ fileId: formatFileId(of.fileId) }, instanceId, nowMs);
    const { pid, startTimeNano } = of.process;
    this.owners.supersedeOthers(instanceId, of.process, this.#cycle);
    const crowdedOut = this.owners.crowdedOut(instanceId, pid);
    this.#boundedOut.namesakes += crowdedOut?.ranges.count ?? 0;
    if (crowdedOut !== undefined) this.#drop(crowdedOut);
    return this.#createOwner({ instanceId, pid, startTimeNano }, instanceId, nowMs);
  }

  #createOwner(key: OwnerKey, instanceId: string, nowMs: number): StubOwner {
    const space = this.#createSpace(spaceIdOf(key, this.#seed));
    const owner = new StubOwner(key, space, this.#shares.open(instanceId), nowMs);
    this.owners.add(owner);
    return owner;
  }

  #drop(owner: StubOwner): void {
    this.owners.delete(owner);
    this.#liveStubs -= owner.ranges.count;
    owner.drop();
    this.#exitedProcesses.push(owner.ranges);
  }

  /** Releases the symbols of about `limit` ranges; `false` when there was none. */
  #releaseExited(limit: number): boolean {
    let left = limit;
    while (left > 0) {
      const chunk = this.#exitedProcesses.at(-1)?.takeLastChunk();
      if (chunk === undefined && this.#exitedProcesses.pop() === undefined) break;
      for (const range of chunk ?? []) this.#symbols.release(range.symbol);
      left -= chunk?.length ?? 0;
    }
    return left < limit;
  }
}

/** Most bytes of a range: its symbol may share texts with other symbols. */
function bytesOf({ symbol }: StubRange): number {
  return rangeBytes + symbolBytes(symbol);
}
