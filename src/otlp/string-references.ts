import { InvalidMessage } from '../model/invalid-message.ts';

/**
 * Resolves what attributes may hold instead of text since OTLP v1.10: indices of the dictionary's string table. The table
 * may come after the attributes, so it is looked for when the first reference is met; most messages hold none.
 */
export class StringReferences {
  readonly #findTable: () => readonly string[];
  readonly #used = new Set<number>();
  #table: readonly string[] | undefined;

  constructor(findTable: () => readonly string[]) {
    this.#findTable = findTable;
  }

  /** Indices that were resolved so far: entries of the string table that are in use although no table refers to them. */
  get used(): ReadonlySet<number> {
    return this.#used;
  }

  /** @throws InvalidMessage when there is no such entry. */
  textAt(field: string, index: number): string {
    this.#table ??= this.#findTable();
    const text = this.#table[index];
    if (text === undefined) {
      throw new InvalidMessage(field, `index ${index} is out of range [0..${this.#table.length})`);
    }
    this.#used.add(index);
    return text;
  }
}
