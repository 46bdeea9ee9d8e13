import { ByteCursor } from '../elf/byte-cursor.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { sliceSource, UnreadableBytes } from '../elf/byte-source.ts';
import type { ElfFile } from '../elf/elf-file.ts';
import type { Inflate } from '../elf/section-reader.ts';
import { openSection } from '../elf/section-reader.ts';
import type { DwarfSections, DwarfUnit, SectionKey } from './dwarf-data.ts';
import { DwarfData, openSplitSections } from './dwarf-data.ts';
import { readUnitHeader } from './unit-header.ts';

/** An open file with split units. Whoever has it closes it. */
export interface SplitFile {
  readonly elf: ElfFile;
  readonly inflate: Inflate;
  close(): void;
}

/** Finds files with split units, by name: whether one is the right one, the unit's ID says. */
export interface SplitFiles {
  /** Candidates for the `.dwo` file that a skeleton names, opened one after the other. */
  dwoFiles(dwoName: string, compilationDirectory: string): Iterable<SplitFile>;
  /** The `.dwp` file with all split units of the executable; owned by the finder. */
  readonly package: Pick<SplitFile, 'elf' | 'inflate'> | undefined;
}

export interface SplitUnit {
  readonly unit: DwarfUnit;
  close(): void;
}

/** Units of one `.dwo` file that are looked at: types of C++ come before the one that is meant. */
const maxUnits = 65_536;

/** The split units of one executable (DWARF 5, 7.3.2, and GNU's extension of DWARF 4): by their ID, whatever the file is called. */
export class SplitUnits {
  readonly #files: SplitFiles;
  #package: Promise<PackageIndex | undefined> | undefined;

  constructor(files: SplitFiles) {
    this.#files = files;
  }

  /** The unit that a skeleton stands for; `undefined` when it is nowhere, or cannot be read. */
  async open(skeleton: DwarfUnit): Promise<SplitUnit | undefined> {
    const { dwoId, dwoName, compilationDirectory } = skeleton.root;
    if (dwoId === '') return undefined;
    const packed = await this.#inPackage(skeleton);
    if (packed !== undefined) return packed;
    for (const file of this.#files.dwoFiles(dwoName, compilationDirectory)) {
      const unit = await orNothing(async () => {
        const sections = await openSplitSections(file.elf, file.inflate);
        return sections && findUnit(sections, skeleton);
      });
      const close = (): void => {
        unit?.data.close();
        file.close();
      };
      if (unit !== undefined) return { unit, close };
      file.close();
    }
    return undefined;
  }

  async #inPackage(skeleton: DwarfUnit): Promise<SplitUnit | undefined> {
    this.#package ??= orNothing(async () => readPackage(this.#files.package));
    const index = await this.#package;
    const unit = await orNothing(() => index && unitInPackage(index, skeleton));
    return unit && { unit, close: () => unit.data.close() };
  }
}

function findUnit(sections: DwarfSections, skeleton: DwarfUnit): DwarfUnit | undefined {
  const data = new DwarfData(withSkeleton(sections, skeleton), undefined, skeleton);
  const info = sections.get('info')!;
  const cursor = new ByteCursor(info, 64);
  for (let next = 0, left = maxUnits; next < info.sizeBytes && left > 0; left--) {
    data.budget.spend(1, 'units');
    cursor.seek(next);
    const { offset, end, version, dwoId } = readUnitHeader(cursor);
    const isMeant =
      version >= 5 ? dwoId === skeleton.root.dwoId : data.unitAt(offset).root.dwoId === skeleton.root.dwoId;
    if (isMeant) return data.unitAt(offset);
    next = end;
  }
  return undefined;
}

/** Addresses and, before DWARF 5, ranges are those of the linked file. */
function withSkeleton(sections: DwarfSections, { data }: DwarfUnit): DwarfSections {
  const all = new Map(sections);
  for (const key of ['addresses', 'ranges'] as const) {
    const source = data.section(key);
    if (source !== undefined) all.set(key, source);
  }
  return all;
}

/** `.debug_cu_index`: a hash table from a unit's ID to its part of each section (DWARF 5, 7.3.5.3). */
interface PackageIndex {
  readonly sections: DwarfSections;
  readonly source: ByteSource;
  readonly columns: readonly (SectionKey | undefined)[];
  readonly unitCount: number;
  readonly slotCount: number;
}

const headerBytes = 16;
const maxColumns = 16;

/** Sections by their numbers: in GNU's extension of DWARF 4, and in DWARF 5. */
const sectionsByNumber: Readonly<Record<number, readonly (SectionKey | undefined)[]>> = {
  2: [undefined, 'info', undefined, 'abbrev', 'line', undefined, 'stringOffsets'],
  5: [undefined, 'info', undefined, 'abbrev', 'line', undefined, 'stringOffsets', undefined, 'rangeLists'],
};

async function readPackage(file: SplitFiles['package']): Promise<PackageIndex | undefined> {
  if (file === undefined) return undefined;
  const sections = await openSplitSections(file.elf, file.inflate);
  const source = await openSection(file.elf, '.debug_cu_index', file.inflate);
  if (sections === undefined || source === undefined) return undefined;
  const cursor = new ByteCursor(source, 1024);
  // DWARF 5 has a number of 16 bits, and zeros behind it.
  const keys = sectionsByNumber[cursor.u32()];
  const columnCount = cursor.u32();
  const unitCount = cursor.u32();
  const slotCount = cursor.u32();
  if (keys === undefined) throw new UnreadableBytes('the index of split units has an unknown version');
  const tableBytes = headerBytes + 12 * slotCount + 4 * columnCount * (1 + 2 * unitCount);
  if (columnCount > maxColumns || !(tableBytes <= source.sizeBytes)) {
    throw new UnreadableBytes('the index of split units goes past the end of its section');
  }
  cursor.seek(headerBytes + 12 * slotCount);
  const columns = Array.from({ length: columnCount }, () => keys[cursor.u32()]);
  return { sections, source, columns, unitCount, slotCount };
}

function unitInPackage(index: PackageIndex, skeleton: DwarfUnit): DwarfUnit | undefined {
  const row = rowOf(index, skeleton);
  if (row === undefined) return undefined;
  const { source, slotCount, columns, unitCount } = index;
  const offsets = headerBytes + 12 * slotCount + 4 * columns.length;
  const rowBytes = 4 * columns.length;
  const cursor = new ByteCursor(source, 128);
  const readRow = (table: number): number[] => {
    cursor.seek(table + (row - 1) * rowBytes);
    return columns.map(() => cursor.u32());
  };
  const starts = readRow(offsets);
  const sizes = readRow(offsets + unitCount * rowBytes);
  const own = new Map(index.sections);
  for (const [column, key] of columns.entries()) {
    const whole = key && index.sections.get(key);
    if (whole !== undefined) own.set(key!, sliceSource(whole, starts[column]!, sizes[column]!));
  }
  return findUnit(own, skeleton);
}

/** The row of a unit, from 1 on; `undefined` when the package lacks the unit. */
function rowOf({ source, slotCount, unitCount }: PackageIndex, { root, data }: DwarfUnit): number | undefined {
  if (slotCount === 0) return undefined;
  const [low, high] = root.dwoId.split(' ').map((half) => Number.parseInt(half, 16)) as [number, number];
  const cursor = new ByteCursor(source, 128);
  // The number of slots is a power of two; one that is not leads to slots of others, and their IDs differ.
  const step = (high % slotCount) + (high % 2 === 0 ? 1 : 0);
  let slot = low % slotCount;
  for (let left = slotCount; left > 0; left--, slot = (slot + step) % slotCount) {
    data.budget.spend(1, 'slots of split units');
    cursor.seek(headerBytes + 8 * slot);
    const found = [cursor.u32(), cursor.u32()];
    cursor.seek(headerBytes + 8 * slotCount + 4 * slot);
    const row = cursor.u32();
    if (row === 0) return undefined;
    if (found[0] === low && found[1] === high) return row <= unitCount ? row : undefined;
  }
  return undefined;
}

async function orNothing<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UnreadableBytes) return undefined;
    throw error;
  }
}
