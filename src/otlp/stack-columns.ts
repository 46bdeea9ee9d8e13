// hot
import { IndexLists } from '../support/index-lists.ts';
import type { Entries, Stack } from './profiles-data.ts';
import { eachEntry, noElements, placeOf } from './profiles-data.ts';

/** Stacks as lists in columns: see `IndexLists`. */
export class StackColumns implements Entries<Stack> {
  readonly lists: IndexLists = new IndexLists();

  get length(): number {
    return this.lists.count;
  }

  add({ locationIndices }: Stack): void {
    this.lists.pushAll(locationIndices);
    this.lists.close();
  }

  at(index: number): Stack | undefined {
    const place = placeOf(this, index);
    return place < 0 ? undefined : this.#stack(place);
  }

  #stack(index: number): Stack {
    const start = this.lists.start(index);
    const end = this.lists.end(index);
    return { locationIndices: start === end ? noElements : Array.from(this.lists.indices.subarray(start, end)) };
  }

  [Symbol.iterator](): Generator<Stack, void, undefined> {
    return eachEntry(this.length, (index) => this.#stack(index));
  }

  entries(): Generator<[number, Stack], void, undefined> {
    return eachEntry(this.length, (index) => [index, this.#stack(index)]);
  }
}

/** The stacks as columns; a list of objects is copied. */
export function stackColumnsOf(table: Entries<Stack>): StackColumns {
  if (table instanceof StackColumns) return table;
  const columns = new StackColumns();
  for (const stack of table) columns.add(stack);
  return columns;
}
