// hot
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { InternedDictionary } from '../dictionary/dictionary.ts';

const factorOfHigh = 2 ** 32;

/** Writes the functions of symbols as lines of the location that is open in a dictionary. */
export class SymbolLines {
  readonly #dictionary: InternedDictionary;
  /** Path of the function before, which many share, and its index. */
  #lastPath = '';
  #lastPathIndex = 0;

  constructor(dictionary: InternedDictionary) {
    this.#dictionary = dictionary;
  }

  /** Appends a line for each function at the symbol's address, innermost first, that has a name; returns how many. */
  add(symbol: FrameSymbol): number {
    const { inlined } = symbol;
    let count = 0;
    for (let i = 0; i < inlined.length; i++) count += this.#addLine(inlined[i]!);
    return count + this.#addLine(symbol);
  }

  #addLine(symbol: FrameSymbol): number {
    if (!isNamed(symbol)) return 0;
    const { functionName, systemName, filePath, line, column, startLine } = symbol;
    const dictionary = this.#dictionary;
    const name = dictionary.string(functionName);
    const system = dictionary.string(systemName);
    const called = dictionary.addFunction(name, system, this.#path(filePath), startLine, highWord(startLine));
    dictionary.tables.locationTable.pushLine(called, line, highWord(line), column, highWord(column));
    return 1;
  }

  #path(filePath: string): number {
    if (filePath !== this.#lastPath) {
      this.#lastPathIndex = this.#dictionary.string(filePath);
      this.#lastPath = filePath;
    }
    return this.#lastPathIndex;
  }
}

/** The functions at a symbol's address, innermost inlined one first, without those that have no name. */
export function namedFunctions(symbol: FrameSymbol): FrameSymbol[] {
  return [...symbol.inlined, symbol].filter(isNamed);
}

export function isNamed({ functionName, systemName, filePath }: FrameSymbol): boolean {
  return functionName !== '' || systemName !== '' || filePath !== '';
}

/** The upper half of a whole number as columns hold it, which take its lower half from the number itself. */
function highWord(number: number): number {
  return Math.floor(number / factorOfHigh);
}
