/** Elements beyond, which one outsized use needed, are given back by the next one: ordinary batches have thousands. */
const keptLength = 65_536;

/** True if a column of `length` elements serves a use that needs `needed`, and is not far too long for that. */
export function isReusable(length: number, needed: number): boolean {
  return length >= needed && (length <= keptLength || length <= 4 * needed);
}

/** Length of a new column for `needed` elements: a power of two, or `least`. */
export function reusedLength(needed: number, least: number): number {
  return Math.max(least, 2 ** Math.ceil(Math.log2(needed)));
}
