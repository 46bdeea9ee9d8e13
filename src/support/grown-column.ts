// hot

/**
 * A longer column that begins with the words of `column` and has room for `words`, and for twice as many as before. Never less than
 * `fewWords`: columns of up to 64 bytes are on V8's own heap, where they cost a tenth of others, and most tables are short.
 */
export function grown<Column extends Int32Array | Uint32Array>(column: Column, words: number): Column {
  const length = Math.max(fewWords, words, 2 * column.length);
  const larger = (column instanceof Int32Array ? new Int32Array(length) : new Uint32Array(length)) as Column;
  larger.set(column);
  return larger;
}

/** The column, or a longer one that begins with its words, with room for exactly `words`. */
export function withRoom(column: Int32Array, words: number): Int32Array {
  if (words <= column.length) return column;
  const larger = new Int32Array(words);
  larger.set(column);
  return larger;
}

const fewWords = 10;
