import type { LruFamily } from './lru-family.ts';
import type { ResizableLru } from './resizable-lru.ts';
import { noSlot } from './slot-pool.ts';

/** An entry that was visited, and when it was last used by then. */
interface Checkpoint {
  readonly key: readonly [number, number, number, number];
  readonly time: number;
}

/**
 * Visits the entries of a table from the oldest to the newest in parts, between which the table may change in any way.
 * Entries that are there from beginning to end are visited at least once: one that is used behind the walk's back
 * becomes the newest, and the walk has yet to get there. So it may be visited twice, the second time in its new place,
 * and times never decrease from one visit to the next.
 */
export class RecencyWalk<V> {
  readonly #table: ResizableLru<V>;
  readonly #family: LruFamily<V>;
  /** The last visited; `noSlot` at the beginning and after a pause. */
  #slot = noSlot;
  #visitedTime = 0;
  /** The last visited entries of all parts: if one was used since then, the one before it tells where to go on. */
  readonly #checkpoints: Checkpoint[] = [];

  constructor(table: ResizableLru<V>, family: LruFamily<V>) {
    this.#table = table;
    this.#family = family;
  }

  /** Slot of the next entry; `noSlot` behind the newest, `notYet` when this call has done a part of what it takes to know. */
  next(): number {
    const { pool } = this.#family;
    for (;;) {
      const slot = this.#slot === noSlot ? this.#afterLastCheckpoint() : this.#table.newerThan(this.#slot);
      if (slot < 0) return slot;
      this.#slot = slot;
      if (pool.timeAt(slot) >= this.#visitedTime) return slot;
    }
  }

  /** To be called before anything else may happen to the table, and after it has been. */
  pause(): void {
    if (this.#slot === noSlot) return;
    const { pool } = this.#family;
    const time = pool.timeAt(this.#slot);
    // From here on each use has a later time than this entry, whose time then tells whether it is where it was.
    if (time === this.#family.now) this.#family.advance(time + 1);
    const word = (index: number): number => (index < pool.keyWords ? pool.keyWord(this.#slot, index) : 0);
    this.#checkpoints.push({ key: [word(0), word(1), word(2), word(3)], time });
    this.#visitedTime = Math.max(this.#visitedTime, time);
    this.#slot = noSlot;
  }

  #afterLastCheckpoint(): number {
    const { pool } = this.#family;
    for (;;) {
      const checkpoint = this.#checkpoints.at(-1);
      if (checkpoint === undefined) return this.#table.oldest;
      const slot = this.#table.slotOf(...checkpoint.key);
      if (slot !== noSlot && pool.timeAt(slot) === checkpoint.time) return this.#table.newerThan(slot);
      this.#checkpoints.pop();
    }
  }
}
