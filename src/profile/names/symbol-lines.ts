import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Line } from '../../otlp/profiles-data.ts';

/** Adds a function to a dictionary, or finds it there, and returns its index. */
export type InternFunction = (name: string, systemName: string, filePath: string, startLine: number) => number;

/** Lines of a location with this symbol, on functions of a dictionary. */
export function linesOf(symbol: FrameSymbol, internFunction: InternFunction): Line[] {
  return namedFunctions(symbol).map((called) => ({
    functionIndex: internFunction(called.functionName, called.systemName, called.filePath, called.startLine),
    line: BigInt(called.line),
    column: BigInt(called.column),
  }));
}

/** The functions at a symbol's address, innermost inlined one first, without those that have no name. */
export function namedFunctions(symbol: FrameSymbol): FrameSymbol[] {
  return [...symbol.inlined, symbol].filter(isNamed);
}

export function isNamed({ functionName, systemName, filePath }: FrameSymbol): boolean {
  return functionName !== '' || systemName !== '' || filePath !== '';
}
