// hot

/**
 * The value that would be at `rank` if the first `count` values were sorted; changes their order. A sort of all of them takes four times as long
 * (C. A. R. Hoare, Algorithm 65: find). Values in a random order take a few steps each.
 */
export function nthLowest(values: Int32Array, count: number, rank: number): number {
  let low = 0;
  let high = (count - 1) | 0;
  while (low < high) {
    const pivot = values[rank]!;
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left]! < pivot) left = (left + 1) | 0;
      while (values[right]! > pivot) right = (right - 1) | 0;
      if (left > right) break;
      const lower = values[right]!;
      values[right] = values[left]!;
      values[left] = lower;
      left = (left + 1) | 0;
      right = (right - 1) | 0;
    }
    // Values up to `right` are not above the pivot, those from `left` on not below it; between them it stands.
    if (right < rank) low = left;
    if (left > rank) high = right;
  }
  return values[rank]!;
}
