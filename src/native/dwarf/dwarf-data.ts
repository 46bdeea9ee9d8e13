import { Budget } from '../elf/budget.ts';
import { ByteCursor } from '../elf/byte-cursor.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { ElfFile } from '../elf/elf-file.ts';
import type { Inflate } from '../elf/section-reader.ts';
import { openSection } from '../elf/section-reader.ts';
import type { Abbreviations } from './abbreviations.ts';
import { readAbbreviations } from './abbreviations.ts';
import type { FormValue } from './forms.ts';
import { attributes, forms, readValue } from './forms.ts';
import type { UnitHeader } from './unit-header.ts';
import { readDwoId, readUnitHeader } from './unit-header.ts';

const sectionNames = {
  info: '.debug_info',
  abbrev: '.debug_abbrev',
  line: '.debug_line',
  str: '.debug_str',
  lineStr: '.debug_line_str',
  ranges: '.debug_ranges',
  rangeLists: '.debug_rnglists',
  stringOffsets: '.debug_str_offsets',
  addresses: '.debug_addr',
  addressRanges: '.debug_aranges',
} as const;

export type SectionKey = keyof typeof sectionNames;

/** The debug sections that a file has, decompressed. */
export type DwarfSections = ReadonlyMap<SectionKey, ByteSource>;

/** Opens the debug sections of a file; `undefined` when it has no debug information. @throws UnreadableBytes */
export async function openDwarfSections(elf: ElfFile, inflate: Inflate): Promise<DwarfSections | undefined> {
  const sections = new Map<SectionKey, ByteSource>();
  for (const [key, name] of Object.entries(sectionNames) as [SectionKey, string][]) {
    const source = await openSection(elf, name, inflate);
    if (source !== undefined) sections.set(key, source);
  }
  const isThere = (sections.get('info')?.sizeBytes ?? 0) > 0 && sections.has('abbrev');
  return isThere ? sections : undefined;
}

/** Names of the sections of split units; what else they refer to is in the file with the skeletons. */
const splitKeys: readonly SectionKey[] = ['info', 'abbrev', 'str', 'rangeLists', 'stringOffsets'];

/** Opens the sections with split units of a `.dwo` or `.dwp` file; `undefined` when it has none. @throws UnreadableBytes */
export async function openSplitSections(elf: ElfFile, inflate: Inflate): Promise<DwarfSections | undefined> {
  const sections = new Map<SectionKey, ByteSource>();
  for (const key of splitKeys) {
    const source = await openSection(elf, `${sectionNames[key]}.dwo`, inflate);
    if (source !== undefined) sections.set(key, source);
  }
  return sections.has('info') && sections.has('abbrev') ? sections : undefined;
}

/** A unit whose root entry was read. */
export interface DwarfUnit extends UnitHeader {
  readonly data: DwarfData;
  readonly abbreviations: Abbreviations;
  readonly root: RootEntry;
}

export interface RootEntry {
  readonly tag: number;
  readonly name: string;
  readonly compilationDirectory: string;
  readonly lowPc: number | undefined;
  readonly highPc: number | undefined;
  readonly ranges: Readonly<FormValue> | undefined;
  readonly statementList: number | undefined;
  readonly stringOffsetsBase: number;
  readonly addressBase: number;
  readonly rangeListsBase: number;
  /** Of a split unit before DWARF 5: what its offsets into the ranges count from. */
  readonly rangesStart: number;
  /** File with the split unit that a skeleton stands for; empty for any other unit. */
  readonly dwoName: string;
  /** As `UnitHeader.dwoId`, also of units before DWARF 5. */
  readonly dwoId: string;
}

/** Steps of one batch: entries, rows, ranges. Ten thousand addresses in the largest file known here, 368 MB, take 150 million. */
const maxSteps = 2e9;
const maxOpenUnits = 16;
const maxOpenTables = 16;

/**
 * The debug sections of one file, for the time of one batch. Single values are read through small windows; nothing is kept but
 * a few units and tables of abbreviations.
 */
export class DwarfData {
  readonly budget: Budget;
  /** The file that dwz moved common parts to, by `.gnu_debugaltlink`. */
  readonly alternate: DwarfData | undefined;
  readonly #sections: DwarfSections;
  /** Of split units alone. */
  readonly #skeleton: DwarfUnit | undefined;
  readonly #cursors = new Map<SectionKey, ByteCursor>();
  /** A window of 64 KiB for each unit would be gigabytes of garbage in a batch of a large file. */
  readonly #scans = new Map<SectionKey, ByteCursor>();
  readonly #units = new Map<number, DwarfUnit>();
  readonly #tables = new Map<string, Abbreviations>();

  constructor(sections: DwarfSections, alternate?: DwarfData, skeleton?: DwarfUnit) {
    this.#sections = sections;
    this.alternate = alternate;
    this.#skeleton = skeleton;
    this.budget = skeleton?.data.budget ?? new Budget(maxSteps);
  }

  section(key: SectionKey): ByteSource | undefined {
    return this.#sections.get(key);
  }

  /** A small window into a section, shared by all readers: to be used at once. @throws UnreadableBytes when there is none */
  cursor(key: SectionKey): ByteCursor {
    let cursor = this.#cursors.get(key);
    if (cursor === undefined) {
      cursor = new ByteCursor(this.#sectionOf(key), key === 'ranges' || key === 'rangeLists' ? 65_536 : 1024);
      this.#cursors.set(key, cursor);
    }
    return cursor;
  }

  /** A large window for one reader that reads in sequence: the next call ends its use. @throws UnreadableBytes when there is no such section */
  scan(key: SectionKey): ByteCursor {
    let cursor = this.#scans.get(key);
    if (cursor === undefined) {
      cursor = new ByteCursor(this.#sectionOf(key));
      this.#scans.set(key, cursor);
    }
    return cursor;
  }

  /** Ends the batch: gives all windows back. */
  close(): void {
    for (const cursor of [...this.#cursors.values(), ...this.#scans.values()]) cursor.close();
    this.alternate?.close();
  }

  #sectionOf(key: SectionKey): ByteSource {
    const source = this.#sections.get(key);
    if (source === undefined) throw new UnreadableBytes(`there is no ${sectionNames[key]}`);
    return source;
  }

  /** The text at an offset of a section; empty where there is no such section. */
  textAt(key: SectionKey, offset: number): string {
    if (!this.#sections.has(key)) return '';
    const cursor = this.cursor(key);
    cursor.seek(offset);
    return cursor.text();
  }

  /** The unit whose header begins at an offset. */
  unitAt(offset: number): DwarfUnit {
    const known = this.#units.get(offset);
    if (known !== undefined) return known;
    const cursor = this.cursor('info');
    cursor.seek(offset);
    const header = readUnitHeader(cursor);
    const abbreviations = this.#abbreviationsOf(header);
    const unit = { ...header, data: this, abbreviations, root: this.#readRoot(header, abbreviations) };
    if (this.#units.size === maxOpenUnits) this.#units.delete(this.#units.keys().next().value!);
    this.#units.set(offset, unit);
    return unit;
  }

  #abbreviationsOf(header: UnitHeader): Abbreviations {
    const { abbreviationOffset, version, offsetBytes, addressBytes } = header;
    const key = `${abbreviationOffset} ${version} ${offsetBytes} ${addressBytes}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = readAbbreviations(this.scan('abbrev'), abbreviationOffset, header, this.budget);
      if (this.#tables.size === maxOpenTables) this.#tables.delete(this.#tables.keys().next().value!);
      this.#tables.set(key, table);
    }
    return table;
  }

  #readRoot(header: UnitHeader, abbreviations: Abbreviations): RootEntry {
    const cursor = this.cursor('info');
    cursor.seek(header.firstEntry, header.end);
    const code = cursor.uleb();
    if (code === 0) throw new UnreadableBytes(`the unit at ${header.offset} has no entry`);
    const { tag, attributes: names, forms: formList, implicit } = abbreviations.get(code);
    const values = new Map<number, FormValue>();
    let dwoId = header.dwoId;
    for (let i = 0; i < names.length; i++) {
      const value = { form: 0, value: 0 };
      if (names[i] === attributes.gnuDwoId && formList[i] === forms.data8) {
        dwoId = readDwoId(cursor);
        continue;
      }
      readValue(cursor, formList[i]!, implicit[i]!, header, value);
      values.set(names[i]!, value);
    }
    return { ...this.#rootOf(header, tag, values), dwoId };
  }

  #basesOf({ version, offsetBytes }: UnitHeader, values: ReadonlyMap<number, FormValue>): UnitBases['root'] {
    const number = (attribute: number): number | undefined => values.get(attribute)?.value;
    const skeleton = this.#skeleton?.root;
    // A split unit without a base begins after the header of its section.
    const stringOffsetsBase = number(attributes.stringOffsetsBase) ?? (version >= 5 ? 2 * offsetBytes : 0);
    if (skeleton !== undefined) {
      const rangesStart = version >= 5 ? 0 : skeleton.rangeListsBase;
      return { stringOffsetsBase, addressBase: skeleton.addressBase, rangeListsBase: 8 + offsetBytes, rangesStart };
    }
    return {
      stringOffsetsBase,
      addressBase: number(attributes.addressBase) ?? number(attributes.gnuAddressBase) ?? 0,
      rangeListsBase: number(attributes.rangeListsBase) ?? number(attributes.gnuRangesBase) ?? 0,
      rangesStart: 0,
    };
  }

  #rootOf(header: UnitHeader, tag: number, values: ReadonlyMap<number, FormValue>): Omit<RootEntry, 'dwoId'> {
    const bases = this.#basesOf(header, values);
    const unit = { ...header, data: this, root: bases };
    const text = (attribute: number): string => textOf(unit, values.get(attribute)) ?? '';
    const low = values.get(attributes.lowPc);
    const high = values.get(attributes.highPc);
    const lowPc = low === undefined ? this.#skeleton?.root.lowPc : addressOf(unit, low);
    return {
      ...bases,
      tag,
      name: text(attributes.name),
      compilationDirectory: text(attributes.compilationDirectory),
      lowPc,
      highPc: lowPc !== undefined && high !== undefined ? endOf(unit, lowPc, high) : undefined,
      ranges: values.get(attributes.ranges),
      statementList: values.get(attributes.statementList)?.value,
      dwoName: text(attributes.dwoName) || text(attributes.gnuDwoName),
    };
  }
}

/** The parts of a unit that its attribute values refer to. */
export interface UnitBases extends UnitHeader {
  readonly data: DwarfData;
  readonly root: Pick<RootEntry, 'stringOffsetsBase' | 'addressBase' | 'rangeListsBase' | 'rangesStart'>;
}

/** The address that a value tells, itself or by its index; `undefined` for none. @throws UnreadableBytes */
export function addressOf(unit: UnitBases, { form, value }: FormValue): number | undefined {
  if (form === forms.address) return value;
  if (!isAddressIndex(form)) return undefined;
  const cursor = unit.data.cursor('addresses');
  cursor.seek(unit.root.addressBase + value * unit.addressBytes);
  return cursor.unsigned(unit.addressBytes);
}

/** The end of a function that begins at `low`: an address, or a length. */
export function endOf(unit: UnitBases, low: number, high: FormValue): number {
  return addressOf(unit, high) ?? low + high.value;
}

function isAddressIndex(form: number): boolean {
  return form === forms.addrx || form === forms.gnuAddressIndex || (form >= forms.addrx1 && form <= forms.addrx4);
}

/** The text that a value tells; `undefined` for one that is none. @throws UnreadableBytes */
export function textOf(unit: UnitBases, value: FormValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  const { data } = unit;
  switch (value.form) {
    case forms.string:
      return data.textAt('info', value.value);
    case forms.strp:
      return data.textAt('str', value.value);
    case forms.lineStrp:
      return data.textAt('lineStr', value.value);
    case forms.strpSup:
    case forms.gnuStrpAlt:
      return data.alternate?.textAt('str', value.value);
    case forms.strx:
    case forms.gnuStringIndex:
    case forms.strx1:
    case forms.strx2:
    case forms.strx3:
    case forms.strx4: {
      const cursor = data.cursor('stringOffsets');
      cursor.seek(unit.root.stringOffsetsBase + value.value * unit.offsetBytes);
      return data.textAt('str', cursor.unsigned(unit.offsetBytes));
    }
    default:
      return undefined;
  }
}
