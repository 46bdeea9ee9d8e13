// hot
/** A list of unsigned 32-bit numbers that doubles when full: 4 bytes an element, no objects. */
export class Uint32List {
  #values: Uint32Array;
  #length = 0;

  constructor(capacity = 16) {
    this.#values = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The element at `index`; the caller has checked that it is below `length`. */
  at(index: number): number {
    return this.#values[index]!;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow(this.#length + 1);
    this.#values[this.#length++] = value;
  }

  /** Appends `source[start .. end)`. */
  append(source: Uint32Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#values.length) this.#grow(length);
    for (let i = start, j = this.#length; i < end; i++, j++) this.#values[j] = source[i]!;
    this.#length = length;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  #grow(needed: number): void {
    const grown = new Uint32Array(Math.max(needed, this.#values.length * 2));
    grown.set(this.#values);
    this.#values = grown;
  }
}
