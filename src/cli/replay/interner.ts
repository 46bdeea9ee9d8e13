/** One table of a batch: gives each key an index, counted from 1, and keeps the entry that was made for it first. */
export class Interner<K, V> {
  readonly #indices = new Map<K, number>();
  readonly values: V[] = [];

  intern(key: K, create: () => V): number {
    let index = this.#indices.get(key);
    if (index === undefined) {
      const value = create();
      index = this.values.push(value);
      this.#indices.set(key, index);
    }
    return index;
  }
}
