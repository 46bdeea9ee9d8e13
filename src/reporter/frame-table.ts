// hot
import type { FrameKind } from '../model/frame-kind.ts';
import { hashSeed, mixWord } from '../support/mix-words.ts';
import { QuadIndex } from '../support/quad-index.ts';
import { Uint32List } from '../support/uint32-list.ts';

/**
 * Words of a frame: its place, and the halves of its address. A record of four is within one cache line. Signed, so that V8 compares words
 * and not doubles.
 */
const recordWords = 4;
const placeAt = 0;
const highAt = 1;
const lowAt = 2;
const hashAt = 3;

// Secret, so that nobody can choose places and addresses whose products cancel each other; V8 folds it into the code.
const seed = hashSeed;
const placeFactor = hashSeed | 1;

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

  #word(frame: number, position: number): number {
    return this.#records[frame * recordWords + position]!;
  }

  #add(slot: number, place: number, high: number, low: number, hash: number): number {
    const added = this.#count++;
    const at = added * recordWords;
    if (at === this.#records.length) this.#records = grown(this.#records);
    this.#records[at + placeAt] = place;
    this.#records[at + highAt] = high;
    this.#records[at + lowAt] = low;
    this.#records[at + hashAt] = hash;
    this.#slots[slot] = added + 1;
    if (2 * this.#count > this.#slots.length) this.#growSlots();
    return added;
  }

  #growSlots(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let frame = 0; frame < this.#count; frame++) {
      let slot = this.#word(frame, hashAt) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = frame + 1;
    }
    this.#slots = slots;
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

function grown(words: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(2 * words.length);
  twice.set(words);
  return twice;
}
