// hot
// Numbers of 64 bits as two of 32, which take no memory of their own. Halves are unsigned; of a negative number they are those of its two's complement.

/** The number of 64 bits with these halves, unsigned. */
export function uint64Of(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

export function lowHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

export function highHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value >> 32n));
}

export function halvesOf(value: bigint): [low: number, high: number] {
  return [lowHalf(value), highHalf(value)];
}

/** Compares two unsigned numbers by their halves. */
export function isBefore(low: number, high: number, otherLow: number, otherHigh: number): boolean {
  return high === otherHigh ? low < otherLow : high < otherHigh;
}
