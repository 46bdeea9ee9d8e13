import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Line } from '../../otlp/profiles-data.ts';

/** Adds a function to a dictionary, or finds it there, and returns its index. */
export type InternFunction = (name: string, systemName: string, filePath: string, startLine: number) => number;

/** What a location is called, innermost inlined function first, without those that say nothing. */
export function linesOf(symbol: FrameSymbol, internFunction: InternFunction): Line[] {
  return [...symbol.inlined, symbol].filter(isNamed).map((called) => ({
    functionIndex: internFunction(called.functionName, called.systemName, called.filePath, called.startLine),
    line: BigInt(called.line),
    column: BigInt(called.column),
  }));
}

export function isNamed({ functionName, systemName, filePath }: FrameSymbol): boolean {
  return functionName !== '' || systemName !== '' || filePath !== '';
}
