import type { NeededName } from '../model/batch-outcome.ts';
import type { FileId } from '../model/file-id.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { FrameOwner } from './collector-needs.ts';
import { CollectorNeeds, NeedFamilies } from './collector-needs.ts';
import type { Need, NeedQueue } from './need-queue.ts';
import type { NeededNamesConfig } from './symbol-store-config.ts';

/** Look-ups before a collector is asked: it may have answered already. */
export interface KnownNames {
  knowsInFile(fileId: FileId, addressHigh: number, addressLow: number): boolean;
  knowsInProcess(instanceId: string, process: ProcessIdentity, addressHigh: number, addressLow: number): boolean;
  knowsExecutable(fileId: FileId): boolean;
}

export interface NeededNamesStats {
  readonly collectors: number;
  readonly pending: number;
  readonly asked: number;
  readonly pendingExecutables: number;
  readonly askedExecutables: number;
  /** Frames and executables that were not noted because too many were waiting, or too many collectors. */
  readonly boundedOut: number;
}

const maxCollectors = 1024;

/**
 * Frames that only their collector can name, and executables, that were looked up in vain. What was noted since it was last
 * asked for is asked for, so what is no longer sampled is not; and at most once in `intervalMs`, which is remembered for
 * the 4 x `maxPending` frames, and as many executables, that a collector's batches needed last.
 */
export class NeededNames {
  readonly #config: NeededNamesConfig;
  readonly #known: KnownNames;
  readonly #collectors = new Map<string, CollectorNeeds>();
  readonly #families: NeedFamilies;
  #asked = 0;
  #askedExecutables = 0;
  #boundedOut = 0;

  constructor(config: NeededNamesConfig, known: KnownNames, seed: number) {
    this.#config = config;
    this.#known = known;
    this.#families = new NeedFamilies(config, seed);
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
    const needs = this.#needsOf(instanceId, nowMs);
    const frame = { addressHigh, addressLow, kind };
    this.#add(needs.names, (hasRoom) => needs.ofFrame(frame, owner, hasRoom));
  }

  /** Notes a file ID of one collector of which nothing is known as a file. */
  noteExecutable(instanceId: string, fileId: FileId, nowMs: number): void {
    const needs = this.#needsOf(instanceId, nowMs);
    this.#add(needs.executables, (hasRoom) => needs.ofExecutable(fileId, hasRoom));
  }

  /** Frames to ask a collector for now: at most 1,024, the longest waiting first. They count as asked for. */
  take(instanceId: string, nowMs: number): NeededName[] {
    const needs = this.#collectors.get(instanceId)?.names.take(nowMs, (need) => this.#isKnown(instanceId, need)) ?? [];
    this.#asked += needs.length;
    return needs.map(({ owner, addressHigh, addressLow, kind }) => ({ owner, addressHigh, addressLow, kind }));
  }

  /** The same for executables. */
  takeExecutables(instanceId: string, nowMs: number): FileId[] {
    const isKnown = ({ fileId }: { readonly fileId: FileId }): boolean => this.#known.knowsExecutable(fileId);
    const needs = this.#collectors.get(instanceId)?.executables.take(nowMs, isKnown) ?? [];
    this.#askedExecutables += needs.length;
    return needs.map(({ fileId }) => fileId);
  }

  /** Forgets collectors that needed nothing since `silentSinceMs`, and what nobody noted for some intervals. */
  purge(silentSinceMs: number, nowMs: number): void {
    this.#families.advance(nowMs);
    for (const [instanceId, needs] of this.#collectors) {
      if (needs.notedMs >= silentSinceMs) {
        needs.purge(this.#config.maxPending);
        continue;
      }
      needs.dispose();
      this.#collectors.delete(instanceId);
    }
  }

  stats(): NeededNamesStats {
    let pending = 0;
    let pendingExecutables = 0;
    for (const { names, executables } of this.#collectors.values()) {
      pending += names.length;
      pendingExecutables += executables.length;
    }
    return {
      collectors: this.#collectors.size,
      pending,
      asked: this.#asked,
      pendingExecutables,
      askedExecutables: this.#askedExecutables,
      boundedOut: this.#boundedOut,
    };
  }

  #add<T extends Need>(queue: NeedQueue<T>, find: (hasRoom: boolean) => T | undefined): void {
    const hasRoom = queue.length < this.#config.maxPending;
    const need = find(hasRoom);
    if (need?.isPending === true) return;
    if (need === undefined || !hasRoom) this.#boundedOut++;
    else queue.add(need);
  }

  #isKnown(instanceId: string, { owner, addressHigh, addressLow }: NeededName): boolean {
    if ('fileId' in owner) return this.#known.knowsInFile(owner.fileId, addressHigh, addressLow);
    return this.#known.knowsInProcess(instanceId, owner, addressHigh, addressLow);
  }

  #needsOf(instanceId: string, nowMs: number): CollectorNeeds {
    this.#families.advance(nowMs);
    let needs = this.#collectors.get(instanceId);
    if (needs === undefined) {
      if (this.#collectors.size >= maxCollectors) this.#dropSilentCollector();
      needs = new CollectorNeeds(this.#families, this.#config.intervalMs);
      this.#collectors.set(instanceId, needs);
    }
    needs.notedMs = nowMs;
    return needs;
  }

  /** Makes room: the collector that needed nothing for longest has most likely ended, for each start has an ID of its own. */
  #dropSilentCollector(): void {
    let silent: [instanceId: string, needs: CollectorNeeds] | undefined;
    for (const entry of this.#collectors) {
      if (silent === undefined || entry[1].notedMs < silent[1].notedMs) silent = entry;
    }
    if (silent === undefined) return;
    const [instanceId, needs] = silent;
    needs.dispose();
    this.#boundedOut += needs.names.length + needs.executables.length;
    this.#collectors.delete(instanceId);
  }
}
