// hot

import { highWord, lowWord } from '../model/frame-batch.ts';
import type { EventSlice, TraceEvents } from '../profile/build/window-contents.ts';
import { uint64Of } from '../support/halves.ts';

/** Words of a record. */
const recordWords = 4;
const sampleAt = 0;
const valueLowAt = 1;
const timeAt = 2;
// V8 folds constants of the module itself into the code, not imported ones.
const lowAt = lowWord;
const highAt = highWord;

/** Time and value of the event that is added, and the words of both. */
const heldMoment = new BigUint64Array(2);
const heldTime = new Uint32Array(heldMoment.buffer, 0, 2);
const heldValue = new Uint32Array(heldMoment.buffer, 8, 2);

/** Events of a chunk, a power of two; a chunk has 64 KiB. */
const chunkBits = 12;
const chunkEvents = 1 << chunkBits;

/**
 * Trace events in the order of their arrival: a record of 16 bytes each, in chunks that stay where they are, so that a window of any
 * size grows without a copy. Values of 32 bits, as nearly all are, are part of the record; upper halves have a column of their own, in
 * chunks that have one which is not 0.
 */
export class EventColumns implements TraceEvents {
  readonly #chunks: Uint32Array<ArrayBuffer>[] = [];
  /** By chunk; `undefined` where all are 0. */
  readonly #valueHigh: (Uint32Array | undefined)[] = [];
  #valueHighCount = 0;
  #count = 0;
  #heldCount = 0;

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return 4 * (this.#count * recordWords + this.#valueHighCount * chunkEvents);
  }

  /** Adds an event of a sample for each of the moments `start .. end`, whose times and values are given as the words of 64-bit columns. */
  add(sample: number, timeWords: Uint32Array, valueWords: Uint32Array, start: number, end: number): void {
    for (let moment = start; moment < end; moment++) {
      const index = this.#count++;
      const at = (index & (chunkEvents - 1)) * recordWords;
      if (at === 0) this.#chunks.push(new Uint32Array(recordWords * chunkEvents));
      const words = this.#chunks[index >>> chunkBits]!;
      words[at + sampleAt] = sample;
      words[at + valueLowAt] = valueWords[2 * moment + lowAt]!;
      words[at + timeAt] = timeWords[2 * moment]!;
      words[at + timeAt + 1] = timeWords[2 * moment + 1]!;
      const valueHigh = valueWords[2 * moment + highAt]!;
      if (valueHigh !== 0) this.#setValueHigh(index, valueHigh);
    }
  }

  /** Adds an event of the window before, which waited for a name. All such come before the first other one. */
  addHeld(sample: number, unixNano: bigint, value: bigint): void {
    heldMoment[0] = unixNano;
    heldMoment[1] = value;
    this.add(sample, heldTime, heldValue, 0, 1);
    this.#heldCount = this.#count;
  }

  wasHeld(event: number): boolean {
    return event < this.#heldCount;
  }

  sample(event: number): number {
    return this.#word(event, sampleAt);
  }

  unixNano(event: number): bigint {
    return uint64Of(this.timeHigh(event), this.timeLow(event));
  }

  value(event: number): bigint {
    return uint64Of(this.valueHigh(event), this.valueLow(event));
  }

  timeLow(event: number): number {
    return this.#word(event, timeAt + lowAt);
  }

  timeHigh(event: number): number {
    return this.#word(event, timeAt + highAt);
  }

  valueLow(event: number): number {
    return this.#word(event, valueLowAt);
  }

  valueHigh(event: number): number {
    // Nearly every window has none, and a look at the length costs less than one beyond it.
    if (this.#valueHigh.length === 0) return 0;
    return this.#valueHigh[event >>> chunkBits]?.[event & (chunkEvents - 1)] ?? 0;
  }

  read(first: number, slice: EventSlice): number {
    const { sample, timeLow, timeHigh, valueLow, valueHigh } = slice;
    const count = Math.min(sample.length, this.#count - first);
    for (let done = 0; done < count; ) {
      const event = first + done;
      const at = event & (chunkEvents - 1);
      const length = Math.min(count - done, chunkEvents - at);
      const words = this.#chunks[event >>> chunkBits]!;
      for (let i = 0; i < length; i++) {
        const record = (at + i) * recordWords;
        sample[done + i] = words[record + sampleAt]!;
        timeLow[done + i] = words[record + timeAt + lowAt]!;
        timeHigh[done + i] = words[record + timeAt + highAt]!;
        valueLow[done + i] = words[record + valueLowAt]!;
      }
      const high = this.#valueHigh[event >>> chunkBits];
      if (high === undefined) valueHigh.fill(0, done, done + length);
      else valueHigh.set(high.subarray(at, at + length), done);
      done += length;
    }
    return count;
  }

  #word(event: number, position: number): number {
    return this.#chunks[event >>> chunkBits]![(event & (chunkEvents - 1)) * recordWords + position]!;
  }

  #setValueHigh(index: number, high: number): void {
    const chunk = index >>> chunkBits;
    while (this.#valueHigh.length <= chunk) this.#valueHigh.push(undefined);
    let column = this.#valueHigh[chunk];
    if (column === undefined) {
      column = new Uint32Array(chunkEvents);
      this.#valueHigh[chunk] = column;
      this.#valueHighCount++;
    }
    column[index & (chunkEvents - 1)] = high;
  }
}
