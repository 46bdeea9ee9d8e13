// hot
/**
 * Mixes four 32-bit words into one, so that any of their bits moves about half of the result's
 * (constants and finaliser of MurmurHash3, https://github.com/aappleby/smhasher). For places in a table, never for identity.
 */
export function mixWords(a: number, b: number, c: number, d: number): number {
  let hash = mixWord(0, a);
  hash = mixWord(hash, b);
  hash = mixWord(hash, c);
  hash = mixWord(hash, d);
  return finishMix(hash);
}

/** One step of a hash over any number of words; start with 0 and end with `finishMix`. */
export function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Spreads the last words over all bits; the result is an unsigned 32-bit number. */
export function finishMix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
