import { LruFamily } from '../lru/lru-family.ts';
import { ResizableLru } from '../lru/resizable-lru.ts';
import type { NeededName } from '../model/batch-outcome.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import type { ProcessIdentity } from './stub-owner.ts';
import type { NeededNamesConfig } from './symbol-store-config.ts';

/** What is asked before a collector is: it may have answered already. */
export interface KnownNames {
  knowsInFile(fileId: FileId, addressHigh: number, addressLow: number): boolean;
  knowsInProcess(instanceId: string, process: ProcessIdentity, addressHigh: number, addressLow: number): boolean;
}

export interface NeededNamesFigures {
  readonly collectors: number;
  readonly pending: number;
  readonly asked: number;
  /** Frames that were not noted because too many were waiting, or too many collectors. */
  readonly boundedOut: number;
}

/** As the protocol says (frames.proto, BatchReply.names_needed). */
const maxNamesPerReply = 1024;
const maxCollectors = 1024;
const msPerTick = 100;

/** Whose frame it is. */
export type FrameOwner = { readonly fileId: FileId } | { readonly process: ProcessIdentity };

interface Need extends NeededName {
  askedMs: number;
  isPending: boolean;
}

/** Of one collector instance. Owners have numbers so that a frame's key is four words. */
interface Asking {
  readonly fileNumbers: ResizableLru<number>;
  readonly processNumbers: ResizableLru<number>;
  readonly needs: ResizableLru<Need>;
  nextNumber: number;
  /** Noted and not asked for since; those that were asked for a moment ago wait here for the interval to pass. */
  pending: Need[];
  /** No pending need is due before. */
  dueMs: number;
  notedMs: number;
}

/**
 * Frames that only their collector can name and that were looked up in vain. A frame is asked for when it was noted
 * since it was last asked for, so what is no longer sampled is not asked for again; and at most once in `intervalMs`,
 * which is remembered for the 4 x `maxPending` frames that a collector's batches needed last.
 */
export class NeededNames {
  readonly #config: NeededNamesConfig;
  readonly #known: KnownNames;
  readonly #collectors = new Map<string, Asking>();
  readonly #numbers: LruFamily<number>;
  readonly #needs: LruFamily<Need>;
  #asked = 0;
  #boundedOut = 0;

  constructor(config: NeededNamesConfig, known: KnownNames, seed: number) {
    this.#config = config;
    this.#known = known;
    const lifetime = 4 * Math.ceil(config.intervalMs / msPerTick);
    const maxCapacity = 4 * config.maxPending;
    const shared = { keyWords: 4, lifetime, growWithin: lifetime, initialCapacity: 1, maxCapacity, seed } as const;
    this.#numbers = new LruFamily(shared);
    this.#needs = new LruFamily(shared);
  }

  /** Notes a frame of one collector that was looked up and has no name. */
  note(
    instanceId: string,
    owner: FrameOwner,
    addressHigh: number,
    addressLow: number,
    kind: FrameKind,
    nowMs: number,
  ): void {
    this.#advance(nowMs);
    const asking = this.#collectors.get(instanceId) ?? this.#addCollector(instanceId);
    asking.notedMs = nowMs;
    const number = numberOf(asking, owner);
    let need = asking.needs.get(number, addressHigh, addressLow);
    if (need?.isPending === true) return;
    if (asking.pending.length >= this.#config.maxPending) {
      this.#boundedOut++;
      return;
    }
    if (need === undefined) {
      need = {
        owner: identityOf(owner),
        addressHigh,
        addressLow,
        kind,
        askedMs: Number.NEGATIVE_INFINITY,
        isPending: false,
      };
      asking.needs.set(need, number, addressHigh, addressLow);
    }
    need.isPending = true;
    asking.pending.push(need);
    asking.dueMs = Math.min(asking.dueMs, need.askedMs + this.#config.intervalMs);
  }

  /** What to ask this collector for now: at most 1,024 frames, the longest waiting first. They count as asked for. */
  take(instanceId: string, nowMs: number): NeededName[] {
    const asking = this.#collectors.get(instanceId);
    if (asking === undefined || nowMs < asking.dueMs) return [];
    const names: NeededName[] = [];
    const waiting: Need[] = [];
    asking.dueMs = Number.POSITIVE_INFINITY;
    for (const need of asking.pending) {
      const dueMs = need.askedMs + this.#config.intervalMs;
      if (dueMs > nowMs || names.length === maxNamesPerReply) {
        asking.dueMs = Math.min(asking.dueMs, dueMs);
        waiting.push(need);
        continue;
      }
      need.isPending = false;
      if (this.#isKnown(instanceId, need)) continue;
      need.askedMs = nowMs;
      const { owner, addressHigh, addressLow, kind } = need;
      names.push({ owner, addressHigh, addressLow, kind });
    }
    asking.pending = waiting;
    this.#asked += names.length;
    return names;
  }

  /** Forgets collectors that needed nothing since `silentSinceMs`, and frames that nobody noted for some intervals. */
  purge(silentSinceMs: number, nowMs: number): void {
    this.#advance(nowMs);
    for (const [instanceId, asking] of this.#collectors) {
      for (const table of [asking.needs, asking.fileNumbers, asking.processNumbers]) {
        table.purgeExpired(this.#config.maxPending);
        table.tend();
        if (asking.notedMs < silentSinceMs) table.dispose();
      }
      if (asking.notedMs < silentSinceMs) this.#collectors.delete(instanceId);
    }
  }

  figures(): NeededNamesFigures {
    let pending = 0;
    for (const asking of this.#collectors.values()) pending += asking.pending.length;
    return { collectors: this.#collectors.size, pending, asked: this.#asked, boundedOut: this.#boundedOut };
  }

  #isKnown(instanceId: string, { owner, addressHigh, addressLow }: Need): boolean {
    if ('fileId' in owner) return this.#known.knowsInFile(owner.fileId, addressHigh, addressLow);
    return this.#known.knowsInProcess(instanceId, owner, addressHigh, addressLow);
  }

  #addCollector(instanceId: string): Asking {
    if (this.#collectors.size >= maxCollectors) this.#dropSilentCollector();
    const asking: Asking = {
      fileNumbers: new ResizableLru(this.#numbers),
      processNumbers: new ResizableLru(this.#numbers),
      needs: new ResizableLru(this.#needs),
      nextNumber: 0,
      pending: [],
      dueMs: Number.POSITIVE_INFINITY,
      notedMs: 0,
    };
    this.#collectors.set(instanceId, asking);
    return asking;
  }

  /** Makes room: the collector that needed nothing for longest has most likely ended, for each start has an ID of its own. */
  #dropSilentCollector(): void {
    let silent: [instanceId: string, asking: Asking] | undefined;
    for (const entry of this.#collectors) {
      if (silent === undefined || entry[1].notedMs < silent[1].notedMs) silent = entry;
    }
    if (silent === undefined) return;
    const [instanceId, { needs, fileNumbers, processNumbers, pending }] = silent;
    for (const table of [needs, fileNumbers, processNumbers]) table.dispose();
    this.#boundedOut += pending.length;
    this.#collectors.delete(instanceId);
  }

  #advance(nowMs: number): void {
    const tick = Math.max(0, Math.floor(nowMs / msPerTick));
    this.#numbers.advance(tick);
    this.#needs.advance(tick);
  }
}

/** A copy without the rest: a whole process, and the batch that it came with, shall not stay. */
function identityOf(owner: FrameOwner): NeededName['owner'] {
  if ('fileId' in owner) return { fileId: owner.fileId };
  return { pid: owner.process.pid, startTimeNano: owner.process.startTimeNano };
}

/** The number of an owner; a number is never used for another one. */
function numberOf(asking: Asking, owner: FrameOwner): number {
  if ('fileId' in owner) {
    const { word0, word1, word2, word3 } = owner.fileId;
    const known = asking.fileNumbers.get(word0, word1, word2, word3);
    if (known === undefined) asking.fileNumbers.set(asking.nextNumber, word0, word1, word2, word3);
    return known ?? asking.nextNumber++;
  }
  const { pid, startTimeNano } = owner.process;
  const startHigh = Number((startTimeNano >> 32n) & 0xffff_ffffn);
  const startLow = Number(startTimeNano & 0xffff_ffffn);
  const known = asking.processNumbers.get(pid, startHigh, startLow);
  if (known === undefined) asking.processNumbers.set(asking.nextNumber, pid, startHigh, startLow);
  return known ?? asking.nextNumber++;
}
