import { UnreadableBytes } from '../elf/byte-source.ts';
import type { CodeRanges } from '../elf/code-ranges.ts';
import type { DwarfData, DwarfUnit } from './dwarf-data.ts';
import type { FunctionName } from './function-names.ts';
import { FunctionNames } from './function-names.ts';
import type { CodeEntries } from './function-walk.ts';
import { findCodeEntries } from './function-walk.ts';
import type { KnownUnits } from './known-units.ts';
import type { LineHeader } from './line-header.ts';
import { readLineHeader } from './line-header.ts';
import type { LineRows } from './line-program.ts';
import { findLineRows } from './line-program.ts';
import type { SplitUnits } from './split-units.ts';
import type { UnitIndex } from './unit-index.ts';
import { indexOfUnit } from './unit-index.ts';

/** One function at an address; texts are empty, numbers 0 where the debug information does not say. */
export interface CodeFrame extends FunctionName {
  readonly filePath: string;
  readonly line: number;
  readonly column: number;
}

/** Inlined functions are reported up to this depth. */
const maxInlineDepth = 64;

export interface DwarfIndexes {
  readonly units: UnitIndex;
  /** Of the file that dwz moved common parts to. */
  readonly alternate: UnitIndex | undefined;
  readonly known: KnownUnits;
}

export interface DwarfOptions {
  readonly code: CodeRanges;
  /** True when inlined functions are looked for, false for lines alone. */
  readonly hasInlines: boolean;
  readonly splits: SplitUnits | undefined;
}

/**
 * The functions at each of the `addresses`, which rise: innermost first; a frame without names where there is only a line, none where
 * nothing is known. A unit that cannot be read costs the names of its own addresses alone.
 */
export async function dwarfFrames(
  data: DwarfData,
  { units, alternate, known }: DwarfIndexes,
  addresses: Float64Array,
  options: DwarfOptions,
): Promise<CodeFrame[][]> {
  const frames: CodeFrame[][] = Array.from(addresses, () => []);
  const names = new FunctionNames(data, units, alternate);
  for (const [offset, indices] of groupByUnit(units, addresses)) {
    try {
      const unit = data.unitAt(offset);
      const own = Float64Array.from(indices, (index) => addresses[index]!);
      const found = await framesOfUnit(unit, own, names, { ...options, known });
      indices.forEach((index, i) => {
        frames[index] = found[i]!;
      });
    } catch (error) {
      if (!(error instanceof UnreadableBytes)) throw error;
    }
  }
  return frames;
}

/** Indices of the addresses of each unit, by its offset. */
function groupByUnit(units: UnitIndex, addresses: Float64Array): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  addresses.forEach((address, index) => {
    const offset = units.unitOf(address);
    if (offset < 0) return;
    const group = groups.get(offset);
    if (group === undefined) groups.set(offset, [index]);
    else group.push(index);
  });
  return groups;
}

interface UnitLines {
  readonly header: LineHeader | undefined;
  readonly rows: LineRows | undefined;
}

async function framesOfUnit(
  unit: DwarfUnit,
  addresses: Float64Array,
  names: FunctionNames,
  { code, hasInlines, splits, known }: DwarfOptions & { known: KnownUnits },
): Promise<CodeFrame[][]> {
  const lines = readLines(unit, code, addresses, known);
  const split = hasInlines && unit.root.dwoName !== '' ? await splits?.open(unit) : undefined;
  if (split === undefined) return chainsOf(unit, addresses, { lines, names, hasInlines, known });
  try {
    const own = new FunctionNames(split.unit.data, indexOfUnit(split.unit), undefined);
    // Files of calls are those of the skeleton's line table.
    return chainsOf(split.unit, addresses, { lines, names: own, hasInlines });
  } finally {
    split.close();
  }
}

interface ChainOptions {
  readonly lines: UnitLines;
  readonly names: FunctionNames;
  readonly hasInlines: boolean;
  /** Absent for split units, whose offsets are those of another file. */
  readonly known?: KnownUnits;
}

function chainsOf(
  unit: DwarfUnit,
  addresses: Float64Array,
  { lines, names, hasInlines, known }: ChainOptions,
): CodeFrame[][] {
  const entries: CodeEntries = hasInlines
    ? findCodeEntries(unit, addresses, known?.at(unit.offset)?.functions)
    : { entries: [], innermost: new Int32Array(addresses.length).fill(-1) };
  if (entries.functions !== undefined) known?.keep(unit.offset, { functions: entries.functions });
  const paths = new Map<number, string>();
  const pathOf = (file: number): string => {
    let path = paths.get(file);
    if (path === undefined) {
      path = lines.header?.pathOf(file) ?? '';
      paths.set(file, path);
    }
    return path;
  };
  return Array.from(addresses, (_, index) => chainAt(unit, index, { entries, lines, names, pathOf }));
}

function readLines(unit: DwarfUnit, code: CodeRanges, addresses: Float64Array, known: KnownUnits): UnitLines {
  try {
    const header = readLineHeader(unit);
    const rows = header && findLineRows(unit, header, code, addresses, known.at(unit.offset)?.lines);
    if (rows?.parts !== undefined) known.keep(unit.offset, { lines: rows.parts });
    return { header, rows };
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    return { header: undefined, rows: undefined };
  }
}

interface UnitFindings {
  readonly entries: CodeEntries;
  readonly lines: UnitLines;
  readonly names: FunctionNames;
  readonly pathOf: (file: number) => string;
}

/** The row of the line table tells where the innermost function is; each of the others is where it calls the one before. */
function chainAt(
  unit: DwarfUnit,
  index: number,
  { entries: { entries, innermost }, lines: { rows }, names, pathOf }: UnitFindings,
): CodeFrame[] {
  const hasRow = rows !== undefined && rows.files[index] !== -1;
  let place = {
    filePath: hasRow ? pathOf(rows.files[index]!) : '',
    line: hasRow ? rows.lines[index]! : 0,
    column: hasRow ? rows.columns[index]! : 0,
  };
  const chain: CodeFrame[] = [];
  for (let at = innermost[index]!; at >= 0 && chain.length <= maxInlineDepth; at = entries[at]!.parent) {
    const { offset, isInlined, callFile, callLine, callColumn } = entries[at]!;
    chain.push({ ...names.nameOf(unit, offset), ...place });
    if (!isInlined) return chain;
    place = { filePath: pathOf(callFile), line: callLine, column: callColumn };
  }
  if (chain.length === 0 && hasRow) return [{ linkageName: '', name: '', declarationLine: 0, ...place }];
  return chain;
}
