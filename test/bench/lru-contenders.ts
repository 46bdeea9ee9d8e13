import { LruFamily } from '../../src/lru/lru-family.ts';
import { ResizableLru } from '../../src/lru/resizable-lru.ts';

/** One way to remember `count` entries, asked by the numbers of its keys. The work is a loop over many keys. */
export interface CacheContender {
  readonly what: string;
  /** Looks the keys up; returns how many were there. */
  getAll(keys: Uint32Array): number;
  /** Adds `count` keys that were never there, from number `from` on. */
  addAll(from: number, count: number): void;
  /** Forgets everything after the lifetime; `undefined` where it has none. */
  readonly purge?: () => void;
}

// Like a user-space address: the upper word is the same for nearby keys and the lower 4 bits are seldom used.
const addressHigh = 0x7f3a;

export function resizableLru(count: number): CacheContender {
  const lifetime = 1000;
  const options = { keyWords: 2, lifetime, growWithin: lifetime, initialCapacity: 8, maxCapacity: count } as const;
  const family = new LruFamily<number>(options);
  const lru = new ResizableLru(family);
  return {
    what: 'ResizableLru',
    getAll: (keys) => {
      let found = 0;
      for (let i = 0; i < keys.length; i++) if (lru.get(addressHigh, (keys[i]! << 4) | 0) !== undefined) found++;
      return found;
    },
    addAll: (from, added) => {
      for (let i = 0; i < added; i++) lru.set(i, addressHigh, ((from + i) << 4) | 0);
    },
    purge: () => {
      family.advance(family.now + lifetime + 1);
      lru.purgeExpired(count);
    },
  };
}

/** The floor: no order, no bound, a key that fits into 31 bits. */
export function plainMap(): CacheContender {
  const map = new Map<number, number>();
  return {
    what: 'Map, small integers, no eviction',
    getAll: (keys) => {
      let found = 0;
      for (let i = 0; i < keys.length; i++) if (map.get(keys[i]!) !== undefined) found++;
      return found;
    },
    addAll: (from, count) => {
      for (let i = 0; i < count; i++) map.set(from + i, i);
    },
  };
}

/** The usual trick: deleting and setting again makes a key the last one of a Map. */
export function reinsertingMap(maxCount: number): CacheContender {
  const map = new Map<number, number>();
  return {
    what: 'Map, delete and set',
    getAll: (keys) => {
      let found = 0;
      for (let i = 0; i < keys.length; i++) {
        const value = map.get(keys[i]!);
        if (value === undefined) continue;
        map.delete(keys[i]!);
        map.set(keys[i]!, value);
        found++;
      }
      return found;
    },
    addAll: (from, count) => {
      for (let i = 0; i < count; i++) {
        if (map.size === maxCount) map.delete(map.keys().next().value!);
        map.set(from + i, i);
      }
    },
  };
}

/** The part of lru-cache 11 that is measured. */
interface LruCache {
  get(key: string | number): number | undefined;
  set(key: string | number, value: number): void;
  purgeStale(): boolean;
}
interface LruCacheModule {
  readonly LRUCache: new (options: {
    max: number;
    ttl?: number;
    updateAgeOnGet?: boolean;
    ttlAutopurge?: boolean;
    perf?: { now(): number };
  }) => LruCache;
}

/** The usual choice, with the keys that it allows for 64 bits: text, or a double where the address fits into 53 bits. */
export async function lruCache(count: number, keyType: 'string' | 'double'): Promise<CacheContender | undefined> {
  const module = await loadLruCache();
  if (module === undefined) return undefined;
  let nowMs = 1;
  const options = { max: count, ttl: 1000, updateAgeOnGet: true, perf: { now: () => nowMs } };
  const cache = new module.LRUCache(options);
  const keyOf: (number: number) => string | number = keyType === 'string' ? textKey : doubleKey;
  const keys = new Map<Uint32Array, (string | number)[]>();
  return {
    what: `lru-cache, ${keyType} key`,
    getAll: (numbers) => {
      // Made once: what a key costs to make is not the cache's fault.
      let made = keys.get(numbers);
      if (made === undefined) {
        made = Array.from(numbers, (number) => keyOf(number));
        keys.set(numbers, made);
      }
      let found = 0;
      for (let i = 0; i < made.length; i++) if (cache.get(made[i]!) !== undefined) found++;
      return found;
    },
    addAll: (from, added) => {
      for (let i = 0; i < added; i++) cache.set(keyOf(from + i), i);
    },
    purge: () => {
      nowMs += 1001;
      cache.purgeStale();
    },
  };
}

function textKey(number: number): string {
  return `${addressHigh}:${number << 4}`;
}

function doubleKey(number: number): number {
  return addressHigh * 2 ** 32 + number * 16;
}

async function loadLruCache(): Promise<LruCacheModule | undefined> {
  const name = process.env.LRU_CACHE_PATH ?? 'lru-cache';
  try {
    return (await import(name)) as LruCacheModule;
  } catch {
    return undefined;
  }
}
