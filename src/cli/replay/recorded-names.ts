import { readFileSync } from 'node:fs';
import type { FrameSymbol } from '../../model/frame-symbol.ts';

/** One function: name, linker's name, file, line, column and line of its start; the ones before it in a list were inlined into it. */
export type NativeFunction = readonly [string, string, string, number, number, number];

/** The form of `native-names.json`: by GNU build ID and address (hexadecimal, with `0x`), functions innermost first. */
export type NativeNameTable = Readonly<
  Record<string, { readonly fileName: string; readonly names: Readonly<Record<string, readonly NativeFunction[]>> }>
>;

/** Names of addresses of executables, as the symbolizer found them in the files: those need not be on the machine that replays. */
export class RecordedNames {
  readonly #table: NativeNameTable;

  constructor(table: NativeNameTable) {
    this.#table = table;
  }

  /** `undefined` when nothing is written down for the address. */
  find(gnuBuildId: string, address: bigint): FrameSymbol | undefined {
    const functions = this.#table[gnuBuildId]?.names[`0x${address.toString(16)}`];
    const symbols = functions?.map(symbolOf) ?? [];
    const outermost = symbols.pop();
    return outermost && { ...outermost, inlined: symbols };
  }
}

/** Reads `native-names.json`. */
export function readNativeNames(file: string | URL): RecordedNames {
  return new RecordedNames(JSON.parse(readFileSync(file, 'utf8')) as NativeNameTable);
}

function symbolOf([functionName, systemName, filePath, line, column, startLine]: NativeFunction): FrameSymbol {
  return { functionName, systemName, filePath, line, column, startLine, inlined: [] };
}
