interface Entry<K, V> {
  readonly key: K;
  value: V;
  expiresMs: number;
  newer: Entry<K, V> | undefined;
  older: Entry<K, V> | undefined;
}

/**
 * What go-freelru does (https://github.com/elastic/go-freelru, v0.16), quirks included: exact least-recently-used order, a
 * fixed capacity, an expiry that is set when an entry is added and that `get` leaves as it is, and a `purgeExpired` that
 * stops at the first entry that lives. Its memory is allocated up front; here only the count of slots is.
 */
export class GoLru<K, V> {
  readonly capacity: number;
  readonly #lifetimeMs: number;
  readonly #entries = new Map<K, Entry<K, V>>();
  #newest: Entry<K, V> | undefined;
  #oldest: Entry<K, V> | undefined;

  constructor(capacity: number, lifetimeMs: number) {
    this.capacity = capacity;
    this.#lifetimeMs = lifetimeMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  values(): V[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }

  add(key: K, value: V, nowMs: number): void {
    const expiresMs = nowMs + this.#lifetimeMs;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      known.expiresMs = expiresMs;
      this.#toFront(known);
      return;
    }
    if (this.#entries.size === this.capacity) this.#remove(this.#oldest!);
    const entry: Entry<K, V> = { key, value, expiresMs, newer: undefined, older: undefined };
    this.#entries.set(key, entry);
    this.#linkNewest(entry);
  }

  get(key: K, nowMs: number): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresMs <= nowMs) {
      this.#remove(entry);
      return undefined;
    }
    this.#toFront(entry);
    return entry.value;
  }

  /** The same, and the entry lives for another lifetime. */
  getAndRefresh(key: K, nowMs: number): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // An entry that has expired and is still there lives again.
    entry.expiresMs = nowMs + this.#lifetimeMs;
    this.#toFront(entry);
    return entry.value;
  }

  purgeExpired(nowMs: number): void {
    while (this.#oldest !== undefined && this.#oldest.expiresMs <= nowMs) this.#remove(this.#oldest);
  }

  #toFront(entry: Entry<K, V>): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#linkNewest(entry);
  }

  #remove(entry: Entry<K, V>): void {
    this.#entries.delete(entry.key);
    this.#unlink(entry);
  }

  #linkNewest(entry: Entry<K, V>): void {
    entry.newer = undefined;
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ newer, older }: Entry<K, V>): void {
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
  }
}
