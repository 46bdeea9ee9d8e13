import { LruFamily } from '../lru/lru-family.ts';
import { ResizableLru } from '../lru/resizable-lru.ts';
import type { NeededName } from '../model/batch-outcome.ts';
import type { FileId } from '../model/file-id.ts';
import type { ProcessIdentity } from '../model/process.ts';
import { halvesOf } from '../support/halves.ts';
import type { Need } from './need-queue.ts';
import { NeedQueue } from './need-queue.ts';
import type { NeededNamesConfig } from './symbol-store-config.ts';

/** The file or the process of a frame. */
export type FrameOwner = { readonly fileId: FileId } | { readonly process: ProcessIdentity };

export interface NameNeed extends NeededName, Need {}

export interface ExecutableNeed extends Need {
  readonly fileId: FileId;
}

const msPerTick = 100;

/** Families of the tables of all collectors. */
export class NeedFamilies {
  readonly numbers: LruFamily<number>;
  readonly names: LruFamily<NameNeed>;
  readonly executables: LruFamily<ExecutableNeed>;

  constructor({ intervalMs, maxPending }: NeededNamesConfig, seed: number) {
    const lifetime = 4 * Math.ceil(intervalMs / msPerTick);
    const maxCapacity = 4 * maxPending;
    const shared = { keyWords: 4, lifetime, growWithin: lifetime, initialCapacity: 1, maxCapacity, seed } as const;
    this.numbers = new LruFamily(shared);
    this.names = new LruFamily(shared);
    this.executables = new LruFamily(shared);
  }

  advance(nowMs: number): void {
    const tick = Math.max(0, Math.floor(nowMs / msPerTick));
    for (const family of [this.numbers, this.names, this.executables]) family.advance(tick);
  }
}

/** Frames and executables that one collector instance is asked for, or was lately. Owners have numbers, so that the key of a frame is four words. */
export class CollectorNeeds {
  readonly names: NeedQueue<NameNeed>;
  readonly executables: NeedQueue<ExecutableNeed>;
  /** When something was noted last. */
  notedMs = 0;
  readonly #fileNumbers: ResizableLru<number>;
  readonly #processNumbers: ResizableLru<number>;
  readonly #names: ResizableLru<NameNeed>;
  readonly #executables: ResizableLru<ExecutableNeed>;
  #nextNumber = 0;

  constructor(families: NeedFamilies, intervalMs: number) {
    this.names = new NeedQueue(intervalMs);
    this.executables = new NeedQueue(intervalMs);
    this.#fileNumbers = new ResizableLru(families.numbers);
    this.#processNumbers = new ResizableLru(families.numbers);
    this.#names = new ResizableLru(families.names);
    this.#executables = new ResizableLru(families.executables);
  }

  /** A frame, new or known; a new one only if `hasRoom`, or it would take the place of one that was asked for. */
  ofFrame(frame: Omit<NeededName, 'owner'>, owner: FrameOwner, hasRoom: boolean): NameNeed | undefined {
    const { addressHigh, addressLow, kind } = frame;
    const number = this.#numberOf(owner);
    const known = this.#names.get(number, addressHigh, addressLow);
    if (known !== undefined || !hasRoom) return known;
    const need = { owner: identityOf(owner), addressHigh, addressLow, kind, ...neverAsked };
    this.#names.set(need, number, addressHigh, addressLow);
    return need;
  }

  /** A file ID as a file, likewise. */
  ofExecutable(fileId: FileId, hasRoom: boolean): ExecutableNeed | undefined {
    const { word0, word1, word2, word3 } = fileId;
    const known = this.#executables.get(word0, word1, word2, word3);
    if (known !== undefined || !hasRoom) return known;
    const need = { fileId, ...neverAsked };
    this.#executables.set(need, word0, word1, word2, word3);
    return need;
  }

  /** Forgets up to `limit` entries of each table that were not noted for some intervals. */
  purge(limit: number): void {
    for (const table of [this.#fileNumbers, this.#processNumbers, this.#names, this.#executables]) {
      table.purgeExpired(limit);
      table.tend();
    }
  }

  /** Gives all memory back; nothing is noted here any more. */
  dispose(): void {
    for (const table of [this.#fileNumbers, this.#processNumbers, this.#names, this.#executables]) table.dispose();
  }

  /** The number of an owner; a number is never used for another one. */
  #numberOf(owner: FrameOwner): number {
    if ('fileId' in owner) {
      const { word0, word1, word2, word3 } = owner.fileId;
      const known = this.#fileNumbers.get(word0, word1, word2, word3);
      if (known === undefined) this.#fileNumbers.set(this.#nextNumber, word0, word1, word2, word3);
      return known ?? this.#nextNumber++;
    }
    const { pid, startTimeNano } = owner.process;
    const [startLow, startHigh] = halvesOf(startTimeNano);
    const known = this.#processNumbers.get(pid, startHigh, startLow);
    if (known === undefined) this.#processNumbers.set(this.#nextNumber, pid, startHigh, startLow);
    return known ?? this.#nextNumber++;
  }
}

const neverAsked = { askedMs: Number.NEGATIVE_INFINITY, isPending: false };

/** A copy without the rest: a whole process, and the batch that it came with, shall not stay. */
function identityOf(owner: FrameOwner): NeededName['owner'] {
  if ('fileId' in owner) return { fileId: owner.fileId };
  return { pid: owner.process.pid, startTimeNano: owner.process.startTimeNano };
}
