import type { NeededName } from '../model/batch-outcome.ts';
import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameBatch } from '../model/frame-batch.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import type { FrameSymbol, SymbolLookup } from '../model/frame-symbol.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { Steps } from '../support/steps.ts';
import { atOnce, eachInSteps } from '../support/steps.ts';
import type { FrameOwner } from './collector-needs.ts';
import type { Namers, Submitter } from './namers.ts';
import { anonymous } from './namers.ts';
import type { NeededNames } from './needed-names.ts';
import type { StoreContents } from './store-contents.ts';
import { tickAt } from './store-contents.ts';
import type { StubSubmission } from './stub-owner.ts';

interface SessionParts extends StoreContents {
  readonly neededNames: NeededNames;
  readonly namers: Namers;
  readonly lifetimeMs: number;
}

/** The symbol store at one time: for one batch, one request or the end of one reporting cycle. */
export class StoreSession {
  readonly #parts: SessionParts;
  readonly #nowMs: number;
  /** Submitter of names whose sender is not told apart. */
  readonly #anonymous: Submitter;

  constructor(parts: SessionParts, nowMs: number) {
    this.#parts = parts;
    this.#nowMs = nowMs;
    this.#anonymous = { namer: anonymous, namers: parts.namers, nowMs };
    parts.files.advance(tickAt(nowMs, parts.lifetimeMs));
  }

  /** Takes all names of a batch, its process exits and its executables. Bounds that bite are counted, and are no errors. */
  learn(batch: FrameBatch): void {
    atOnce(this.learnInSteps(batch));
  }

  /** The same in steps. */
  *learnInSteps(batch: FrameBatch): Steps<void> {
    const { files, stubs, namers } = this.#parts;
    const { instanceId, resourceAttributes } = batch.collector;
    const hostId = resourceAttributes.get('host.id') ?? '';
    const namer = namers.seen(hostId === '' ? `instance ${instanceId}` : `host ${hostId}`, this.#nowMs);
    const submitter = { namer, namers, nowMs: this.#nowMs };
    if (batch.executables.length > 0)
      yield* eachInSteps(batch.executables, ({ fileId, executable }) => {
        files.learnExecutable(fileId, executable, submitter);
      });
    if (batch.symbols.length > 0)
      yield* eachInSteps(batch.symbols, ({ fileId, addressHigh, addressLow, symbol }) => {
        files.learnSymbol(fileId, addressHigh, addressLow, symbol, submitter);
      });
    if (batch.stubs.length > 0)
      yield* eachInSteps(batch.stubs, (stub) => {
        stubs.learn(instanceId, stub, this.#nowMs, submitter);
        files.enforceBudget();
      });
    // One step: a process that another one with its ID supersedes is alive again before anything else happens.
    stubs.markAlive(instanceId, batch.processes, this.#nowMs);
    if (batch.processExits.length > 0)
      yield* eachInSteps(batch.processExits, (process) => stubs.exit(instanceId, process));
  }

  /** Ends a batch whose samples have been named: processes that exited and have no start time are gone at once. */
  *endBatch({ collector, processExits }: FrameBatch): Steps<void> {
    yield* eachInSteps(processExits, (process) => this.#parts.stubs.dropUntimed(collector.instanceId, process));
  }

  /** Takes one name from elsewhere than a batch: one that a live collector gave stays. */
  learnSymbol(fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol): void {
    this.#parts.files.learnSymbol(fileId, addressHigh, addressLow, symbol, this.#anonymous);
  }

  /** Takes one named range from elsewhere than a batch: of a process of an instance, or of a file ID. */
  learnStub(instanceId: string, stub: StubSubmission): void {
    this.#parts.stubs.learn(instanceId, stub, this.#nowMs, this.#anonymous);
    this.#parts.files.enforceBudget();
  }

  /** Takes one executable from elsewhere than a batch: one that a live collector gave stays. */
  learnExecutable(fileId: FileId, executable: Executable): void {
    this.#parts.files.learnExecutable(fileId, executable, this.#anonymous);
  }

  /** Symbols of a file ID, valid during the session; marks the file as used. `undefined` when the file is unknown. */
  openFile(fileId: FileId): SymbolLookup | undefined {
    const { files } = this.#parts;
    const stubs = this.#parts.stubs.openFile(fileId, this.#nowMs);
    const file = stubs === undefined ? files.open(fileId) : files.ensure(fileId, false);
    if (file !== undefined) file.stubs = stubs;
    // Made new, the file may be one too many.
    if (stubs !== undefined) files.enforceBudget();
    return file;
  }

  /** Stubs of one process of one collector, valid during the session; `undefined` when the process has none. */
  openProcess(instanceId: string, process: ProcessIdentity): SymbolLookup | undefined {
    return this.#parts.stubs.openProcess(instanceId, process, this.#nowMs);
  }

  /** The executable of a file ID; marks the file as used. */
  executable(fileId: FileId): Executable | undefined {
    return this.#parts.files.open(fileId)?.executable;
  }

  /** The reason why a frame of a file ID has no name, as far as the store remembers it. */
  reasonUnknown(fileId: FileId, addressHigh: number, addressLow: number): 'never_submitted' | 'expired' | 'evicted' {
    return this.#parts.files.removalReason(fileId, addressHigh, addressLow) ?? 'never_submitted';
  }

  /** The reason for every address of a file, where the store has no symbols of it; `undefined` where it depends on the address. */
  commonReason(fileId: FileId): 'never_submitted' | 'expired' | undefined {
    return this.#parts.files.commonReason(fileId);
  }

  /** Notes that a collector's frame has no name. */
  needName(instanceId: string, owner: FrameOwner, addressHigh: number, addressLow: number, kind: FrameKind): void {
    this.#parts.neededNames.note(instanceId, owner, addressHigh, addressLow, kind, this.#nowMs);
  }

  /** Notes that nothing is known of a collector's file ID as an executable. */
  needExecutable(instanceId: string, fileId: FileId): void {
    this.#parts.neededNames.noteExecutable(instanceId, fileId, this.#nowMs);
  }

  /** At most 1,024 frames to ask a collector for now, the longest waiting first. They count as asked for. */
  takeNeededNames(instanceId: string): NeededName[] {
    return this.#parts.neededNames.take(instanceId, this.#nowMs);
  }

  /** At most 1,024 executables to ask a collector for now. They count as asked for. */
  takeNeededExecutables(instanceId: string): FileId[] {
    return this.#parts.neededNames.takeExecutables(instanceId, this.#nowMs);
  }

  /** Writes every live stub that was not written in this cycle, and ends the cycle. Returns the number of live stubs. */
  *resubmitStubs(): Steps<number> {
    const count = yield* this.#parts.stubs.resubmit();
    this.#parts.files.enforceBudget();
    return count;
  }

  /** Drops what is past its lifetime, at bounded cost, and the processes that exited before the last resubmission. */
  purge(): void {
    const { files, stubs, neededNames, namers, lifetimeMs } = this.#parts;
    stubs.purge(this.#nowMs - lifetimeMs);
    files.purge();
    namers.purge(this.#nowMs);
    neededNames.purge(this.#nowMs - lifetimeMs, this.#nowMs);
  }
}
