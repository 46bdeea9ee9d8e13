import type { Executable } from '../model/executable.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';

/**
 * Merges a second submission for a frame into the first. Fields that the newer one leaves empty keep their value: an empty
 * name, file or line never replaces a known one. Where the newer one names another function it is a revision, and
 * linker's name and inlined functions are taken from it as they are; where it names another file, so are the lines.
 * Returns `known` itself when nothing changes.
 */
export function mergeSymbols(known: FrameSymbol, submitted: FrameSymbol): FrameSymbol {
  if (symbolsEqual(known, submitted)) return known;
  const isSameFunction = submitted.functionName === '' || submitted.functionName === known.functionName;
  const isSameFile = submitted.filePath === '' || submitted.filePath === known.filePath;
  const keepsInlined = isSameFunction && submitted.inlined.length === 0;
  const merged = {
    functionName: submitted.functionName || known.functionName,
    systemName: submitted.systemName || (isSameFunction ? known.systemName : ''),
    filePath: submitted.filePath || known.filePath,
    line: submitted.line || (isSameFile ? known.line : 0),
    column: submitted.column || (isSameFile && submitted.line === 0 ? known.column : 0),
    startLine: submitted.startLine || (isSameFile && isSameFunction ? known.startLine : 0),
    inlined: keepsInlined ? known.inlined : submitted.inlined,
  };
  return symbolsEqual(known, merged) ? known : merged;
}

/** True if `merged` changes nothing that `known` says. */
export function completes(known: FrameSymbol, merged: FrameSymbol): boolean {
  return (
    merged.functionName === known.functionName &&
    (known.systemName === '' || merged.systemName === known.systemName) &&
    (known.filePath === '' || merged.filePath === known.filePath) &&
    (known.line === 0 || merged.line === known.line) &&
    (known.column === 0 || merged.column === known.column) &&
    (known.startLine === 0 || merged.startLine === known.startLine) &&
    (known.inlined.length === 0 || merged.inlined === known.inlined)
  );
}

export function symbolsEqual(a: FrameSymbol, b: FrameSymbol): boolean {
  if (a === b) return true;
  return (
    a.functionName === b.functionName &&
    a.filePath === b.filePath &&
    a.line === b.line &&
    a.systemName === b.systemName &&
    a.column === b.column &&
    a.startLine === b.startLine &&
    a.inlined.length === b.inlined.length &&
    a.inlined.every((inner, i) => symbolsEqual(inner, b.inlined[i]!))
  );
}

/** The same for executables: what the newer one leaves empty, the older one keeps. */
export function mergeExecutables(known: Executable | undefined, submitted: Executable): Executable {
  return {
    fileName: submitted.fileName || (known?.fileName ?? ''),
    gnuBuildId: submitted.gnuBuildId || (known?.gnuBuildId ?? ''),
    goBuildId: submitted.goBuildId || (known?.goBuildId ?? ''),
    hasHtlHash: submitted.hasHtlHash || (known?.hasHtlHash ?? false),
  };
}

export function executablesEqual(a: Executable, b: Executable): boolean {
  return (
    a.fileName === b.fileName &&
    a.gnuBuildId === b.gnuBuildId &&
    a.goBuildId === b.goBuildId &&
    a.hasHtlHash === b.hasHtlHash
  );
}
