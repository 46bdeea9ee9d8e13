// hot
import { randomBytes } from 'node:crypto';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

const seedName = 'framekeeper.hash_seed';

/**
 * Different in each process, so that nobody can send keys that all belong at one place of a table, and the same in its threads, which
 * hand tables to each other. Nothing that leaves the process depends on it: the tables number their entries in the order of their coming.
 */
export const hashSeed: number =
  (getEnvironmentData(seedName) as unknown as number | undefined) ?? randomBytes(4).readInt32LE();
if (isMainThread) setEnvironmentData(seedName, hashSeed);

/** Mixes four 32-bit words into one, unsigned. For places in a table, never for identity. */
export function mixWords(a: number, b: number, c: number, d: number): number {
  return mixWord(mixWord(mixWord(mixWord(hashSeed, a), b), c), d) >>> 0;
}

/**
 * One step of a hash over any number of words; start with `hashSeed`. Any bit of `hash` or `word` moves about half of
 * the result's (finaliser of MurmurHash3, https://github.com/aappleby/smhasher). A cheaper step would let keys collide
 * whatever the seed is.
 */
export function mixWord(hash: number, word: number): number {
  let h = hash ^ word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
