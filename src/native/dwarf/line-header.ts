import type { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { DwarfUnit } from './dwarf-data.ts';
import { textOf } from './dwarf-data.ts';
import type { FormValue } from './forms.ts';
import { forms, readValue } from './forms.ts';
import { readInitialLength } from './unit-header.ts';

/** The header of a line number program, with its tables of directories and files (DWARF 5, 6.2.4). */
export interface LineHeader {
  readonly programStart: number;
  readonly end: number;
  readonly minInstructionBytes: number;
  readonly maxOperations: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Numbers of operands of the standard opcodes, from opcode 1 on. */
  readonly operandCounts: readonly number[];
  /** The path of a file by its index; empty for one that there is not. */
  pathOf(file: number): string;
}

/** A unit of C++ names some hundred files. */
const maxFiles = 262_144;

interface SourceFile {
  readonly name: FormValue;
  readonly directory: number;
}

/** Reads the header of a unit's line table; `undefined` when it has none. @throws UnreadableBytes */
export function readLineHeader(unit: DwarfUnit): LineHeader | undefined {
  const { statementList } = unit.root;
  if (statementList === undefined || unit.data.section('line') === undefined) return undefined;
  const cursor = unit.data.cursor('line');
  cursor.seek(statementList);
  const { length, offsetBytes } = readInitialLength(cursor);
  const end = cursor.position + length;
  cursor.seek(cursor.position, end);
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new UnreadableBytes(`a line table has version ${version}`);
  if (version >= 5) cursor.skip(2);
  const headerBytes = cursor.unsigned(offsetBytes);
  const programStart = cursor.position + headerBytes;
  if (!(programStart <= end)) throw new UnreadableBytes('the header of a line table is longer than the table');
  const minInstructionBytes = cursor.u8();
  const maxOperations = version >= 4 ? Math.max(1, cursor.u8()) : 1;
  cursor.skip(1);
  const lineBase = cursor.i8();
  const lineRange = cursor.u8();
  const opcodeBase = cursor.u8();
  if (lineRange === 0) throw new UnreadableBytes('a line table has line range 0');
  const operandCounts = Array.from({ length: Math.max(0, opcodeBase - 1) }, () => cursor.u8());
  const sizes = { version, offsetBytes, addressBytes: unit.addressBytes };
  const files = version >= 5 ? readTables5(unit, cursor, sizes) : readTables2(unit, cursor);
  const pathOf = (file: number): string => pathIn(unit, files, version, file);
  return {
    ...{ programStart, end, minInstructionBytes, maxOperations, lineBase, lineRange, opcodeBase, operandCounts },
    pathOf,
  };
}

interface FileTables {
  readonly directories: readonly FormValue[];
  readonly files: readonly SourceFile[];
}

/** DWARF 2 to 4: texts in place, both tables ended by an empty one. */
function readTables2(unit: DwarfUnit, cursor: ByteCursor): FileTables {
  const directories: FormValue[] = [];
  const files: SourceFile[] = [];
  const readText = (): FormValue | undefined => {
    const value = { form: forms.string, value: cursor.position };
    if (cursor.u8() === 0) return undefined;
    cursor.skipText();
    unit.data.budget.spend(1, 'files');
    return value;
  };
  for (let text = readText(); text !== undefined; text = readText()) directories.push(text);
  for (let name = readText(); name !== undefined; name = readText()) {
    files.push({ name, directory: cursor.uleb() });
    cursor.skipLeb();
    cursor.skipLeb();
  }
  return { directories, files };
}

/** DWARF 5: both tables tell first how their entries are written. */
function readTables5(unit: DwarfUnit, cursor: ByteCursor, sizes: LineSizes): FileTables {
  const directories = readEntries5(unit, cursor, sizes).map(({ name }) => name);
  return { directories, files: readEntries5(unit, cursor, sizes) };
}

interface LineSizes {
  readonly version: number;
  readonly offsetBytes: number;
  readonly addressBytes: number;
}

const contentTypes = { path: 1, directoryIndex: 2 } as const;

function readEntries5(unit: DwarfUnit, cursor: ByteCursor, sizes: LineSizes): SourceFile[] {
  const format = Array.from({ length: cursor.u8() }, () => ({ content: cursor.uleb(), form: cursor.uleb() }));
  const count = cursor.uleb();
  if (!(count >= 0 && count <= maxFiles)) throw new UnreadableBytes(`a line table has ${count} files`);
  const entries: SourceFile[] = [];
  for (let left = count; left > 0; left--) {
    unit.data.budget.spend(1 + format.length, 'files');
    let name: FormValue = { form: 0, value: 0 };
    let directory = 0;
    for (const { content, form } of format) {
      const value = { form: 0, value: 0 };
      readValue(cursor, form, 0, sizes, value);
      if (content === contentTypes.path) name = value;
      else if (content === contentTypes.directoryIndex) directory = value.value;
    }
    entries.push({ name, directory });
  }
  return entries;
}

/** The directory of compilation is entry 0 of DWARF 5, and has no entry before. */
function pathIn(unit: DwarfUnit, { directories, files }: FileTables, version: number, index: number): string {
  const file = files[version >= 5 ? index : index - 1];
  const name = file && lineText(unit, file.name);
  if (file === undefined || name === undefined || name === '') return '';
  if (name.startsWith('/')) return name;
  const entry = directories[version >= 5 ? file.directory : file.directory - 1];
  const directory = entry === undefined ? '' : (lineText(unit, entry) ?? '');
  const path = directory === '' ? name : join(directory, name);
  return path.startsWith('/') ? path : join(unit.root.compilationDirectory, path);
}

function join(directory: string, name: string): string {
  return directory === '' || directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

/** Texts in place lie in this section, those of entries in theirs. */
function lineText(unit: DwarfUnit, value: FormValue): string | undefined {
  return value.form === forms.string ? unit.data.textAt('line', value.value) : textOf(unit, value);
}
