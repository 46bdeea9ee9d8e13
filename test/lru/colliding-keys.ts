/**
 * Keys whose hashes are all the same 32 bits, made by undoing the first steps of `SlotPool.hash`: what somebody could
 * send who knew the seed.
 */
export function collidingKeys(keyWords: 2 | 4, count: number, seed: number): [number, number, number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const first = Math.imul(i ^ seed, 0x9e3779b1);
    if (keyWords === 2) return [i, first ^ 12345, 0, 0];
    const second = Math.imul(rotate(first ^ i), 0x85ebca77);
    const third = Math.imul(rotate(second ^ 7), 0xc2b2ae3d);
    return [i, i, 7, third ^ 12345];
  });
}

function rotate(value: number): number {
  return (value << 15) | (value >>> 17);
}
