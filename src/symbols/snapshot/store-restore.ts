import type { FileId } from '../../model/file-id.ts';
import { fileIdsEqual, parseFileId } from '../../model/file-id.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import { uint64Of } from '../../support/halves.ts';
import type { StoreContents } from '../store-contents.ts';
import { lifetimeTicks, msPerTick } from '../store-contents.ts';
import type { OwnerKey, StubSubmission } from '../stub-owner.ts';
import { SnapshotFault } from './snapshot-format.ts';
import type { FileRecord, StoreSink, StubRecord } from './store-sink.ts';

export interface StoreRestoreOptions {
  readonly nowMs: number;
  /** The same moment in the unit of the store. */
  readonly nowTick: number;
  readonly lifetimeMs: number;
  /** Since the beginning of the walk, while nobody used the store. */
  readonly passedMs: number;
}

/**
 * Fills an empty store with what a walk told, in the same order: the budget then lets the coldest go, as ever. Time
 * that has passed since counts as time without use, so what has outlived its lifetime does not come back.
 */
export class StoreRestore implements StoreSink {
  readonly #contents: StoreContents;
  readonly #options: StoreRestoreOptions;
  readonly #lifetime: number;
  readonly #passed: number;
  #expired = 0;
  #fileId: FileId | undefined;
  #fileAge = Number.POSITIVE_INFINITY;
  #symbolAge = Number.POSITIVE_INFINITY;
  #owner: StubSubmission['owner'] | undefined;
  #instanceId = '';
  #seenMs = 0;

  constructor(contents: StoreContents, options: StoreRestoreOptions) {
    this.#contents = contents;
    this.#options = options;
    this.#lifetime = lifetimeTicks(options.lifetimeMs);
    this.#passed = Math.ceil(Math.max(0, options.passedMs) / msPerTick);
  }

  /** Entries that had outlived their lifetime. */
  get expired(): number {
    return this.#expired;
  }

  file({ fileId, age, executable, isContinued }: FileRecord): void {
    const { files } = this.#contents;
    if (isContinued) {
      if (this.#fileId !== undefined && fileIdsEqual(this.#fileId, fileId)) return;
      throw new SnapshotFault('damaged', 'a file goes on that did not begin');
    }
    if (age > this.#fileAge) throw new SnapshotFault('damaged', 'files are not in the order of their last use');
    this.#fileId = fileId;
    this.#fileAge = age;
    this.#symbolAge = Number.POSITIVE_INFINITY;
    const total = age + this.#passed;
    if (total > this.#lifetime) {
      this.#expired++;
      return;
    }
    files.fileFamily.setTime(this.#options.nowTick - total);
    // A file that left and came back during the walk is in the snapshot twice; the last one holds.
    files.drop(fileId);
    if (executable !== undefined) files.learnExecutable(fileId, executable);
  }

  symbol(addressHigh: number, addressLow: number, age: number, symbol: FrameSymbol): void {
    const { files } = this.#contents;
    if (age > this.#symbolAge) throw new SnapshotFault('damaged', 'symbols are not in the order of their last use');
    this.#symbolAge = age;
    const total = age + this.#passed;
    if (total > this.#lifetime || this.#fileAge + this.#passed > this.#lifetime) {
      this.#expired++;
      return;
    }
    files.frameFamily.setTime(this.#options.nowTick - total);
    files.learnSymbol(this.#fileId!, addressHigh, addressLow, symbol);
  }

  owner(key: OwnerKey, age: number): void {
    this.#setTimeToNow();
    const ageMs = (age + this.#passed) * msPerTick;
    this.#owner = ageMs > this.#options.lifetimeMs ? undefined : ownerOf(key);
    this.#instanceId = 'fileId' in key ? '' : key.instanceId;
    this.#seenMs = this.#options.nowMs - ageMs;
  }

  stub({ startHigh, startLow, lastHigh, lastLow, symbol }: StubRecord): void {
    if (this.#owner === undefined) {
      this.#expired++;
      return;
    }
    const start = uint64Of(startHigh, startLow);
    const length = uint64Of(lastHigh, lastLow) - start + 1n;
    this.#contents.stubs.learn(this.#instanceId, { owner: this.#owner, start, length, symbol }, this.#seenMs);
    this.#contents.files.enforceBudget();
  }

  /** The restored contents, with the time of now and counters at zero, and the number of entries that the budget had no room for. */
  finish(): { readonly contents: StoreContents; readonly evicted: number } {
    this.#setTimeToNow();
    // Two processes of one ID are both alive, though each that comes supersedes the one before.
    for (const owner of this.#contents.stubs.owners) owner.restore();
    const { fileFamily, frameFamily } = this.#contents.files;
    const boundedOut = Object.values(this.#contents.stubs.boundedOut).reduce((sum, count) => sum + count, 0);
    const evicted = fileFamily.counters.evictions + frameFamily.counters.evictions + boundedOut;
    for (const { counters } of [fileFamily, frameFamily]) {
      for (const name of Object.keys(counters)) counters[name as keyof typeof counters] = 0;
    }
    return { contents: this.#contents, evicted };
  }

  #setTimeToNow(): void {
    const { fileFamily, frameFamily } = this.#contents.files;
    fileFamily.setTime(this.#options.nowTick);
    frameFamily.setTime(this.#options.nowTick);
  }
}

function ownerOf(key: OwnerKey): StubSubmission['owner'] {
  return 'fileId' in key ? { fileId: parseFileId(key.fileId)! } : { process: key };
}
