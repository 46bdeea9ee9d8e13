// hot

import type { FunctionColumns } from '../../otlp/function-columns.ts';
import { HashSlots } from '../../support/hash-slots.ts';
import { mixWord, mixWords } from '../../support/mix-words.ts';

/** Keeps the functions of columns distinct; they are compared whole. 12 to 20 bytes a function beside the columns. */
export class FunctionIndex {
  readonly #functions: FunctionColumns;
  readonly #slots = new HashSlots();

  /** `functions` is empty, and changes by this index alone. */
  constructor(functions: FunctionColumns) {
    this.#functions = functions;
  }

  get sizeBytes(): number {
    return this.#slots.sizeBytes + this.#functions.sizeBytes;
  }

  /** Makes room for as many functions in all. */
  reserve(count: number): void {
    this.#functions.reserve(count);
    this.#slots.reserve(count);
  }

  /** Adds the function or finds it; the start line is given by its halves, signed or unsigned. */
  intern(name: number, systemName: number, filename: number, startLow: number, startHigh: number): number {
    const functions = this.#functions;
    const hash = mixWord(mixWords(name, systemName, filename, startLow), startHigh);
    for (let entry = this.#slots.first(hash); entry >= 0; entry = this.#slots.next()) {
      const isEqual =
        functions.name(entry) === name &&
        functions.systemName(entry) === systemName &&
        functions.filename(entry) === filename &&
        functions.startLow(entry) === (startLow | 0) &&
        functions.startHigh(entry) === (startHigh | 0);
      if (isEqual) return entry;
    }
    functions.push(name, systemName, filename, startLow, startHigh);
    return this.#slots.add();
  }
}
