// hot

/** Values by stack and label set: columns of equal length. A pair may stand more than once until `merged`. */
export class PairColumns {
  #stacks = new Uint32Array(16);
  #labelSets = new Uint32Array(16);
  /** Whole numbers below 65,536 after a merge where all are. */
  #values: Float64Array | Uint16Array = new Float64Array(16);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#stacks.byteLength + this.#labelSets.byteLength + this.#values.byteLength;
  }

  stackAt(index: number): number {
    return this.#stacks[index]!;
  }

  labelSetAt(index: number): number {
    return this.#labelSets[index]!;
  }

  valueAt(index: number): number {
    return this.#values[index]!;
  }

  add(stack: number, labelSet: number, value: number): void {
    if (this.#count === this.#stacks.length) this.#resize(2 * this.#count);
    if (this.#values instanceof Uint16Array) this.#values = Float64Array.from(this.#values);
    this.#stacks[this.#count] = stack;
    this.#labelSets[this.#count] = labelSet;
    this.#values[this.#count++] = value;
  }

  /** Equal pairs as one, in no more room than they need. `stackOf` may move a pair to another stack. */
  merged(stackOf?: (stack: number, value: number) => number): PairColumns {
    const sums = new Map<number, number>();
    for (let index = 0; index < this.#count; index++) {
      const value = this.#values[index]!;
      const stack = stackOf === undefined ? this.#stacks[index]! : stackOf(this.#stacks[index]!, value);
      const key = this.#labelSets[index]! * 2 ** 32 + stack;
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    const columns = new PairColumns();
    columns.#resize(sums.size);
    let isSmall = true;
    for (const [key, value] of sums) {
      columns.add(key % 2 ** 32, Math.floor(key / 2 ** 32), value);
      if (value > 0xffff || !Number.isInteger(value)) isSmall = false;
    }
    if (isSmall) columns.#values = Uint16Array.from(columns.#values);
    return columns;
  }

  #resize(size: number): void {
    const room = Math.max(1, size);
    const [stacks, labelSets] = [new Uint32Array(room), new Uint32Array(room)];
    const values = new Float64Array(room);
    stacks.set(this.#stacks.subarray(0, Math.min(room, this.#count)));
    labelSets.set(this.#labelSets.subarray(0, Math.min(room, this.#count)));
    values.set(this.#values.subarray(0, Math.min(room, this.#count)));
    this.#stacks = stacks;
    this.#labelSets = labelSets;
    this.#values = values;
  }
}
