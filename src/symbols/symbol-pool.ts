import type { Executable } from '../model/executable.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import { StringPool, textBytes } from './string-pool.ts';

/** Measured: one FrameSymbol object. */
const bytesPerSymbol = 80;
/** A list of inlined symbols, and each reference in it. */
const bytesPerList = 32;
const bytesPerReference = 8;
/** Measured: an Executable without its texts. */
const bytesPerExecutable = 64;

const noneInlined: readonly FrameSymbol[] = Object.freeze([]);

/** Symbols with shared texts, and what they cost. Whoever still holds a released symbol keeps a whole one. */
export class SymbolPool {
  readonly #strings = new StringPool();
  #symbolBytes = 0;

  get bytes(): number {
    return this.#symbolBytes + this.#strings.bytes;
  }

  get stringCount(): number {
    return this.#strings.count;
  }

  /** A copy of the symbol on shared texts. Give it back with `release`, once. */
  retain(symbol: FrameSymbol): FrameSymbol {
    this.#symbolBytes += ownBytes(symbol);
    return {
      functionName: this.#strings.retain(symbol.functionName),
      systemName: this.#strings.retain(symbol.systemName),
      filePath: this.#strings.retain(symbol.filePath),
      line: symbol.line,
      column: symbol.column,
      startLine: symbol.startLine,
      inlined: symbol.inlined.length === 0 ? noneInlined : symbol.inlined.map((inner) => this.retain(inner)),
    };
  }

  release(symbol: FrameSymbol): void {
    this.#symbolBytes -= ownBytes(symbol);
    this.#strings.release(symbol.functionName);
    this.#strings.release(symbol.systemName);
    this.#strings.release(symbol.filePath);
    for (const inner of symbol.inlined) this.release(inner);
  }
}

/** Most bytes that a symbol may take: if it shares no text, and no letter is Latin-1. */
export function symbolBytes(symbol: FrameSymbol): number {
  const { functionName, systemName, filePath, inlined } = symbol;
  let bytes = ownBytes(symbol) + 2 * (functionName.length + systemName.length + filePath.length);
  for (let i = 0; i < inlined.length; i++) bytes += symbolBytes(inlined[i]!);
  return bytes;
}

function ownBytes({ inlined }: FrameSymbol): number {
  return bytesPerSymbol + (inlined.length === 0 ? 0 : bytesPerList + inlined.length * bytesPerReference);
}

/** Memory that an executable takes. */
export function executableBytes(executable: Executable | undefined): number {
  if (executable === undefined) return 0;
  const { fileName, gnuBuildId, goBuildId } = executable;
  return bytesPerExecutable + textBytes(fileName) + textBytes(gnuBuildId) + textBytes(goBuildId);
}
