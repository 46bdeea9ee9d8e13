// hot
/** No slot: the end of a list, or a key that is not there. */
export const noSlot = -1;

/** A block has 2^order slots; blocks of tables have at most 2^9, so that a table grows by 12 KiB at a time. */
export const maxBlockOrder = 9;

/**
 * Words before the key: the time of the last use, and the number of that use among those of its table. An entry that is ranked
 * (see `RecencyOrder`) has a mark, a negative number, in the place of its time, and the time in that of its number.
 */
export const timeWord = 0;
export const stampWord = 1;
/** Beginning of the key. */
export const keyWord = 2;
const keyAt = keyWord;
/** Words of the first slot of a free block: the next and the previous free block of its order. */
const nextFreeWord = 0;
const previousFreeWord = 1;

/** A slot number is a segment and a place in it: `slot >>> segmentShift` and `slot & segmentMask`. */
export const segmentOrder = 13;
const segmentSlots = 1 << segmentOrder;
// Not exported, so that V8 folds them into the code (see use-entry.ts).
const segmentShift = segmentOrder;
const placeMask: number = segmentSlots - 1;
const timeAt = timeWord;
const stampAt = stampWord;
export const segmentMask: number = segmentSlots - 1;
/** An index cell has 24 bits for a slot and keeps 0 for "empty". */
const maxSegments = (1 << 24) / segmentSlots - 1;
const bytesPerReference = 8;

/**
 * Memory that many tables share: slots for a key of two or four 32-bit words, a time, a stamp and a value, handed out
 * in blocks of 2^order slots. A buddy allocator: a freed block joins its free neighbour, and a segment of
 * 8,192 slots that is wholly free goes back to the system (one is kept as a spare). A table of its own arrays would
 * cost some 600 bytes before its first entry; here it costs its slots.
 * Slots are numbered over all segments and do not move; words are signed so that V8 never boxes them.
 */
export class SlotPool<V> {
  // Fields that begin as a number are known to be one, without a look at each use.
  readonly keyWords: 2 | 4 = 2;
  /** Words of one slot. */
  readonly stride: number = 0;
  /** Words of the slots of segment `slot >>> 13`; empty for a segment that was given back. */
  readonly words: Int32Array[] = [];
  readonly values: (V | undefined)[][] = [];
  /** Order of the free block that begins at a slot, plus one. */
  readonly #freeOrders: Uint8Array[] = [];
  readonly #freeHeads = new Int32Array(segmentOrder + 1).fill(noSlot);
  readonly #releasedSegments: number[] = [];
  /** Makes places in an index unpredictable. */
  readonly seed: number = 0;
  #allocatedSlots = 0;
  #isSpareKept = false;

  /** `seed` makes the places of keys unpredictable to who sends them; any 32-bit number. */
  constructor(keyWords: 2 | 4, seed: number) {
    this.keyWords = keyWords;
    this.stride = keyWords + keyAt;
    this.seed = seed | 0;
  }

  /** Bytes of one slot, with the reference to its value. */
  get slotBytes(): number {
    return this.stride * Int32Array.BYTES_PER_ELEMENT + bytesPerReference;
  }

  get allocatedSlots(): number {
    return this.#allocatedSlots;
  }

  /** Bytes held from the system, free blocks included. */
  get heldBytes(): number {
    return (this.words.length - this.#releasedSegments.length) * segmentSlots * (this.slotBytes + 1);
  }

  /** First slot of a block. @throws RangeError when 2^24 slots are in use. */
  allocate(order: number): number {
    let found = order;
    while (found <= segmentOrder && this.#freeHeads[found] === noSlot) found++;
    if (found > segmentOrder) {
      this.#addSegment();
      found = segmentOrder;
    }
    if (found === segmentOrder) this.#isSpareKept = false;
    const slot = this.#freeHeads[found]!;
    this.#unlinkFree(slot, found);
    while (found > order) {
      found--;
      this.#linkFree(slot + (1 << found), found);
    }
    this.#allocatedSlots += 1 << order;
    return slot;
  }

  /** Takes a block back. Its values must be `undefined` by now, or they stay in memory. */
  free(slot: number, order: number): void {
    this.#allocatedSlots -= 1 << order;
    let start = slot;
    let joined = order;
    while (joined < segmentOrder) {
      const buddy = start ^ (1 << joined);
      if (this.#freeOrders[buddy >>> segmentShift]![buddy & placeMask] !== joined + 1) break;
      this.#unlinkFree(buddy, joined);
      start = Math.min(start, buddy);
      joined++;
    }
    if (joined === segmentOrder && this.#isSpareKept) {
      this.#releaseSegment(start >>> segmentShift);
      return;
    }
    if (joined === segmentOrder) this.#isSpareKept = true;
    this.#linkFree(start, joined);
  }

  /** True if the slot has exactly this key. */
  holds(slot: number, key0: number, key1: number, key2: number, key3: number): boolean {
    const words = this.words[slot >>> segmentShift]!;
    const at = Math.imul(slot & placeMask, this.stride) + keyAt;
    if (words[at + 1] !== key1 || words[at] !== key0) return false;
    return this.keyWords === 2 || (words[at + 2] === key2 && words[at + 3] === key3);
  }

  setKey(slot: number, key0: number, key1: number, key2: number, key3: number): void {
    const words = this.words[slot >>> segmentShift]!;
    const at = Math.imul(slot & placeMask, this.stride) + keyAt;
    words[at] = key0;
    words[at + 1] = key1;
    if (this.keyWords === 2) return;
    words[at + 2] = key2;
    words[at + 3] = key3;
  }

  keyWord(slot: number, index: number): number {
    return this.words[slot >>> segmentShift]![Math.imul(slot & placeMask, this.stride) + keyAt + index]!;
  }

  word(slot: number, word: number): number {
    return this.words[slot >>> segmentShift]![Math.imul(slot & placeMask, this.stride) + word]!;
  }

  setWord(slot: number, word: number, value: number): void {
    this.words[slot >>> segmentShift]![Math.imul(slot & placeMask, this.stride) + word] = value;
  }

  /** The time of an entry's last use. */
  timeAt(slot: number): number {
    const time = this.word(slot, timeAt);
    return time >= 0 ? time : this.word(slot, stampAt);
  }

  value(slot: number): V | undefined {
    return this.values[slot >>> segmentShift]![slot & placeMask];
  }

  setValue(slot: number, value: V | undefined): void {
    this.values[slot >>> segmentShift]![slot & placeMask] = value;
  }

  /** Moves one entry to another slot; whatever points at it is the caller's. */
  move(from: number, to: number): void {
    const source = this.words[from >>> segmentShift]!;
    const target = this.words[to >>> segmentShift]!;
    const sourceAt = (from & placeMask) * this.stride;
    const targetAt = (to & placeMask) * this.stride;
    for (let i = 0; i < this.stride; i++) target[targetAt + i] = source[sourceAt + i]!;
    this.setValue(to, this.value(from));
    this.setValue(from, undefined);
  }

  hash(key0: number, key1: number, key2: number, key3: number): number {
    return hashOf(this, key0, key1, key2, key3);
  }

  hashAt(slot: number): number {
    const words = this.words[slot >>> segmentShift]!;
    const at = Math.imul(slot & placeMask, this.stride) + keyAt;
    if (this.keyWords === 2) return hashOf(this, words[at]!, words[at + 1]!, 0, 0);
    return hashOf(this, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
  }

  #addSegment(): void {
    const segment = this.#releasedSegments.pop() ?? this.words.length;
    if (segment >= maxSegments) {
      throw new RangeError(`slot pool: ${segment * segmentSlots} slots are in use; lower the number of entries`);
    }
    this.words[segment] = new Int32Array(segmentSlots * this.stride);
    this.values[segment] = new Array<V | undefined>(segmentSlots).fill(undefined);
    this.#freeOrders[segment] = new Uint8Array(segmentSlots);
    this.#linkFree(segment * segmentSlots, segmentOrder);
  }

  #releaseSegment(segment: number): void {
    this.words[segment] = noWords;
    this.values[segment] = [];
    this.#freeOrders[segment] = noOrders;
    this.#releasedSegments.push(segment);
  }

  // Free blocks of one order form a list; its links are those of each block's first slot.
  #linkFree(slot: number, order: number): void {
    const head = this.#freeHeads[order]!;
    this.#setFreeLinks(slot, head, noSlot);
    if (head !== noSlot) this.#setFreeLinks(head, this.word(head, nextFreeWord), slot);
    this.#freeHeads[order] = slot;
    this.#freeOrders[slot >>> segmentShift]![slot & placeMask] = order + 1;
  }

  #unlinkFree(slot: number, order: number): void {
    const next = this.word(slot, nextFreeWord);
    const previous = this.word(slot, previousFreeWord);
    if (next !== noSlot) this.#setFreeLinks(next, this.word(next, nextFreeWord), previous);
    if (previous === noSlot) this.#freeHeads[order] = next;
    else this.#setFreeLinks(previous, next, this.word(previous, previousFreeWord));
    this.#freeOrders[slot >>> segmentShift]![slot & placeMask] = 0;
  }

  #setFreeLinks(slot: number, next: number, previous: number): void {
    const words = this.words[slot >>> segmentShift]!;
    const at = Math.imul(slot & placeMask, this.stride);
    words[at + nextFreeWord] = next;
    words[at + previousFreeWord] = previous;
  }
}

/**
 * Hash of a key. Keys that differ in the last word only never collide, so the addresses of one file spread well;
 * the finalizer is MurmurHash3's (https://github.com/aappleby/smhasher, public domain).
 */
export function hashKey(
  { seed, keyWords }: { readonly seed: number; readonly keyWords: 2 | 4 },
  key0: number,
  key1: number,
  key2: number,
  key3: number,
): number {
  let mixed = Math.imul(key0 ^ seed, 0x9e3779b1);
  mixed = keyWords === 2 ? mixed ^ key1 : mixWide(mixed, key1, key2, key3);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

const hashOf = hashKey;

const noWords = new Int32Array(0);
const noOrders = new Uint8Array(0);

function mixWide(mixed: number, key1: number, key2: number, key3: number): number {
  const half = Math.imul(rotate(mixed ^ key1), 0x85ebca77);
  return Math.imul(rotate(half ^ key2), 0xc2b2ae3d) ^ key3;
}

function rotate(value: number): number {
  return (value << 15) | (value >>> 17);
}
