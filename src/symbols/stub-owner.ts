import { createHash } from 'node:crypto';
import type { FileId } from '../model/file-id.ts';
import { readFileId } from '../model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../model/frame-symbol.ts';
import type { ProcessIdentity } from '../model/process.ts';
import { anonymous } from './namers.ts';
import type { StubRange } from './stub-range.ts';
import { StubRanges } from './stub-ranges.ts';
import type { StubAccount } from './stub-shares.ts';

/** The part of the symbol store that belongs to one owner: the symbols of a file ID of its own. */
export interface StubSpace {
  /** Makes the space known to the store, and the newest. */
  refresh(): void;
  write(range: StubRange): void;
  erase(range: StubRange): void;
  drop(): void;
  /** The symbol at the start of a range, marked as used; written again when the store has lost it. */
  read(range: StubRange): FrameSymbol;
}

/** Stub metadata as the registry needs it. */
export interface StubSubmission {
  readonly owner: { readonly process: ProcessIdentity } | { readonly fileId: FileId };
  readonly start: bigint;
  /** At least 1; `start + length` is at most 2^64. */
  readonly length: bigint;
  readonly symbol: FrameSymbol;
}

export type OwnerKey = (ProcessIdentity & { readonly instanceId: string }) | { readonly fileId: string };

/** The stubs of one process, or of one file ID, and whether the process is alive. */
export class StubOwner implements SymbolLookup {
  readonly key: OwnerKey;
  readonly space: StubSpace;
  readonly ranges: StubRanges = new StubRanges();
  /** Account of the instance that brought the owner. */
  readonly account: StubAccount<StubOwner>;
  /** Namer of the stubs of a file ID. */
  namer: number = anonymous;
  #bytes = 0;
  #lastSeenMs: number;
  /** The reporting cycle in which the process exited. */
  #exitedCycle: number | undefined;
  /** True if the process only seems to have exited, because another one was seen with its ID. */
  #isSuperseded = false;
  #isDropped = false;

  constructor(key: OwnerKey, space: StubSpace, account: StubAccount<StubOwner>, nowMs: number) {
    this.key = key;
    this.space = space;
    this.account = account;
    this.#lastSeenMs = nowMs;
    account.owners.add(this);
  }

  /** The last time that a stub of the owner was submitted or looked up, or its process was seen. */
  get lastSeenMs(): number {
    return this.#lastSeenMs;
  }

  get hasExited(): boolean {
    return this.#exitedCycle !== undefined;
  }

  hasExitedBefore(cycle: number): boolean {
    return this.#exitedCycle !== undefined && this.#exitedCycle < cycle;
  }

  find(addressHigh: number, addressLow: number): FrameSymbol | undefined {
    const range = this.#isDropped ? undefined : this.ranges.use(addressHigh, addressLow);
    return range === undefined ? undefined : this.space.read(range);
  }

  /** Postpones the end of the owner's lifetime. */
  touch(nowMs: number): void {
    this.#lastSeenMs = nowMs;
  }

  /** The process was seen: one that was only superseded is restored. */
  markAlive(nowMs: number): void {
    this.touch(nowMs);
    if (this.#isSuperseded) this.restore();
  }

  exit(cycle: number): void {
    this.#exitedCycle ??= cycle;
    this.#isSuperseded = false;
  }

  /** Another process has the ID of this one, which has exited unless it is seen again. */
  supersede(cycle: number): void {
    if (this.hasExited) return;
    this.#exitedCycle = cycle;
    this.#isSuperseded = true;
  }

  /** Takes back that the process has exited. */
  restore(): void {
    this.#exitedCycle = undefined;
    this.#isSuperseded = false;
  }

  /** Adds stubs to the account, or takes them from it. */
  charge(stubs: number, bytes: number): void {
    this.#bytes += bytes;
    this.account.stubs += stubs;
    this.account.bytes += bytes;
  }

  /** Gives the stub space and the part of the account back; nothing is found here any more. The symbols of the ranges are still to be released. */
  drop(): void {
    this.#isDropped = true;
    this.charge(-this.ranges.count, -this.#bytes);
    this.account.owners.delete(this);
    this.space.drop();
  }
}

/** The file ID of an owner's stub space; `seed` keeps it secret from senders, who could submit symbols for it. */
export function spaceIdOf(key: OwnerKey, seed: number): FileId {
  const text = 'fileId' in key ? key.fileId : `${key.instanceId} ${key.pid} ${key.startTimeNano}`;
  return readFileId(createHash('sha256').update(`stub space ${seed} ${text}`).digest());
}
