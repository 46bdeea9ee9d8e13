import { createHash } from 'node:crypto';
import type { FileId } from '../model/file-id.ts';
import { readFileId } from '../model/file-id.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { SymbolLookup } from '../model/symbol-lookup.ts';
import type { FileEntry } from './file-entry.ts';
import type { StubRange } from './stub-range.ts';
import { StubRanges } from './stub-ranges.ts';

/** The store as stubs see it: each owner has a file ID of its own in it, its stub space. */
export interface StubSpaces {
  /** Makes the stub space known, and the newest. */
  open(owner: StubOwner): void;
  write(owner: StubOwner, range: StubRange): void;
  erase(owner: StubOwner, range: StubRange): void;
  drop(owner: StubOwner): void;
  /** The symbol at the start of a range, marked as used; written again when the store has lost it. */
  read(owner: StubOwner, range: StubRange): FrameSymbol;
}

/** What the registry needs of stub metadata. */
export interface StubSubmission {
  readonly owner: { readonly process: ProcessIdentity } | { readonly fileId: FileId };
  readonly start: bigint;
  /** At least 1; `start + length` is at most 2^64. */
  readonly length: bigint;
  readonly symbol: FrameSymbol;
}

export type OwnerKey = (ProcessIdentity & { readonly instanceId: string }) | { readonly fileId: string };

/** The stubs of one process, or of one file ID. */
export class StubOwner implements SymbolLookup {
  readonly key: OwnerKey;
  readonly spaceId: FileId;
  readonly #spaces: StubSpaces;
  readonly ranges: StubRanges = new StubRanges();
  /** Kept by the registry. */
  lastHeardMs: number;
  /** The reporting cycle in which the process exited. */
  exitedCycle: number | undefined;
  /** Whether it only seems to have exited, because another process was seen with its ID. */
  isOutlived = false;
  isDropped = false;
  /** Kept by the store: the stub space, once it was written. */
  space: FileEntry | undefined;
  #newest: StubRange | undefined;
  #oldest: StubRange | undefined;

  constructor(key: OwnerKey, spaceId: FileId, spaces: StubSpaces, nowMs: number) {
    this.key = key;
    this.spaceId = spaceId;
    this.#spaces = spaces;
    this.lastHeardMs = nowMs;
  }

  /** The range that was not submitted or looked up for longest. */
  get oldest(): StubRange | undefined {
    return this.#oldest;
  }

  find(addressHigh: number, addressLow: number): FrameSymbol | undefined {
    if (this.isDropped) return undefined;
    const range = this.ranges.find(addressHigh, addressLow);
    if (range === undefined) return undefined;
    if (range !== this.#newest) {
      this.unlink(range);
      this.linkNewest(range);
    }
    return this.#spaces.read(this, range);
  }

  linkNewest(range: StubRange): void {
    range.newer = undefined;
    range.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = range;
    else this.#newest.newer = range;
    this.#newest = range;
  }

  unlink(range: StubRange): void {
    if (range.newer === undefined) this.#newest = range.older;
    else range.newer.older = range.older;
    if (range.older === undefined) this.#oldest = range.newer;
    else range.older.newer = range.newer;
    range.newer = undefined;
    range.older = undefined;
  }
}

/** The file ID of an owner's stub space; `seed` keeps it secret from who could submit symbols for it. */
export function spaceIdOf(key: OwnerKey, seed: number): FileId {
  const text = 'fileId' in key ? key.fileId : `${key.instanceId} ${key.pid} ${key.startTimeNano}`;
  return readFileId(createHash('sha256').update(`stub space ${seed} ${text}`).digest());
}
