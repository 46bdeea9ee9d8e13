import type { Mapping } from '../../otlp/profiles-data.ts';

/** One table of a dictionary while it is filled: entries in the order of their first appearance, found by a key. */
export class DictionaryTable<Entry> {
  readonly entries: Entry[];
  readonly #indexByKey: Map<string, number>;

  /** Entry 0 is there from the start; `zeroKey` is its key. */
  constructor(zero: Entry, zeroKey: string) {
    this.entries = [zero];
    this.#indexByKey = new Map([[zeroKey, 0]]);
  }

  /** Adds the entry, or finds one with the same key; returns its index. */
  intern(key: string, entry: Entry): number {
    const known = this.#indexByKey.get(key);
    if (known !== undefined) return known;
    const index = this.entries.push(entry) - 1;
    this.#indexByKey.set(key, index);
    return index;
  }
}

export const zeroMapping: Mapping = {
  memoryStart: 0n,
  memoryLimit: 0n,
  fileOffset: 0n,
  filenameStrindex: 0,
  attributeIndices: [],
};
