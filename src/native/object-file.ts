import type { DwarfSections } from './dwarf/dwarf-data.ts';
import { DwarfData, openDwarfSections } from './dwarf/dwarf-data.ts';
import type { CodeFrame, DwarfIndexes } from './dwarf/dwarf-symbols.ts';
import { dwarfFrames } from './dwarf/dwarf-symbols.ts';
import { KnownUnits } from './dwarf/known-units.ts';
import type { SplitFiles } from './dwarf/split-units.ts';
import { SplitUnits } from './dwarf/split-units.ts';
import { readUnitIndex } from './dwarf/unit-index.ts';
import { MemorySource, readBytes, UnreadableBytes } from './elf/byte-source.ts';
import type { CodeRanges } from './elf/code-ranges.ts';
import { codeEndAt, codeRanges } from './elf/code-ranges.ts';
import type { ElfFile } from './elf/elf-file.ts';
import { findSection, readElfFile, sectionSource, sectionTypes } from './elf/elf-file.ts';
import type { Inflate } from './elf/section-reader.ts';
import { decompressXz } from './elf/xz.ts';
import { GoTable } from './tables/pclntab.ts';
import { PltNames } from './tables/plt.ts';
import type { SymbolTable } from './tables/symbol-table.ts';
import { readSymbolTable } from './tables/symbol-table.ts';

/** The part of a file that a name comes from. */
export type NameSource = 'symtab' | 'dynsym' | 'plt' | 'gopclntab' | 'gnu_debugdata' | 'debug_file' | 'dwarf';

/** The level of detail that is read from debug information; each level includes the ones before. */
export type DebugInfoLevel = 'names' | 'lines' | 'inlines';

/** Functions, lines and the table name at one address. */
export interface AddressAnswer {
  /** Innermost first; the outermost one has the linker's name in `linkageName` or none. */
  readonly frames: readonly CodeFrame[];
  /** The linker's name of the function, from a table; empty when no table has one. */
  readonly tableName: string;
  readonly source: NameSource | undefined;
}

export interface ObjectParts {
  readonly elf: ElfFile;
  /** The file with the debug information that was stripped from it. */
  readonly debug: ElfFile | undefined;
  /** The file that dwz moved common parts of the debug information to. */
  readonly alternate: ElfFile | undefined;
  /** Finds the files that the compiler put debug information into; `undefined` where they are not looked for. */
  readonly splitFiles?: SplitFiles | undefined;
}

interface NamedTable {
  readonly source: NameSource;
  readonly nameAt: (address: number) => string | undefined;
}

/**
 * The names in one executable or library, from all that it and its debug file have. Tables are read at the first use and kept;
 * of debug information an index of its units, and where functions and lines of those lie that were read. A part that is damaged is as one that is not there.
 */
export class ObjectFile {
  readonly #parts: ObjectParts;
  readonly #inflate: Inflate;
  readonly #code: CodeRanges;
  readonly #tables: readonly NamedTable[];
  readonly #go: GoTable | undefined;
  readonly #splits: SplitUnits | undefined;
  #tableBytes = 0;
  #sections: Promise<ObjectSections | undefined> | undefined;
  #indexes: DwarfIndexes | undefined;

  constructor(parts: ObjectParts, inflate: Inflate) {
    this.#parts = parts;
    this.#inflate = inflate;
    this.#code = codeRanges(parts.elf);
    this.#tables = this.#openTables();
    this.#go = orNothing(() => GoTable.open(parts.elf));
    this.#splits = parts.splitFiles && new SplitUnits(parts.splitFiles);
  }

  /** Memory that tables and indexes hold. */
  get sizeBytes(): number {
    const { units, alternate, known } = this.#indexes ?? {};
    return 4096 + this.#tableBytes + (units?.sizeBytes ?? 0) + (alternate?.sizeBytes ?? 0) + (known?.sizeBytes ?? 0);
  }

  /** One answer for each address; `addresses` rise. @throws OverBudget */
  async answer(addresses: Float64Array, level: DebugInfoLevel): Promise<AddressAnswer[]> {
    const chains = level === 'names' ? undefined : await this.#dwarfChains(addresses, level === 'inlines');
    return Array.from(addresses, (address, index) => this.#answerAt(address, chains?.[index] ?? []));
  }

  #answerAt(address: number, chain: readonly CodeFrame[]): AddressAnswer {
    // Nothing else than code has names, and a look-up behind the last function would find that one.
    if (codeEndAt(this.#code, address) < 0) return { frames: [], tableName: '', source: undefined };
    const table = this.#tableNameAt(address);
    const tableName = table?.name ?? '';
    const outermost = chain.at(-1);
    if (outermost !== undefined && (outermost.name !== '' || outermost.linkageName !== '')) {
      return { frames: chain, tableName, source: 'dwarf' };
    }
    const goFrames = outermost === undefined ? this.#goFramesAt(address) : [];
    if (goFrames.length > 0) return { frames: goFrames, tableName: '', source: 'gopclntab' };
    return { frames: chain, tableName, source: table?.source };
  }

  #tableNameAt(address: number): { name: string; source: NameSource } | undefined {
    for (const { source, nameAt } of this.#tables) {
      const name = orNothing(() => nameAt(address));
      if (name !== undefined) return { name, source };
    }
    return undefined;
  }

  #goFramesAt(address: number): CodeFrame[] {
    const frames = orNothing(() => this.#go?.framesAt(address)) ?? [];
    return frames.map(({ name, filePath, line, startLine }) => {
      return { linkageName: '', name, filePath, line, column: 0, declarationLine: startLine };
    });
  }

  #openTables(): NamedTable[] {
    const { elf, debug } = this.#parts;
    // Mini debug information takes long to unpack, and has nothing that a symbol table or a debug file lacks.
    const isWhole = debug !== undefined || elf.sections.some(({ type }) => type === sectionTypes.symbols);
    const miniDebug = isWhole ? undefined : orNothing(() => readMiniDebug(elf));
    this.#tableBytes += miniDebug?.source.sizeBytes ?? 0;
    const plt = new PltNames(elf);
    const open = (file: ElfFile | undefined, kind: 'symbols' | 'dynamicSymbols', source: NameSource): NamedTable[] => {
      const table: SymbolTable | undefined = file && orNothing(() => readSymbolTable(file, this.#code, kind));
      if (table === undefined) return [];
      this.#tableBytes += table.sizeBytes;
      return [{ source, nameAt: (address) => table.nameAt(address) }];
    };
    return [
      ...open(debug, 'symbols', 'debug_file'),
      ...open(elf, 'symbols', 'symtab'),
      { source: 'plt', nameAt: (address) => plt.nameAt(address) },
      ...open(elf, 'dynamicSymbols', 'dynsym'),
      ...open(miniDebug, 'symbols', 'gnu_debugdata'),
    ];
  }

  async #dwarfChains(addresses: Float64Array, hasInlines: boolean): Promise<CodeFrame[][] | undefined> {
    const sections = await this.#openSections();
    if (sections === undefined) return undefined;
    const alternate = sections.alternate && new DwarfData(sections.alternate);
    const data = new DwarfData(sections.own, alternate);
    try {
      this.#indexes ??= {
        units: readUnitIndex(data, this.#code),
        alternate: alternate && readUnitIndex(alternate, this.#code),
        known: new KnownUnits(),
      };
      return await dwarfFrames(data, this.#indexes, addresses, { code: this.#code, hasInlines, splits: this.#splits });
    } catch (error) {
      if (!(error instanceof UnreadableBytes)) throw error;
      return undefined;
    } finally {
      data.close();
    }
  }

  /** Opens, and decompresses, the debug sections of the debug file or else of the file itself. */
  #openSections(): Promise<ObjectSections | undefined> {
    this.#sections ??= this.#findSections().catch((error: unknown) => {
      if (error instanceof UnreadableBytes) return undefined;
      throw error;
    });
    return this.#sections;
  }

  async #findSections(): Promise<ObjectSections | undefined> {
    const { elf, debug, alternate } = this.#parts;
    for (const file of debug === undefined ? [elf] : [debug, elf]) {
      const own = await openDwarfSections(file, this.#inflate);
      if (own === undefined) continue;
      return { own, alternate: alternate && (await openDwarfSections(alternate, this.#inflate)) };
    }
    return undefined;
  }
}

interface ObjectSections {
  readonly own: DwarfSections;
  readonly alternate: DwarfSections | undefined;
}

/** The result, or nothing where bytes are damaged. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableBytes) return undefined;
    throw error;
  }
}

/** Fedora's largest has some megabytes; all of it is held in memory. */
const maxCompressedBytes = 8 * 1024 * 1024;
const maxBytes = 32 * 1024 * 1024;

/**
 * The ELF file in `.gnu_debugdata`, with the symbols that distributions leave in a stripped one; `undefined` when there is none.
 * @throws UnreadableBytes
 */
function readMiniDebug(elf: ElfFile): ElfFile | undefined {
  const section = findSection(elf, '.gnu_debugdata');
  const source = section && sectionSource(elf, section);
  if (source === undefined || source.sizeBytes > maxCompressedBytes) return undefined;
  return readElfFile(new MemorySource(decompressXz(readBytes(source, 0, source.sizeBytes), maxBytes)));
}
