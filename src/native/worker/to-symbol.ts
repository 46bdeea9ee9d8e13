import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Demangler } from '../demangle/demangler.ts';
import { maxNameLength } from '../demangle/demangler.ts';
import type { CodeFrame } from '../dwarf/dwarf-symbols.ts';
import type { AddressAnswer } from '../object-file.ts';

/** Suffixes that compilers append to the name of a part or a copy of a function, and symbol versions. */
const cloneSuffix = /(?:\.(?:cold|part|constprop|isra|lto_priv|llvm|localalias|warm|hot)(?:\.\d+)*|@@?[\w.]+)+$/;

/** Longer texts are cut: the store takes no longer ones, and a file can repeat one of 64 KB at every address. */
const maxText = maxNameLength;

/** The answer as a symbol; `undefined` when nothing is known. Its function is empty where there is a line alone. */
export function toSymbol(
  { frames, tableName, source }: AddressAnswer,
  demangler: Pick<Demangler, 'demangle'> | undefined,
): FrameSymbol | undefined {
  const called = frames.length === 0 ? (tableName === '' ? [] : [nameless]) : frames;
  const symbols = called.map((frame, index) => {
    const isOutermost = index === called.length - 1;
    return symbolOf(frame, isOutermost && source !== 'gopclntab' ? tableName : '', demangler);
  });
  const outermost = symbols.pop();
  return outermost && { ...outermost, inlined: symbols };
}

const nameless: CodeFrame = { linkageName: '', name: '', declarationLine: 0, filePath: '', line: 0, column: 0 };

/** The linker's name is the most exact one; without it, a plain name. */
function symbolOf(
  { linkageName, name, declarationLine, filePath, line, column }: CodeFrame,
  tableName: string,
  demangler: Pick<Demangler, 'demangle'> | undefined,
): FrameSymbol {
  const plain = linkageName || withoutSuffix(tableName) || name;
  const functionName = demangler === undefined ? plain.slice(0, maxText) : demangler.demangle(plain);
  const systemName = (tableName || linkageName).slice(0, maxText);
  return {
    functionName,
    systemName: systemName === functionName ? '' : systemName,
    filePath: filePath.slice(0, maxText),
    ...{ line, column, startLine: declarationLine, inlined: [] },
  };
}

/** Length of all texts of a symbol. */
export function textLength({ functionName, systemName, filePath, inlined }: FrameSymbol): number {
  return inlined.reduce(
    (sum, inner) => sum + textLength(inner),
    functionName.length + systemName.length + filePath.length,
  );
}

/** A stub keeps its `@plt`, the mark of a stub. */
function withoutSuffix(name: string): string {
  return name.endsWith('@plt') ? name : name.replace(cloneSuffix, '');
}
