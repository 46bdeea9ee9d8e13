// hot

/**
 * Reads the varint at `start` into `halves` (low, high), exact to 64 bits, and returns the position after it; `NaN`
 * when it has no end before `end`, or is longer than 64 bits.
 */
export function readVarint64(bytes: Uint8Array, start: number, end: number, halves: Uint32Array): number {
  let p = start;
  let low = 0;
  let high = 0;
  let byte = 128;
  for (let shift = 0; byte >= 128; shift += 7) {
    if (p >= end || shift > 63) return Number.NaN;
    byte = bytes[p++]!;
    const bits = byte & 127;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >>> 4;
    } else if (shift === 63) {
      if (bits > 1) return Number.NaN;
      high |= bits << 31;
    } else high |= bits << (shift - 32);
  }
  halves[0] = low;
  halves[1] = high;
  return p;
}
