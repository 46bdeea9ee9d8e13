// hot
/** An empty list that all messages without elements share: a two-byte message must not cost a hundred bytes. */
export const noElements: readonly never[] = Object.freeze([]);
/** Empty bytes, shared like `noElements`. */
export const noBytes: Uint8Array = new Uint8Array(0);

/** The list with `item` at its end; the list itself, unless it is the shared empty one. */
export function append<T>(list: readonly T[], item: T): readonly T[] {
  if (list === noElements) return [item];
  (list as T[]).push(item);
  return list;
}
