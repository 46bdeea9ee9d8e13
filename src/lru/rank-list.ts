// hot
import { noSlot, segmentMask, stampWord, timeWord } from './slot-pool.ts';

// Not imported, so that V8 folds them into the code (see use-entry.ts).
const gone = noSlot;
const placeMask = segmentMask;
const stampAt = stampWord;
const timeAt = timeWord;

/** Bits of a stamp that one pass of the sort looks at, at most: the stamps of four million uses take two passes. */
const maxDigitBits = 11;

/**
 * Slots in order of last use, and how they come into it: first some are carried over in that order, then newer ones are
 * gathered in any order, each with its stamp, then these are sorted in steps (by radix, lowest digit first). What is in order but for where it
 * begins is not sorted: so are the places of a table in which each new entry has taken the place of the oldest.
 * An entry is known by its index, the number of entries that came before it, which is in its mark.
 */
export class RankList {
  /** By index; `noSlot` for an entry that has left. */
  #slots: Int32Array;
  /** By index; of a sorted entry it is its place in `#order`. */
  #stamps: Int32Array;
  #count = 0;
  #carried = 0;
  #live = 0;
  #liveCarried = 0;
  /** The search for the oldest entry is here: an index, or in a sorted list a place in `#order`. `#end` ends the part that it is in. */
  #head = 0;
  #end = 0;
  /** The part of the list that is searched. */
  #part: 'carried' | 'older half' | 'newer half' | 'sorted' = 'carried';
  #firstStamp = 0;
  #lastStamp = 0;
  /** Number of gathered entries that are older than the one before them, and the last of these. */
  #descents = 0;
  #descent = 0;
  readonly #digitBits: number;
  readonly #passes: number;
  /** The pass that is under way. Each goes over the gathered entries twice: counts those of each digit, then puts them in their places. */
  #pass = 0;
  #counted = 0;
  #scattered = 0;
  #places: Int32Array = none;
  /** Indices of gathered entries as the last pass has sorted them; empty before the first. */
  #order: Int32Array = none;
  #nextOrder: Int32Array = none;

  /** Stamps are told by how far they are behind this one. */
  readonly #base: number = 0;
  readonly #limit: number = 0;
  /** Bits of a mark above the index. */
  readonly #markBits: number = 0;

  /** Gathers entries whose stamps are less than `limit` behind `base`, of which there are about `expected` with the carried ones. */
  constructor(base: number, limit: number, expected: number, markBits: number) {
    this.#base = base;
    this.#limit = limit;
    this.#markBits = markBits;
    this.#slots = new Int32Array(expected);
    this.#stamps = new Int32Array(expected);
    const bits = 32 - Math.clz32(limit);
    this.#passes = Math.max(1, Math.ceil(bits / maxDigitBits));
    this.#digitBits = Math.ceil(bits / this.#passes);
  }

  /** Entries that have not left. */
  get live(): number {
    return this.#live;
  }

  /** Entries of these that were carried over, and are known to be the oldest before the others are sorted. */
  get liveCarried(): number {
    return this.#liveCarried;
  }

  get isSorted(): boolean {
    return this.#pass === this.#passes || this.#isRotated;
  }

  /** True if most entries are in order without places of their own: 4 bytes an entry, where sorted ones have 12. */
  get isCompact(): boolean {
    return this.#order.length <= this.#carried;
  }

  /** Steps of the sort that are left, once no more are gathered. */
  get stepsLeft(): number {
    if (this.isSorted) return 0;
    return 2 * (this.#passes - this.#pass) * (this.#count - this.#carried) - this.#counted - this.#scattered;
  }

  /** Takes over the next newer entry; returns its mark. */
  carry(slot: number): number {
    if (this.#count === this.#slots.length) this.#grow();
    const index = this.#count++;
    this.#slots[index] = slot;
    this.#live++;
    this.#liveCarried++;
    this.#carried++;
    this.#descent = this.#carried;
    return ~(index | this.#markBits);
  }

  /** Takes those of `count` slots from `first` on that are neither ranked nor too new, and marks them in `own`, their segment. */
  gather(own: Int32Array, stride: number, first: number, count: number): void {
    let slots = this.#slots;
    let stamps = this.#stamps;
    const base = this.#base;
    const limit = this.#limit;
    const markBits = this.#markBits;
    const end = (first + count) | 0;
    let index = this.#count;
    let last = this.#lastStamp;
    let at = Math.imul(first & placeMask, stride);
    for (let slot = first; slot < end; slot = (slot + 1) | 0, at = (at + stride) | 0) {
      const time = own[(at + timeAt) | 0]!;
      const stamp = (own[(at + stampAt) | 0]! - base) >>> 0;
      if (time < 0 || stamp >= limit) continue;
      if (index === slots.length) {
        this.#grow();
        slots = this.#slots;
        stamps = this.#stamps;
      }
      own[(at + stampAt) | 0] = time;
      own[(at + timeAt) | 0] = ~(index | markBits);
      slots[index] = slot;
      stamps[index] = stamp;
      if (stamp < last) this.#descend(index);
      last = stamp;
      index = (index + 1) | 0;
    }
    if (this.#count === this.#carried) this.#firstStamp = stamps[this.#carried]!;
    this.#live += index - this.#count;
    this.#count = index;
    this.#lastStamp = last;
  }

  leave(index: number): void {
    this.#slots[index] = gone;
    this.#live--;
    if (index < this.#carried) this.#liveCarried--;
  }

  /** The same for the entry that `oldest` has found. */
  leaveOldest(index: number): void {
    this.leave(index);
    this.#head = (this.#head + 1) | 0;
  }

  /** The entry is at another slot now. */
  moved(index: number, slot: number): void {
    this.#slots[index] = slot;
  }

  /** Slot of the oldest entry, of the carried ones before the others are sorted; `noSlot` when there is none. */
  get oldest(): number {
    if (this.#head < this.#end) {
      const slot = this.#slots[this.#part === 'sorted' ? this.#order[this.#head]! : this.#head]!;
      if (slot !== gone) return slot;
    }
    return this.#findOldest();
  }

  /** The same where the next of the list has left, or the part ends. */
  #findOldest(): number {
    if (this.#live === 0) return gone;
    do {
      const slots = this.#slots;
      const isSorted = this.#part === 'sorted';
      for (; this.#head < this.#end; this.#head++) {
        const slot = slots[isSorted ? this.#order[this.#head]! : this.#head]!;
        if (slot !== gone) return slot;
      }
    } while (this.#openPart());
    return gone;
  }

  /** Goes on to the next part; false when there is none, or none yet. */
  #openPart(): boolean {
    if (this.#part === 'carried') {
      if (this.#end < this.#carried) {
        this.#end = this.#carried;
        return true;
      }
      if (!this.isSorted) return false;
      this.#part = this.#isRotated ? 'older half' : 'sorted';
      this.#head = this.#isRotated ? this.#descent : 0;
      this.#end = this.#isRotated ? this.#count : this.#count - this.#carried;
      return true;
    }
    if (this.#part !== 'older half') return false;
    this.#part = 'newer half';
    this.#head = this.#carried;
    this.#end = this.#descent;
    return true;
  }

  /** Slot of the entry after one, in a sorted list; `noSlot` when there is none. */
  newerThan(index: number): number {
    for (let place = this.#placeOf(index) + 1; place < this.#count; place++) {
      const slot = this.#slotAt(place);
      if (slot !== gone) return slot;
    }
    return gone;
  }

  /** Gives back what only a list needs that is being made. */
  settle(): void {
    // The stamps of a sorted list have become places.
    if (this.#isRotated) this.#stamps = none;
  }

  /** Sorts on for at most `limit` steps; returns how many it took. */
  sort(limit: number): number {
    const left = this.#count - this.#carried - this.#counted;
    return left > 0 ? this.#countDigits(Math.min(limit, left)) : this.#scatter(limit);
  }

  #descend(index: number): void {
    this.#descents++;
    this.#descent = index;
  }

  get #isRotated(): boolean {
    return this.#descents === 0 || (this.#descents === 1 && this.#lastStamp < this.#firstStamp);
  }

  #slotAt(place: number): number {
    const carried = this.#carried;
    if (place < carried) return this.#slots[place]!;
    if (!this.#isRotated) return this.#slots[this.#order[place - carried]!]!;
    const index = place + this.#descent - carried;
    return this.#slots[index < this.#count ? index : index - this.#count + carried]!;
  }

  #placeOf(index: number): number {
    const carried = this.#carried;
    if (index < carried) return index;
    if (!this.#isRotated) return this.#stamps[index]! + carried;
    const place = index - this.#descent + carried;
    return place >= carried ? place : place + this.#count - carried;
  }

  #countDigits(steps: number): number {
    if (this.#counted === 0) this.#places = new Int32Array(1 << this.#digitBits);
    const places = this.#places;
    const stamps = this.#stamps;
    const shift = this.#pass * this.#digitBits;
    const mask = places.length - 1;
    const from = this.#carried + this.#counted;
    const end = from + steps;
    for (let index = from; index < end; index++) places[(stamps[index]! >>> shift) & mask]!++;
    this.#counted += steps;
    if (this.#carried + this.#counted === this.#count) this.#beginScatter();
    return steps;
  }

  /** Counts become places: a digit begins where the one before it ends. */
  #beginScatter(): void {
    let next = 0;
    for (let digit = 0; digit < this.#places.length; digit++) {
      const count = this.#places[digit]!;
      this.#places[digit] = next;
      next += count;
    }
    if (this.#nextOrder.length < this.#counted) this.#nextOrder = new Int32Array(this.#counted);
  }

  #scatter(limit: number): number {
    const from = this.#scattered;
    const end = Math.min(this.#counted, from + limit);
    const isFirst = this.#pass === 0;
    const isLast = this.#pass === this.#passes - 1;
    const carried = this.#carried;
    const places = this.#places;
    const stamps = this.#stamps;
    const order = this.#order;
    const nextOrder = this.#nextOrder;
    const shift = this.#pass * this.#digitBits;
    const mask = places.length - 1;
    for (let at = from; at < end; at++) {
      const index = isFirst ? carried + at : order[at]!;
      const place = places[(stamps[index]! >>> shift) & mask]!++;
      nextOrder[place] = index;
      if (isLast) stamps[index] = place;
    }
    this.#scattered = end;
    if (end === this.#counted) this.#endPass(isLast);
    return end - from;
  }

  #endPass(isLast: boolean): void {
    const order = this.#order;
    this.#order = this.#nextOrder;
    this.#nextOrder = isLast ? none : order;
    this.#counted = 0;
    this.#scattered = 0;
    this.#pass++;
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length + 1);
    slots.set(this.#slots);
    this.#slots = slots;
    const stamps = new Int32Array(slots.length);
    stamps.set(this.#stamps);
    this.#stamps = stamps;
  }
}

const none = new Int32Array(0);
