// hot
import { release } from '../elf/byte-source.ts';
import { firstFrom } from '../elf/code-ranges.ts';

/** Of one file. Python's library takes some hundred kilobytes, a large program of C++ more than this. */
const mostBytes = 2 * 1024 * 1024;
/** About what a unit takes beside its parts. */
const unitBytes = 256;

/**
 * A part of a unit that can be read alone: numbers in rows of `width`, the first two of which are the start and the end of a range of
 * addresses. A part with several ranges has a row for each, one after the other.
 */
export class UnitParts {
  readonly #width: number;
  readonly #rows: Float64Array;

  constructor(width: number, rows: Float64Array) {
    this.#width = width;
    this.#rows = rows;
  }

  get sizeBytes(): number {
    return this.#rows.byteLength;
  }

  /** The next row from `from` on whose range holds one of the `addresses`, which rise; -1 where there is none. */
  next(from: number, addresses: Float64Array): number {
    const rows = this.#rows;
    for (let row = from, at = from * this.#width; at < rows.length; row++, at += this.#width) {
      const first = firstFrom(addresses, rows[at]!);
      if (first < addresses.length && addresses[first]! < rows[at + 1]!) return row;
    }
    return -1;
  }

  value(row: number, column: number): number {
    return this.#rows[row * this.#width + column]!;
  }
}

/** Rows of `UnitParts` while they are found. */
export class UnitPartsDraft {
  readonly #width: number;
  #rows = new Float64Array(0);
  #length = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get count(): number {
    return this.#length / this.#width;
  }

  /** Does nothing once there are more than could be kept. */
  add(...row: readonly number[]): void {
    if (8 * this.#length > mostBytes) return;
    if (this.#length === this.#rows.length) {
      const grown = new Float64Array(Math.max(32 * this.#width, 2 * this.#length));
      grown.set(this.#rows);
      release(this.#rows);
      this.#rows = grown;
    }
    for (let i = 0; i < this.#width; i++) this.#rows[this.#length++] = row[i]!;
  }

  value(row: number, column: number): number {
    return this.#rows[row * this.#width + column]!;
  }

  set(row: number, column: number, value: number): void {
    this.#rows[row * this.#width + column] = value;
  }

  /** Ends the draft. `undefined` when there were more than could be kept. */
  finish(): UnitParts | undefined {
    const isWhole = 8 * this.#length <= mostBytes;
    const rows = isWhole ? this.#rows.slice(0, this.#length) : undefined;
    release(this.#rows);
    return rows && new UnitParts(this.#width, rows);
  }
}

/** Parts of a unit; `undefined` for those that were not read as a whole yet, or cannot be read one by one. */
export interface KnownUnit {
  functions?: UnitParts;
  lines?: UnitParts;
}

/**
 * Places of the functions and lines of a file's units, as they were found when a unit was first read: the next batch reads the parts
 * that hold its addresses, and not megabytes of the units around them. The first that are kept stay.
 */
export class KnownUnits {
  readonly #units = new Map<number, KnownUnit>();
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The unit at an offset, as far as it is known. */
  at(offset: number): Readonly<KnownUnit> | undefined {
    return this.#units.get(offset);
  }

  /** Does nothing once there is no more room. */
  keep(offset: number, found: KnownUnit): void {
    const known = this.#units.get(offset);
    const parts = (found.functions?.sizeBytes ?? 0) + (found.lines?.sizeBytes ?? 0);
    const sizeBytes = parts + (known === undefined ? unitBytes : 0);
    if (this.#sizeBytes + sizeBytes > mostBytes) return;
    this.#sizeBytes += sizeBytes;
    this.#units.set(offset, { ...known, ...found });
  }
}
