// hot
import type { LruFamily } from './lru-family.ts';
import { nthLowest } from './nth-lowest.ts';
import { RankList } from './rank-list.ts';
import { noSlot, segmentOrder, stampWord, timeWord } from './slot-pool.ts';

// Not imported, so that V8 folds them into the code (see use-entry.ts).
const segmentShift = segmentOrder;
const stampAt = stampWord;
const timeAt = timeWord;
const none = noSlot;

/** The next newer entry must be ranked first. */
export const notYet = -2;

/**
 * Ranking begins when fewer than this share of the entries are ranked. It ranks as many again where uses took entries out
 * of the list, which take the fewer out the shorter it is, and half of all where evictions did, so that it is seldom done.
 */
const rankedShare = 1 / 32;
const evictedShare = 1 / 2;
/** Share of evictions among the entries that left a long list from which on all are ranked: then a scan takes one look for an eviction. */
const evictingShare = 15 / 16;
/** Stamps that are looked at for one below which about the wanted number of others lie: of the smallest share, sixteen. */
const sampleCount = 512;
/** Of the table that is looked at: a small one is ranked for every few dozen uses. */
const samples = new Int32Array(sampleCount);
/** Steps of one call, at least: fewer would cost more to begin than to do. A step takes some two nanoseconds. */
const minSteps = 64;
/** Uses after which all entries are ranked. Stamps have 32 bits and go round: those of recent entries must lie within half of them. */
const maxStampSpan = 2 ** 30;
/** A mark is the complement of an entry's index in a list, with the number of the list, 0 or 1, above it. */
const markIndexMask = 0xff_ffff;
const markListShift = 24;

/** RankedTable is the part of a `RecencyTable` that its order reads. */
interface RankedTable<V> {
  readonly family: LruFamily<V>;
  readonly count: number;
  readonly clock: number;
  slotAt(place: number): number;
  /** Number of slots that follow each other, from `slotAt(place)` on. */
  runAt(place: number): number;
}

/**
 * Order of last use of a large table, in which nothing links an entry to its neighbours. The oldest entries are ranked: they
 * are in a list, oldest first, and have a mark that says where in it. Of the recent ones, all others, only stamps are known: a use
 * of one of them writes the next stamp beside its key and touches nothing else, while a use of a ranked entry takes it
 * out of the list. Before the list is used up, the entries with the lowest stamps are gathered and sorted into a new
 * one. That goes in steps, which those calls pay for that take an entry out of the list or add one to the table: at each, the
 * steps that are left by the entries that are ranked, so that it is done in time.
 *
 * Invariant: the ranked entries are older than those of the list that is being made, and these older than all others.
 */
export class RecencyOrder<V> {
  readonly #table: RankedTable<V>;
  #list: RankList = new RankList(0, 1, 0, 0);
  /** The list that is being made: takes over what is left in `#list`, gathers, sorts, and takes its place. */
  #nextList: RankList | undefined;
  /** The number of `#list` in marks; the other one is that of `#nextList`. */
  #number = 0;
  #scanned = 0;
  #scanEnd = 0;
  /** At or before each stamp. Stamps go round: how far they are behind this one tells their order. */
  #base: number;
  /** Entries whose stamps are this far behind the base, or farther, are not gathered. */
  #limit = 0;
  /** Entries that were ranked when the last ranking ended, and those of them that have left the table since. */
  #rankedAtFirst = 1;
  #evicted = 0;
  #random = 1;

  /** Ranks all entries of the table. `base` is at or before each stamp. */
  constructor(table: RankedTable<V>, base: number) {
    this.#table = table;
    this.#base = base;
    table.family.orders++;
    this.rankAll();
  }

  /** Takes the order out of the account of the family. */
  dispose(): void {
    this.#table.family.orders--;
  }

  /** Slot of the entry that was used longest ago; there must be one. */
  get oldest(): number {
    if (this.#nextList === undefined) {
      const slot = this.#list.oldest;
      if (slot !== none) return slot;
    }
    return this.#findOldest();
  }

  /** The same where a list is being made, or must be. */
  #findOldest(): number {
    for (;;) {
      const carried = this.#nextList === undefined ? none : this.#nextList.oldest;
      const slot = carried === none ? this.#list.oldest : carried;
      if (slot !== none) return slot;
      this.rankMore(false);
    }
  }

  /** Slot of the next newer entry than a ranked one; `notYet` when it must be ranked first, of which each call does a part. */
  newerThan(slot: number): number {
    if (this.#nextList === undefined && !this.#isWide) {
      const newer = this.#list.newerThan(~this.#table.family.pool.word(slot, timeAt) & markIndexMask);
      if (newer !== none || this.#list.live === this.#table.count) return newer;
    }
    this.rankMore(true);
    return notYet;
  }

  /** Takes the oldest entry, which has this mark, out of its list, because another one gets its slot, and tends. */
  evict(mark: number): void {
    this.#evicted++;
    this.#listOf(mark).leaveOldest(~mark & markIndexMask);
    this.tend();
  }

  /** Takes a marked entry out of its list, because it is used or, `isEvicted`, leaves the table. */
  leave(mark: number, isEvicted: boolean): void {
    if (isEvicted) this.#evicted++;
    this.#listOf(mark).leave(~mark & markIndexMask);
  }

  /** An entry is at another slot now. */
  moved(slot: number): void {
    const { pool } = this.#table.family;
    const time = pool.word(slot, timeAt);
    if (time < 0) {
      this.#listOf(time).moved(~time & markIndexMask, slot);
      return;
    }
    // From behind the scan it may have come to a place that was scanned. Before the scan, older entries are still carried.
    if (this.#scanned === 0 || this.#scanned >= this.#scanEnd) return;
    this.#nextList!.gather(pool.words[slot >>> segmentShift]!, pool.stride, slot, 1);
  }

  /** Ranks on if it must: to be called whenever an entry was added, or was taken out of the list, and at least once in 2^30 uses. */
  tend(): void {
    const { count, clock } = this.#table;
    const isLong = (clock - this.#base) >>> 0 > maxStampSpan;
    if (this.#nextList !== undefined || this.#list.live < count * rankedShare || isLong) this.rankMore(isLong);
  }

  /** Does a part of the present ranking, or else of a new one: of some entries, or of all. */
  rankMore(isAll: boolean): void {
    if (this.#nextList === undefined) this.#begin(isAll);
    const ranked = this.#list.live + this.#nextList!.liveCarried;
    let left = Math.max(minSteps, Math.ceil(this.#stepsLeft() / Math.max(1, ranked)));
    while (left > 0 && this.#nextList !== undefined) left -= this.#step(this.#nextList, left);
  }

  /** Ranks all entries at once. */
  rankAll(): void {
    while (this.#nextList !== undefined || this.#list.live < this.#table.count) this.rankMore(true);
  }

  /** The number of the list that is being made, where it is in a mark. */
  get #nextNumber(): number {
    return (this.#number ^ 1) << markListShift;
  }

  #listOf(mark: number): RankList {
    return ~mark >>> markListShift === this.#number ? this.#list : this.#nextList!;
  }

  /**
   * True if most of the table is ranked in a list that had to be sorted. That of a walk may stay for long; carried over into another
   * one, in which fewer have to be sorted than it had, it gives two thirds of its memory back.
   */
  get #isWide(): boolean {
    return !this.#list.isCompact && this.#list.live * 2 > this.#table.count;
  }

  #begin(isAll: boolean): void {
    const { clock, count } = this.#table;
    const ranked = this.#list.live;
    const evicted = Math.min(1, this.#evicted / this.#rankedAtFirst);
    const wanted = count * (rankedShare + (evictedShare - rankedShare) * evicted);
    const isEvicting =
      this.#rankedAtFirst > count / 4 && this.#evicted > evictingShare * (this.#rankedAtFirst - ranked);
    const limit = isAll || isEvicting ? undefined : this.#limitFor(wanted);
    const expected = ranked + (limit === undefined ? count - ranked : wanted * 1.25);
    this.#limit = limit ?? (clock - this.#base) >>> 0;
    this.#nextList = new RankList(this.#base, this.#limit, Math.ceil(expected) + 16, this.#nextNumber);
    this.#scanned = 0;
    this.#scanEnd = count;
  }

  /** About `wanted` stamps of recent entries lie below it; `undefined` when these are few, or nearly all. */
  #limitFor(wanted: number): number | undefined {
    const { count, family } = this.#table;
    const recent = count - this.#list.live;
    if (wanted > 0.9 * recent) return undefined;
    let found = 0;
    for (let i = 0; i < sampleCount; i++) {
      this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
      const slot = this.#table.slotAt(Math.floor(((this.#random >>> 0) / 2 ** 32) * count));
      if (family.pool.word(slot, timeAt) < 0) continue;
      samples[found++] = family.pool.word(slot, stampAt) - this.#base;
    }
    if (found === 0) return undefined;
    return nthLowest(samples, found, Math.floor((found * wanted) / recent)) + 1;
  }

  #stepsLeft(): number {
    const scanning = this.#scanEnd - this.#scanned;
    // Entries that the scan will gather have to be sorted as well.
    return this.#list.live + 3 * scanning + this.#nextList!.stepsLeft;
  }

  /** Does at most `limit` steps, and at least one; returns how many. */
  #step(next: RankList, limit: number): number {
    if (this.#list.live > 0) return this.#carry(next, limit);
    if (this.#scanned < this.#scanEnd) return this.#scan(next, limit);
    if (!next.isSorted) return next.sort(limit);
    next.settle();
    this.#list = next;
    this.#number ^= 1;
    this.#nextList = undefined;
    this.#rankedAtFirst = next.live;
    this.#evicted = 0;
    return 1;
  }

  /** Entries that are left in the list before come first in the next one. */
  #carry(next: RankList, limit: number): number {
    const { pool } = this.#table.family;
    let steps = 0;
    for (; steps < limit && this.#list.live > 0; steps++) {
      const slot = this.#list.oldest;
      this.#list.leave(~pool.word(slot, timeAt) & markIndexMask);
      pool.setWord(slot, timeAt, next.carry(slot));
    }
    // The memory of the one before is not needed any more.
    if (this.#list.live === 0) this.#list = new RankList(0, 1, 0, 0);
    return steps;
  }

  /** Gathers from at most `limit` places; returns how many it has looked at. */
  #scan(next: RankList, limit: number): number {
    // The last ones may have left.
    this.#scanEnd = Math.min(this.#scanEnd, this.#table.count);
    const steps = Math.min(limit, this.#scanEnd - this.#scanned, this.#table.runAt(this.#scanned));
    if (steps > 0) {
      const { words, stride } = this.#table.family.pool;
      const first = this.#table.slotAt(this.#scanned);
      next.gather(words[first >>> segmentShift]!, stride, first, steps);
      this.#scanned += steps;
    }
    if (this.#scanned >= this.#scanEnd) this.#base = (this.#base + this.#limit) | 0;
    return Math.max(1, steps);
  }
}
