// hot
import type { FrameKind } from '../model/frame-kind.ts';
import type { WindowStacks } from '../profile/build/window-contents.ts';
import { grown } from '../support/grown-column.ts';
import { hashSeed, mixWord } from '../support/mix-words.ts';
import { QuadIndex } from '../support/quad-index.ts';
import type { Steps } from '../support/steps.ts';
import { fillSlots, recordsInSteps, slotsInSteps, slotsOf, Uint32List } from '../support/uint32-list.ts';

/**
 * Words of a frame: its place, and the halves of its address. A record of four is within one cache line. Signed, so that V8 compares words
 * and not doubles.
 */
const recordWords = 4;
const placeAt = 0;
const highAt = 1;
const lowAt = 2;
/** Lower 31 bits of the hash; the sign says that the frame has a name, which so costs no look elsewhere. */
const hashAt = 3;
const named = 0x8000_0000 | 0;

// Secret, so that nobody can choose places and addresses whose products cancel each other; V8 folds it into the code.
const seed = hashSeed;
const placeFactor = hashSeed | 1;

/** Columns of addresses, and how many frames are asked for. */
export interface FrameAddresses {
  readonly addressHigh: Uint32Array;
  readonly addressLow: Uint32Array;
  readonly count: number;
}

/**
 * Numbers distinct frames 0, 1, 2 … in the order of their first appearance. A frame is an address in a place; a place is a file, a
 * frame kind and a mapping, of which a window has a few hundred. Open addressing with linear probing at a load of at most one half; frames
 * are compared word by word. 24 to 32 bytes a frame.
 */
export class FrameTable {
  readonly #places = new QuadIndex();
  #records = new Int32Array(recordWords * 32);
  #count = 0;
  /** Number of the frame plus one; 0 is a free slot. The length is a power of two. */
  #slots = new Int32Array(64);
  /**
   * File and address of the frames: those that differ in kind or mapping alone have one name. Most windows see no new name, so the index
   * follows the frames only when one comes.
   */
  readonly #addresses = new QuadIndex();
  /** By address: the newest frame there, plus one. By frame: the one there before it, plus one; 0 for none. */
  readonly #newestFrame = new Uint32List();
  readonly #earlierFrame = new Uint32List();

  get count(): number {
    return this.#count;
  }

  /** Counts up to four slots a frame rather than those that are there: which sender's frame doubles a table is chance. */
  get sizeBytes(): number {
    const named = this.#addresses.sizeBytes + 4 * (this.#newestFrame.length + this.#earlierFrame.length);
    return this.#places.sizeBytes + 4 * (recordWords + 4) * this.#count + named;
  }

  /** Makes room for `more` frames, in steps; nothing is added between them. */
  *makeRoom(more: number): Steps<void> {
    const needed = this.#count + more;
    this.#records = yield* recordsInSteps(this.#records, needed * recordWords);
    this.#slots = yield* slotsInSteps(this.#slots, this.#count, needed, (slots, from, to) =>
      this.#fill(slots, from, to),
    );
  }

  /** The number of a place; `mapping` is -1 for none. */
  internPlace(file: number, kind: FrameKind, mapping: number): number {
    return this.#places.intern(file, kind, mapping + 1, 0);
  }

  /** Adds the frame or finds it. It was new when `count` has grown. */
  intern(place: number, addressHigh: number, addressLow: number): number {
    const high = addressHigh | 0;
    const low = addressLow | 0;
    const records = this.#records;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = mixWord(mixWord(seed ^ Math.imul(place, placeFactor), high), low);
    let slot = hash & mask;
    for (;;) {
      const entry = slots[slot]!;
      if (entry === 0) break;
      const at = (entry - 1) * recordWords;
      if (records[at + lowAt] === low && records[at + highAt] === high && records[at + placeAt] === place) {
        return entry - 1;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(slot, place, high, low, hash);
  }

  /**
   * Adds or finds `count` frames, one after the other: frame `frames[i]` of the columns in place `entries[i]`. Its number plus one
   * becomes `entries[i]`, negative while the frame has no name. A call for each would take longer than what it does.
   */
  internAll(entries: Int32Array, frames: Int32Array, { addressHigh, addressLow, count }: FrameAddresses): void {
    let records = this.#records;
    let slots = this.#slots;
    let mask = slots.length - 1;
    for (let i = 0; i < count; i++) {
      const place = entries[i]!;
      const high = addressHigh[frames[i]!]! | 0;
      const low = addressLow[frames[i]!]! | 0;
      const hash = mixWord(mixWord(seed ^ Math.imul(place, placeFactor), high), low);
      let slot = hash & mask;
      let entry = slots[slot]!;
      let at = (entry - 1) * recordWords;
      while (
        entry !== 0 &&
        (records[at + lowAt] !== low || records[at + highAt] !== high || records[at + placeAt] !== place)
      ) {
        slot = (slot + 1) & mask;
        entry = slots[slot]!;
        at = (entry - 1) * recordWords;
      }
      if (entry === 0) {
        entry = this.#add(slot, place, high, low, hash) + 1;
        records = this.#records;
        slots = this.#slots;
        mask = slots.length - 1;
        at = (entry - 1) * recordWords;
      }
      entries[i] = records[at + hashAt]! < 0 ? entry : -entry;
    }
  }

  /** Frames at an address of a file, of whatever kind and mapping. */
  *at(file: number, addressHigh: number, addressLow: number): Generator<number> {
    this.#indexAddresses();
    const address = this.#addresses.find(file, addressHigh, addressLow, 0);
    if (address < 0) return;
    for (let next = this.#newestFrame.at(address); next > 0; next = this.#earlierFrame.at(next - 1)) yield next - 1;
  }

  file(frame: number): number {
    return this.#places.word(this.#word(frame, placeAt), 0);
  }

  kind(frame: number): FrameKind {
    return this.#places.word(this.#word(frame, placeAt), 1) as FrameKind;
  }

  /** -1 for none. */
  mapping(frame: number): number {
    return this.#places.word(this.#word(frame, placeAt), 2) - 1;
  }

  addressHigh(frame: number): number {
    return this.#word(frame, highAt) >>> 0;
  }

  addressLow(frame: number): number {
    return this.#word(frame, lowAt) >>> 0;
  }

  isNamed(frame: number): boolean {
    return this.#word(frame, hashAt) < 0;
  }

  markNamed(frame: number): void {
    this.#records[frame * recordWords + hashAt]! |= named;
  }

  #word(frame: number, position: number): number {
    return this.#records[frame * recordWords + position]!;
  }

  #add(slot: number, place: number, high: number, low: number, hash: number): number {
    const added = this.#count++;
    const at = added * recordWords;
    if (at === this.#records.length) this.#records = grown(this.#records, at + recordWords);
    this.#records[at + placeAt] = place;
    this.#records[at + highAt] = high;
    this.#records[at + lowAt] = low;
    this.#records[at + hashAt] = hash & ~named;
    this.#slots[slot] = added + 1;
    if (2 * this.#count > this.#slots.length) this.#growSlots();
    return added;
  }

  #growSlots(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    this.#fill(slots, 0, this.#count);
    this.#slots = slots;
  }

  #fill(slots: Int32Array, from: number, to: number): void {
    const mask = slots.length - 1;
    for (let frame = from; frame < to; frame++) {
      let slot = this.#word(frame, hashAt) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = frame + 1;
    }
  }

  #indexAddresses(): void {
    for (let frame = this.#earlierFrame.length; frame < this.#count; frame++) {
      const address = this.#addresses.intern(this.file(frame), this.addressHigh(frame), this.addressLow(frame), 0);
      if (address === this.#newestFrame.length) this.#newestFrame.push(0);
      this.#earlierFrame.push(this.#newestFrame.at(address));
      this.#newestFrame.set(address, frame + 1);
    }
  }
}

/**
 * Distinct stacks of one window, one after the other in one arena. A stack is its frames, compared one by one: two
 * stacks are never taken for the same because a hash says so
 * (https://github.com/open-telemetry/opentelemetry-ebpf-profiler/issues/732 shows what happens then).
 */
export class StackTable implements WindowStacks {
  /** Frames of all stacks, leaf first. */
  readonly #arena = new Uint32List(1024);
  /** Start of each stack; one more element is the end of the last one. */
  readonly #starts = new Uint32List(64);
  readonly #truncated = new Uint32List(64);
  readonly #hashes = new Uint32List(64);
  /** Stack number plus one; 0 is a free slot. The length is a power of two, at least twice the number of stacks. */
  #slots = new Int32Array(128);

  constructor() {
    this.#starts.push(0);
  }

  get count(): number {
    return this.#starts.length - 1;
  }

  /** Counts slots as `FrameTable` does. */
  get sizeBytes(): number {
    return 4 * (this.#arena.length + (3 + 4) * this.#starts.length);
  }

  /** Makes room for `more` stacks, in steps; nothing is added between them. */
  *makeRoom(more: number): Steps<void> {
    const { count } = this;
    this.#slots = yield* slotsInSteps(this.#slots, count, count + more, (slots, from, to) =>
      fillSlots(slots, this.#hashes, from, to),
    );
  }

  /** Adds the stack `frames[0 .. length)`, leaf first, or finds it. */
  intern(frames: Int32Array, length: number, isTruncated: boolean): number {
    const hash = hashOf(frames, length, isTruncated);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = this.#slots[slot]!;
      if (entry === 0) break;
      if (this.#hashes.at(entry - 1) === hash && this.#equals(entry - 1, frames, length, isTruncated)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const added = this.count;
    this.#arena.append(frames, 0, length);
    this.#starts.push(this.#arena.length);
    this.#truncated.push(isTruncated ? 1 : 0);
    this.#hashes.push(hash);
    this.#slots[slot] = added + 1;
    if ((added + 1) * 2 > this.#slots.length) this.#slots = slotsOf(this.#hashes, 2 * this.#slots.length);
    return added;
  }

  startOf(stack: number): number {
    return this.#starts.at(stack);
  }

  frameAt(position: number): number {
    return this.#arena.at(position);
  }

  isTruncated(stack: number): boolean {
    return this.#truncated.at(stack) === 1;
  }

  #equals(stack: number, frames: Int32Array, length: number, isTruncated: boolean): boolean {
    const start = this.startOf(stack);
    if (this.startOf(stack + 1) - start !== length || this.isTruncated(stack) !== isTruncated) return false;
    for (let i = 0; i < length; i++) {
      if ((this.#arena.at(start + i) | 0) !== frames[i]) return false;
    }
    return true;
  }
}

// Not exported, so that V8 folds them into the code. Secret, so that nobody can choose frames that cancel each other.
const firstSeed = hashSeed;
const secondSeed = mixWord(hashSeed, 1);
const factor = mixWord(hashSeed, 2) | 1;

/** Two frames a step, in two chains, which the processor follows at the same time: one after the other costs four times as much. */
function hashOf(frames: Int32Array, length: number, isTruncated: boolean): number {
  let first = firstSeed;
  let second = secondSeed ^ (isTruncated ? 1 : 0);
  let i = 0;
  for (; i + 3 < length; i += 4) {
    first = mixWord(first, frames[i]! ^ Math.imul(frames[i + 1]!, factor));
    second = mixWord(second, frames[i + 2]! ^ Math.imul(frames[i + 3]!, factor));
  }
  for (; i < length; i++) first = mixWord(first, frames[i]!);
  return mixWord(Math.imul(first, factor) ^ length, second) >>> 0;
}
