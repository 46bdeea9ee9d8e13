/** Source position of one instruction. Lines and columns are 1-based; 0 = unknown. */
export interface PythonPosition {
  readonly line: number;
  readonly endLine: number;
  readonly column: number;
  readonly endColumn: number;
}

const unknownPosition: PythonPosition = { line: 0, endLine: 0, column: 0, endColumn: 0 };

/**
 * The position of the instruction at `byteOffset` in a code object of CPython 3.11 or newer, from its `co_linetable`
 * (https://github.com/python/cpython/blob/3.11/Objects/locations.md). Behind the end of the table nothing is known.
 */
export function pythonPositionAt(lineTable: Uint8Array, firstLine: number, byteOffset: number): PythonPosition {
  const reader = new LineEntryReader(lineTable, firstLine);
  let end = 0;
  while (reader.hasMore) {
    const { codeUnits, position } = reader.next();
    end += codeUnits * 2;
    if (byteOffset < end) return position;
  }
  return unknownPosition;
}

/**
 * Reads the entries one after the other: a byte with its top bit set says form and length (1 to 8 code units of 2
 * bytes), the ones behind it where these come from, the line relative to the entry before.
 */
class LineEntryReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #line: number;

  constructor(bytes: Uint8Array, firstLine: number) {
    this.#bytes = bytes;
    this.#line = firstLine;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  next(): { codeUnits: number; position: PythonPosition } {
    const head = this.#byte();
    return { codeUnits: (head & 7) + 1, position: this.#position((head >> 3) & 15) };
  }

  #position(form: number): PythonPosition {
    if (form === 15) return unknownPosition;
    if (form === 14) return this.#longForm();
    if (form === 13) {
      this.#line += this.#signedVarint();
      return this.#onOneLine(0, 0);
    }
    if (form >= 10) {
      this.#line += form - 10;
      const column = this.#byte();
      return this.#onOneLine(column + 1, this.#byte() + 1);
    }
    const columns = this.#byte();
    const column = form * 8 + ((columns >> 4) & 7);
    return this.#onOneLine(column + 1, column + (columns & 15) + 1);
  }

  #longForm(): PythonPosition {
    this.#line += this.#signedVarint();
    const endLine = this.#line + this.#varint();
    // Columns are written plus one, so that 0 can say that there is none: just our form.
    const column = this.#varint();
    return { line: this.#line, endLine, column, endColumn: this.#varint() };
  }

  #onOneLine(column: number, endColumn: number): PythonPosition {
    return { line: this.#line, endLine: this.#line, column, endColumn };
  }

  /** A table that ends in the middle of an entry reads on as zeros. */
  #byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** Six bits a byte, lowest first; bit 6 says that more follow. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 30; shift += 6) {
      const byte = this.#byte();
      value |= (byte & 63) << shift;
      if ((byte & 64) === 0) break;
    }
    return value;
  }

  /** The lowest bit is the sign. */
  #signedVarint(): number {
    const value = this.#varint();
    return value & 1 ? -(value >>> 1) : value >>> 1;
  }
}
