// hot

import { HashSlots } from '../../support/hash-slots.ts';
import { IndexLists } from '../../support/index-lists.ts';
import { hashSeed, mixWord } from '../../support/mix-words.ts';

/**
 * Numbers distinct lists of indices 0, 1, 2 … in the order of their first appearance; the empty list is 0 from the start.
 * Lists are compared element by element, never by their hash alone. 16 to 24 bytes a list beside the list itself.
 */
export class ListIndex {
  /** Elements are appended here; `close` makes a list of them. */
  readonly lists: IndexLists;
  readonly #slots = new HashSlots();

  /** `lists` is empty, and changes by this index alone. */
  constructor(lists: IndexLists = new IndexLists()) {
    this.lists = lists;
    this.close();
  }

  get count(): number {
    return this.#slots.count;
  }

  get sizeBytes(): number {
    return this.#slots.sizeBytes + this.lists.sizeBytes;
  }

  /** Makes room for as many lists in all, with as many elements. */
  reserve(lists: number, indices: number): void {
    this.lists.reserve(lists, indices);
    this.#slots.reserve(lists);
  }

  /** Adds the list of all elements that were appended, or finds it. It was new when `count` has grown. */
  close(): number {
    const { lists } = this;
    const { indices, openStart, openEnd } = lists;
    let hash = hashSeed;
    for (let i = openStart; i < openEnd; i++) hash = mixWord(hash, indices[i]!);
    for (let list = this.#slots.first(hash); list >= 0; list = this.#slots.next()) {
      if (!isOpenList(lists, list)) continue;
      lists.dropOpen();
      return list;
    }
    lists.close();
    return this.#slots.add();
  }

  intern(list: ArrayLike<number>): number {
    this.lists.pushAll(list);
    return this.close();
  }
}

/** True when the list that is still open says the same as a closed one. */
function isOpenList(lists: IndexLists, list: number): boolean {
  const { indices, openStart, openEnd } = lists;
  const start = lists.start(list);
  if (lists.end(list) - start !== openEnd - openStart) return false;
  for (let i = openStart, j = start; i < openEnd; i++, j++) if (indices[i] !== indices[j]) return false;
  return true;
}
