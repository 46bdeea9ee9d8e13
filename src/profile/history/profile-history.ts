import type { ProfilesData } from '../../otlp/profiles-data.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import { HistoryDictionary, remember } from './history-dictionary.ts';
import type { HistoryType } from './history-frame.ts';
import { foldedFrame, typeKeyOf } from './history-frame.ts';
import { PairColumns } from './pair-columns.ts';
import type { AddValue } from './read-samples.ts';
import { readSamples } from './read-samples.ts';

/** Profiles that a history reads. */
export type HistorySource = ProfilesData;

/** Values of a span of time, by profile type. */
export interface HistoryBucket {
  readonly startUnixMs: number;
  readonly endUnixMs: number;
  /** By index of the type. */
  readonly columns: ReadonlyMap<number, PairColumns>;
  /** Grows with each change; unlike those of other buckets. */
  readonly revision: number;
  /** True until the cycle of its time ends. */
  readonly isOpen: boolean;
  /** Smallest value that has a stack of its own; smaller ones were folded into their callers. */
  readonly resolution: number;
}

/** All that a query reads. Old contents stay whole while a query reads them, because compaction makes new ones. */
export interface HistoryContents {
  readonly dictionary: HistoryDictionary;
  readonly types: readonly HistoryType[];
  /** Oldest first, without overlap. */
  readonly buckets: readonly HistoryBucket[];
}

export interface HistoryBounds {
  readonly maxBytes: number;
}

/** Parts of the history that had to go, for its bound. */
export interface HistoryLosses {
  /** Buckets that left before they were an hour old. */
  droppedBuckets: number;
  /** Buckets in which small stacks were folded into their callers. */
  foldedBuckets: number;
  /** Samples of profile types beyond the sixteenth. */
  omittedSamples: number;
}

const maxAgeMs = 3_600_000;
// The newest part keeps its cycles; an older one has a bucket a minute.
const fineMs = 600_000;
const coarseMs = 60_000;
// Length of a bucket that begins with its first samples; about a reporting cycle.
const openMs = 5_000;
// A collector may send 64 types a batch; a person looks at two or three.
const maxTypes = 16;
// Of folded buckets, one after the other; higher ones save nothing, because the newest cycles hold the most.
const resolutions = [3, 10];

/**
 * ProfileHistory keeps the last hour of samples as values by stack and label set: ten minutes by reporting cycle, the rest by the
 * minute. Over its bound, stacks of few samples fold into their callers, oldest first, then the oldest buckets go; the totals of
 * every process stay exact in the buckets that are there.
 */
export class ProfileHistory {
  readonly #maxBytes: number;
  #dictionary = new HistoryDictionary();
  #types: HistoryType[] = [];
  #buckets: readonly HistoryBucket[] = [];
  #revision = 0;
  /** Number of cycles that are read into the dictionary at the moment. */
  #readers = 0;
  readonly losses: HistoryLosses = { droppedBuckets: 0, foldedBuckets: 0, omittedSamples: 0 };

  constructor({ maxBytes }: HistoryBounds) {
    this.#maxBytes = maxBytes;
  }

  get contents(): HistoryContents {
    return { dictionary: this.#dictionary, types: this.#types, buckets: this.#buckets };
  }

  /** An estimate. */
  get sizeBytes(): number {
    return this.#dictionary.sizeBytes + this.#pairBytes();
  }

  /**
   * Adds a bucket. One that overlaps the last bucket by more than half, such as that of a second pipeline, becomes part of it; another
   * begins at its end.
   */
  addCycle(startUnixMs: number, endUnixMs: number, data: readonly HistorySource[]): void {
    atOnce(this.addCycleInSteps(startUnixMs, endUnixMs, data));
  }

  /** The same in steps. Nothing of a cycle is there before its last step. */
  *addCycleInSteps(startUnixMs: number, endUnixMs: number, data: readonly HistorySource[]): Steps<void> {
    const columns = yield* this.#read(data);
    const kept = this.#buckets.filter((each) => each.endUnixMs > endUnixMs - maxAgeMs);
    const last = kept.at(-1);
    const isPart = last !== undefined && (last.isOpen || (startUnixMs + endUnixMs) / 2 <= last.endUnixMs);
    const start = Math.min(endUnixMs, isPart ? last.startUnixMs : Math.max(startUnixMs, last?.endUnixMs ?? -Infinity));
    const bucket = this.#bucketOf({ startUnixMs: start, endUnixMs, isOpen: false }, columns);
    this.#buckets = isPart ? [...kept.slice(0, -1), this.#join([last, bucket])] : [...kept, bucket];
    yield;
    yield* this.#coarsen(endUnixMs - fineMs);
    yield* this.#keepToBound();
  }

  /**
   * Adds samples that belong to no cycle's report to the bucket of their time; those newer than all buckets to one that the next cycle
   * closes. Samples older than the history are left out.
   */
  addLate(unixMs: number, data: readonly HistorySource[]): void {
    const place = this.#buckets.findIndex(({ endUnixMs }) => unixMs <= endUnixMs);
    const bucket = this.#buckets[place];
    if (bucket !== undefined && unixMs < bucket.startUnixMs - coarseMs) return;
    const columns = atOnce(this.#read(data));
    if (bucket !== undefined) {
      this.#buckets = this.#buckets.with(place, this.#join([bucket, this.#bucketOf(bucket, columns)]));
      return;
    }
    const last = this.#buckets.at(-1);
    const isPart = last?.isOpen === true;
    const startUnixMs = isPart ? last.startUnixMs : Math.max(last?.endUnixMs ?? 0, unixMs - openMs);
    const open = this.#bucketOf({ startUnixMs, endUnixMs: unixMs, isOpen: true }, columns);
    this.#buckets = isPart ? [...this.#buckets.slice(0, -1), this.#join([last, open])] : [...this.#buckets, open];
  }

  /** Values by type, with the indices of the dictionary, which no compaction replaces meanwhile. */
  *#read(data: readonly HistorySource[]): Steps<Map<number, PairColumns>> {
    const columns = new Map<number, PairColumns>();
    this.#readers += 1;
    try {
      for (const each of data) {
        yield* readSamples(each, this.#dictionary, (type, sampleCount) => this.#open(columns, type, sampleCount));
      }
    } finally {
      this.#readers -= 1;
    }
    return columns;
  }

  #open(columns: Map<number, PairColumns>, type: HistoryType, sampleCount: number): AddValue | undefined {
    const index = this.#typeIndex(type);
    if (index === undefined) {
      this.losses.omittedSamples += sampleCount;
      return undefined;
    }
    const own = columns.get(index) ?? new PairColumns();
    columns.set(index, own);
    return (stack, labelSet, value) => own.add(stack, labelSet, value);
  }

  #bucketOf(
    { startUnixMs, endUnixMs, isOpen }: Pick<HistoryBucket, 'startUnixMs' | 'endUnixMs' | 'isOpen'>,
    columns: Map<number, PairColumns>,
  ): HistoryBucket {
    return this.#merged({ startUnixMs, endUnixMs, isOpen, columns, resolution: 1 });
  }

  #typeIndex(type: HistoryType): number | undefined {
    const key = typeKeyOf(type);
    const known = this.#types.findIndex((each) => typeKeyOf(each) === key);
    if (known >= 0) return known;
    if (this.#types.length === maxTypes) return undefined;
    this.#types = [...this.#types, type];
    return this.#types.length - 1;
  }

  #merged(bucket: Omit<HistoryBucket, 'revision'>): HistoryBucket {
    this.#revision += 1;
    const columns = new Map([...bucket.columns].map(([type, own]) => [type, own.merged()]));
    return { ...bucket, columns, revision: this.#revision };
  }

  /** Joins buckets that began in the same minute, once that is over before `endUnixMs`. */
  *#coarsen(endUnixMs: number): Steps<void> {
    const minuteOf = (unixMs: number): number => Math.floor(unixMs / coarseMs);
    const isCoarse = ({ startUnixMs }: HistoryBucket): boolean => minuteOf(startUnixMs) < minuteOf(endUnixMs);
    const minutes = Map.groupBy(this.#buckets.filter(isCoarse), ({ startUnixMs }) => minuteOf(startUnixMs));
    for (const group of minutes.values()) {
      if (group.length === 1) continue;
      const joined = this.#join(group);
      const first = this.#buckets.indexOf(group[0]!);
      // Somebody else may have come before.
      if (first >= 0) this.#buckets = this.#buckets.toSpliced(first, group.length, joined);
      yield;
    }
  }

  #join(group: readonly HistoryBucket[]): HistoryBucket {
    const columns = new Map<number, PairColumns>();
    for (const each of group) {
      for (const [type, own] of each.columns) {
        const target = columns.get(type) ?? new PairColumns();
        columns.set(type, target);
        for (let pair = 0; pair < own.count; pair++) {
          target.add(own.stackAt(pair), own.labelSetAt(pair), own.valueAt(pair));
        }
      }
    }
    const { startUnixMs } = group[0]!;
    const { endUnixMs, isOpen } = group.at(-1)!;
    const resolution = Math.max(...group.map((each) => each.resolution));
    return this.#merged({ startUnixMs, endUnixMs, isOpen, columns, resolution });
  }

  #pairBytes(): number {
    let bytes = 0;
    for (const { columns } of this.#buckets) for (const each of columns.values()) bytes += each.sizeBytes;
    return bytes;
  }

  *#keepToBound(): Steps<void> {
    const isOver = (share: number): boolean => this.sizeBytes > share * this.#maxBytes;
    // A little in each cycle, so that none takes long.
    if (isOver(0.75)) this.#foldSome(2);
    yield;
    if (!isOver(1)) return;
    yield* this.#compact();
    // Makes room for several cycles, because a compaction reads everything.
    while (isOver(0.8) && this.#buckets.length > 1 && this.#readers === 0) {
      const count = Math.ceil(this.#buckets.length / 4);
      this.losses.droppedBuckets += count;
      this.#buckets = this.#buckets.slice(count);
      yield* this.#compact();
    }
  }

  /** Folds the oldest buckets in which smaller stacks than the next resolution are told apart. */
  #foldSome(count: number): void {
    const old = this.#buckets.slice(0, Math.ceil(this.#buckets.length / 2));
    const resolution = resolutions.find((each) => old.some((bucket) => bucket.resolution < each));
    if (resolution === undefined) return;
    const chosen = new Set(old.filter((bucket) => bucket.resolution < resolution).slice(0, count));
    this.#buckets = this.#buckets.map((bucket) => (chosen.has(bucket) ? this.#folded(bucket, resolution) : bucket));
    this.losses.foldedBuckets += chosen.size;
  }

  /** Moves stacks with less than `resolution` to an ancestor, in halves of their depth, until they are large enough together. */
  #folded(bucket: HistoryBucket, resolution: number): HistoryBucket {
    const { stacks } = this.#dictionary;
    const folded = this.#dictionary.frame(foldedFrame);
    const ancestorOf = (stack: number): number => {
      const start = stacks.frameOf(stack) === folded ? stacks.parentOf(stack) : stack;
      let ancestor = start;
      for (let node = start, step = 0; node !== 0; node = stacks.parentOf(node), step++) {
        if (step % 2 === 0) ancestor = stacks.parentOf(ancestor);
      }
      return stacks.child(ancestor, folded);
    };
    const moved = (stack: number, value: number): number => {
      return value < resolution && stack !== 0 ? ancestorOf(stack) : stack;
    };
    const columns = new Map<number, PairColumns>();
    for (const [type, own] of bucket.columns) {
      let last = own;
      for (let next = own.merged(moved); next.count < last.count; next = last.merged(moved)) last = next;
      columns.set(type, last);
    }
    this.#revision += 1;
    return { ...bucket, columns, resolution, revision: this.#revision };
  }

  /** Leaves out frames, stacks and label sets that no bucket names. Reads everything once. */
  *#compact(): Steps<void> {
    const move = new Compaction(this.#dictionary);
    const moved = new Map<HistoryBucket, HistoryBucket>();
    for (const bucket of this.#buckets) moved.set(bucket, yield* move.bucket(bucket));
    // A reader has indices of the old dictionary; the next cycle tries again.
    if (this.#readers > 0) return;
    this.#buckets = this.#buckets.map((bucket) => moved.get(bucket) ?? atOnce(move.bucket(bucket)));
    this.#dictionary = move.dictionary;
  }
}

const pairsPerStep = 64;

/** Moves buckets to a dictionary of their own names alone. */
class Compaction {
  readonly dictionary = new HistoryDictionary();
  readonly #old: HistoryDictionary;
  /** New indices by old ones. */
  readonly #stacks = new Map<number, number>([[0, 0]]);
  readonly #frames = new Map<number, number>();
  readonly #labelSets = new Map<number, number>();

  constructor(old: HistoryDictionary) {
    this.#old = old;
  }

  *bucket(bucket: HistoryBucket): Steps<HistoryBucket> {
    const columns = new Map<number, PairColumns>();
    for (const [type, own] of bucket.columns) {
      const moved = new PairColumns();
      for (let pair = 0; pair < own.count; pair++) {
        if (pair % pairsPerStep === pairsPerStep - 1) yield;
        moved.add(this.#stack(own.stackAt(pair)), this.#labelSet(own.labelSetAt(pair)), own.valueAt(pair));
      }
      columns.set(type, moved.merged());
    }
    return { ...bucket, columns };
  }

  #stack(stack: number): number {
    const path: number[] = [];
    let node = stack;
    let moved = this.#stacks.get(node);
    while (moved === undefined) {
      path.push(node);
      node = this.#old.stacks.parentOf(node);
      moved = this.#stacks.get(node);
    }
    for (let each = path.pop(); each !== undefined; each = path.pop()) {
      moved = this.dictionary.stacks.child(moved, this.#frame(this.#old.stacks.frameOf(each)));
      this.#stacks.set(each, moved);
    }
    return moved;
  }

  #frame(frame: number): number {
    return remember(this.#frames, frame, () => this.dictionary.frame(this.#old.frameAt(frame)));
  }

  #labelSet(labelSet: number): number {
    return remember(this.#labelSets, labelSet, () => this.dictionary.labelSet(this.#old.labelSetAt(labelSet)));
  }
}
