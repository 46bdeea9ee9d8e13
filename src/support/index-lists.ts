// hot
import { grown, withRoom } from './grown-column.ts';

// Lists without elements share columns: nothing is written into them.
const noEnds = new Int32Array(1);
const noIndices = new Int32Array(0);

/**
 * Lists of 32-bit indices as columns, 4 bytes an index and 4 a list. List `i` has the places `start(i) .. end(i)` of `indices`.
 * Elements are appended, then `close` makes a list of all that were since the one before.
 */
export class IndexLists {
  indices: Int32Array = noIndices;
  #ends: Int32Array = noEnds;
  #count = 0;
  #indexCount = 0;

  /** Number of closed lists. */
  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.indices.byteLength + this.#ends.byteLength;
  }

  /** Makes room for as many lists in all, with as many elements. */
  reserve(lists: number, indices: number): void {
    this.#ends = withRoom(this.#ends, lists + 1);
    this.indices = withRoom(this.indices, indices);
  }

  push(index: number): void {
    if (this.#indexCount === this.indices.length) this.indices = grown(this.indices, this.#indexCount + 1);
    this.indices[this.#indexCount++] = index;
  }

  pushAll(indices: ArrayLike<number>): void {
    for (let i = 0; i < indices.length; i++) this.push(indices[i]!);
  }

  /** Closes a list; returns its number. */
  close(): number {
    if (++this.#count === this.#ends.length) this.#ends = grown(this.#ends, this.#count + 1);
    this.#ends[this.#count] = this.#indexCount;
    return this.#count - 1;
  }

  /** Forgets the elements that are in no list yet. */
  dropOpen(): void {
    this.#indexCount = this.#ends[this.#count]!;
  }

  removeLast(): void {
    this.#count--;
    this.dropOpen();
  }

  start(list: number): number {
    return this.#ends[list]!;
  }

  end(list: number): number {
    return this.#ends[list + 1]!;
  }

  /** Place of the first element of the list that is still open, and of the end of its last. */
  get openStart(): number {
    return this.#ends[this.#count]!;
  }

  get openEnd(): number {
    return this.#indexCount;
  }
}
