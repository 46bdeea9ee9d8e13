// The hash of `pair-hash.ts`, to the bit: what is hashed here is looked up there.

export let seed: i32 = 0;
export let secondSeed: i32 = 0;
/** The hash of all that was fed so far. Loops over many entries keep it in variables. */
export let a: i32 = 0;
export let b: i32 = 0;

export function setSeeds(first: i32, second: i32): void {
  seed = first;
  secondSeed = second;
}

export function setHash(first: i32, second: i32): void {
  a = first;
  b = second;
}

/** The hash of all that was fed so far, as one number. */
export function pair(): i64 {
  return pairOf(a, b);
}

export function pairOf(first: i32, second: i32): i64 {
  return ((<i64>second) << 32) | <i64>(<u32>first);
}

export function startHash(kind: i32): void {
  a = seed ^ kind;
  b = secondSeed;
}

export function feed(word: i32): void {
  a = spread(a, word);
  b = spreadAgain(b, word);
}

const highBits: i64 = ((<i64>0x8080_8080) << 32) | 0x8080_8080;

/** Feeds the bytes from `start` to `end`; returns whether all of them are ASCII. */
export function feedBytes(start: usize, end: usize): bool {
  let first = a;
  let second = b;
  let bits: i64 = 0;
  let position = start;
  for (; position + 8 <= end; position += 8) {
    const words = load<i64>(position);
    bits |= words;
    const low = <i32>words;
    const high = <i32>(words >>> 32);
    first = spread(spread(first, low), high);
    second = spreadAgain(spreadAgain(second, low), high);
  }
  if (position + 4 <= end) {
    const word = load<i32>(position);
    bits |= <i64>word;
    first = spread(first, word);
    second = spreadAgain(second, word);
    position += 4;
  }
  let rest = <i32>(end - start);
  for (; position < end; position++) {
    const byte = <i32>load<u8>(position);
    bits |= byte;
    rest = (rest << 8) ^ byte;
  }
  a = spread(first, rest);
  b = spreadAgain(second, rest);
  return (bits & highBits) === 0;
}

export function spread(hash: i32, word: i32): i32 {
  return rotl<i32>((hash ^ word) * <i32>0x9e3779b1, 13);
}

export function spreadAgain(hash: i32, word: i32): i32 {
  return rotl<i32>((hash ^ word) * <i32>0xcc9e2d51, 15);
}

export function mixWord(hash: i32, word: i32): i32 {
  let h: u32 = hash ^ word;
  h = (h ^ (h >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

/** Adds an index to the hash of a set: a sum does not tell in which order it was made. */
export function addToSet(set: i32, index: u32): i32 {
  return set + mixWord(seed, index);
}
