import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Demangler } from '../demangle/demangler.ts';
import type { CodeFrame } from '../dwarf/dwarf-symbols.ts';
import type { AddressAnswer } from '../object-file.ts';

/** What compilers append to the name of a part or a copy of a function. */
const cloneSuffix = /(?:\.(?:cold|part|constprop|isra|lto_priv|llvm|localalias|warm|hot)(?:\.\d+)*|@@?[\w.]+)+$/;

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
  const functionName = demangler === undefined ? plain : demangler.demangle(plain);
  const systemName = tableName || linkageName;
  return {
    functionName,
    systemName: systemName === functionName ? '' : systemName,
    ...{ filePath, line, column, startLine: declarationLine, inlined: [] },
  };
}

/** A stub keeps its `@plt`, which tells what it is. */
function withoutSuffix(name: string): string {
  return name.endsWith('@plt') ? name : name.replace(cloneSuffix, '');
}
