import type { LruOptions } from '../../src/lru/lru-family.ts';

interface Entry<V> {
  readonly key: string;
  value: V;
  usedAt: number;
}

/** What ResizableLru promises, written as plainly as can be: an array from oldest to newest, searched from end to end. */
export class PlainLru<V> {
  readonly #options: LruOptions<V>;
  readonly counters = {
    hits: 0,
    misses: 0,
    inserts: 0,
    updates: 0,
    evictions: 0,
    expirations: 0,
    grows: 0,
    shrinks: 0,
  };
  readonly removed: string[] = [];
  entries: Entry<V>[] = [];
  capacity: number;
  now = 0;
  #wasSparse = false;

  constructor(options: LruOptions<V>) {
    this.#options = options;
    this.capacity = options.initialCapacity;
  }

  get(key: string): V | undefined {
    const entry = this.#live(key);
    if (entry === undefined) this.counters.misses++;
    else this.counters.hits++;
    this.touch(key);
    return entry?.value;
  }

  peek(key: string): V | undefined {
    return this.#live(key)?.value;
  }

  touch(key: string): boolean {
    const entry = this.#live(key);
    if (entry === undefined) return false;
    this.#refresh(entry);
    return true;
  }

  set(value: V, key: string): V | undefined {
    const entry = this.entries.find((other) => other.key === key);
    if (entry !== undefined) {
      const previous = entry.value;
      entry.value = value;
      this.#refresh(entry);
      this.counters.updates++;
      return previous;
    }
    if (this.entries.length === this.capacity) this.#makeRoom();
    this.entries.push({ key, value, usedAt: this.now });
    this.counters.inserts++;
    return undefined;
  }

  delete(key: string): V | undefined {
    const entry = this.entries.find((other) => other.key === key);
    this.entries = this.entries.filter((other) => other !== entry);
    return entry?.value;
  }

  evictOldest(): boolean {
    if (this.entries.length === 0) return false;
    this.#removeOldest('evicted');
    return true;
  }

  /** Removes expired entries wherever they are: that they are the oldest ones is for the real one to rely on. */
  purgeExpired(limit: number): number {
    const expired = this.entries.filter((entry) => this.#isExpired(entry)).slice(0, limit);
    this.entries = this.entries.filter((entry) => !expired.includes(entry));
    this.counters.expirations += expired.length;
    this.removed.push(...expired.map(({ key }) => `${key} expired`));
    return expired.length;
  }

  resize(capacity: number): void {
    while (this.entries.length > capacity) this.#removeOldest('evicted');
    if (capacity > this.capacity) this.counters.grows++;
    if (capacity < this.capacity) this.counters.shrinks++;
    this.capacity = capacity;
  }

  tend(): void {
    const isSparse = this.entries.length * 4 <= this.capacity && this.capacity > this.#options.initialCapacity;
    if (isSparse && this.#wasSparse) this.resize(Math.max(this.#options.initialCapacity, this.capacity >>> 1));
    this.#wasSparse = isSparse;
  }

  trim(): boolean {
    let trimmed = this.capacity;
    while (trimmed > this.#options.initialCapacity && this.entries.length <= trimmed >>> 1) trimmed >>>= 1;
    if (trimmed === this.capacity) return false;
    this.resize(Math.max(trimmed, this.#options.initialCapacity));
    return true;
  }

  #makeRoom(): void {
    const oldest = this.entries[0]!;
    const isUsedNow = this.now - oldest.usedAt <= this.#options.growWithin;
    if (isUsedNow && this.capacity < this.#options.maxCapacity) {
      this.resize(Math.min(this.capacity * 2, this.#options.maxCapacity));
    } else {
      this.#removeOldest(this.#isExpired(oldest) ? 'expired' : 'evicted');
    }
  }

  #removeOldest(reason: 'expired' | 'evicted'): void {
    const oldest = this.entries.shift()!;
    if (reason === 'expired') this.counters.expirations++;
    else this.counters.evictions++;
    this.removed.push(`${oldest.key} ${reason}`);
  }

  #live(key: string): Entry<V> | undefined {
    const entry = this.entries.find((other) => other.key === key);
    return entry === undefined || this.#isExpired(entry) ? undefined : entry;
  }

  #isExpired(entry: Entry<V>): boolean {
    return this.now - entry.usedAt > this.#options.lifetime;
  }

  #refresh(entry: Entry<V>): void {
    entry.usedAt = this.now;
    this.entries = [...this.entries.filter((other) => other !== entry), entry];
  }
}
