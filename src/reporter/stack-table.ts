// hot
import type { WindowStacks } from '../profile/build/window-contents.ts';
import { hashSeed, mixWord } from '../support/mix-words.ts';
import { placesOf, Uint32List } from '../support/uint32-list.ts';

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
  /** Stack number plus one; 0 is a free place. The length is a power of two, at least twice the number of stacks. */
  #places = new Uint32Array(128);

  constructor() {
    this.#starts.push(0);
  }

  get count(): number {
    return this.#starts.length - 1;
  }

  get sizeBytes(): number {
    return 4 * (this.#arena.length + 3 * this.#starts.length + this.#places.length);
  }

  /** Adds the stack `frames[0 .. length)`, leaf first, or finds it. */
  intern(frames: Int32Array, length: number, isTruncated: boolean): number {
    const hash = hashOf(frames, length, isTruncated);
    const mask = this.#places.length - 1;
    let place = hash & mask;
    for (;;) {
      const entry = this.#places[place]!;
      if (entry === 0) break;
      if (this.#hashes.at(entry - 1) === hash && this.#equals(entry - 1, frames, length, isTruncated)) return entry - 1;
      place = (place + 1) & mask;
    }
    const added = this.count;
    this.#arena.append(frames, 0, length);
    this.#starts.push(this.#arena.length);
    this.#truncated.push(isTruncated ? 1 : 0);
    this.#hashes.push(hash);
    this.#places[place] = added + 1;
    if ((added + 1) * 2 > this.#places.length) this.#places = placesOf(this.#hashes, 2 * this.#places.length);
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
