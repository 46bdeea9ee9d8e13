// hot

import { highWord, lowWord } from '../model/frame-batch.ts';
import type { TraceEvents } from '../profile/build/window-contents.ts';
import { uint64Of } from '../support/halves.ts';
import type { Steps } from '../support/steps.ts';
import { copyInSteps } from '../support/uint32-list.ts';

/** References of an event, by indices of its window; `link` is -1 for none. */
export interface EventIndices {
  resource: number;
  profileType: number;
  stack: number;
  context: number;
  link: number;
}

/** Words of a record. The time begins at an even word, so that it is one element of a 64-bit array. */
const recordWords = 8;
const resourceAt = 0;
const profileTypeAt = 1;
const stackAt = 2;
const contextAt = 3;
const linkPlusOneAt = 4;
const valueLowAt = 5;
const timeAt = 6;
// V8 folds constants of the module itself into the code, not imported ones.
const lowAt = lowWord;
const highAt = highWord;

/** Time and value of the event that is added, and the words of both. */
const heldMoment = new BigUint64Array(2);
const heldTime = new Uint32Array(heldMoment.buffer, 0, 2);
const heldValue = new Uint32Array(heldMoment.buffer, 8, 2);

/** Events of a window that is nearly empty. */
const fewEvents = 256;

/**
 * Trace events in the order of their arrival: a record of 32 bytes each, in one array, so that adding an event writes one
 * cache line. Values of 32 bits, as nearly all are, are part of the record; upper halves have a column of their own once one is not 0.
 */
export class EventColumns implements TraceEvents {
  #words: Uint32Array<ArrayBuffer>;
  #times: BigUint64Array;
  #valueHigh: Uint32Array | undefined;
  #count = 0;
  #heldCount = 0;

  /** Room for `capacity` events from the start; beyond, the room doubles. */
  constructor(capacity: number = fewEvents) {
    this.#words = new Uint32Array(recordWords * Math.max(fewEvents, capacity));
    this.#times = new BigUint64Array(this.#words.buffer);
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#count * (4 * recordWords + (this.#valueHigh === undefined ? 0 : 4));
  }

  /** Makes room for `more` events, in steps; nothing is added between them. */
  *makeRoom(more: number): Steps<void> {
    while ((this.#count + more) * recordWords > this.#words.length) {
      const words = new Uint32Array(2 * this.#words.length);
      yield* copyInSteps(this.#words, words);
      this.#replace(words);
    }
  }

  /** Adds an event for each of the moments `start .. end`, whose times and values are given as the words of 64-bit columns. */
  add(event: EventIndices, timeWords: Uint32Array, valueWords: Uint32Array, start: number, end: number): void {
    const { resource, profileType, stack, context, link } = event;
    for (let moment = start; moment < end; moment++) {
      const index = this.#count++;
      if ((index + 1) * recordWords > this.#words.length) this.#grow();
      const words = this.#words;
      const at = index * recordWords;
      words[at + resourceAt] = resource;
      words[at + profileTypeAt] = profileType;
      words[at + stackAt] = stack;
      words[at + contextAt] = context;
      words[at + linkPlusOneAt] = link + 1;
      words[at + valueLowAt] = valueWords[2 * moment + lowAt]!;
      words[at + timeAt] = timeWords[2 * moment]!;
      words[at + timeAt + 1] = timeWords[2 * moment + 1]!;
      const valueHigh = valueWords[2 * moment + highAt]!;
      if (valueHigh !== 0) this.#setValueHigh(index, valueHigh);
    }
  }

  /** Adds an event of the window before, which waited for a name. All such come before the first other one. */
  addHeld(event: EventIndices, unixNano: bigint, value: bigint): void {
    heldMoment[0] = unixNano;
    heldMoment[1] = value;
    this.add(event, heldTime, heldValue, 0, 1);
    this.#heldCount = this.#count;
  }

  wasHeld(event: number): boolean {
    return event < this.#heldCount;
  }

  resource(event: number): number {
    return this.#words[event * recordWords + resourceAt]!;
  }

  profileType(event: number): number {
    return this.#words[event * recordWords + profileTypeAt]!;
  }

  stack(event: number): number {
    return this.#words[event * recordWords + stackAt]!;
  }

  context(event: number): number {
    return this.#words[event * recordWords + contextAt]!;
  }

  link(event: number): number {
    return this.#words[event * recordWords + linkPlusOneAt]! - 1;
  }

  unixNano(event: number): bigint {
    return this.#times[(event * recordWords + timeAt) / 2]!;
  }

  value(event: number): bigint {
    return uint64Of(this.valueHigh(event), this.valueLow(event));
  }

  timeLow(event: number): number {
    return this.#words[event * recordWords + timeAt + lowAt]!;
  }

  timeHigh(event: number): number {
    return this.#words[event * recordWords + timeAt + highAt]!;
  }

  valueLow(event: number): number {
    return this.#words[event * recordWords + valueLowAt]!;
  }

  valueHigh(event: number): number {
    return this.#valueHigh === undefined ? 0 : this.#valueHigh[event]!;
  }

  #setValueHigh(index: number, high: number): void {
    this.#valueHigh ??= new Uint32Array(this.#words.length / recordWords);
    this.#valueHigh[index] = high;
  }

  #grow(): void {
    const words = new Uint32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#replace(words);
  }

  #replace(words: Uint32Array<ArrayBuffer>): void {
    this.#words = words;
    this.#times = new BigUint64Array(words.buffer);
    if (this.#valueHigh === undefined) return;
    const valueHigh = new Uint32Array(words.length / recordWords);
    valueHigh.set(this.#valueHigh);
    this.#valueHigh = valueHigh;
  }
}
