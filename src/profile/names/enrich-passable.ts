// hot
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { SymbolLookup } from '../../model/symbol-lookup.ts';
import type { NewLine } from '../../otlp/passable/dictionary-patch.ts';
import { DictionaryPatch } from '../../otlp/passable/dictionary-patch.ts';
import type { PassableProfiles } from '../../otlp/passable/passable-scanner.ts';
import { tables } from '../../otlp/passable/table-scan.ts';
import { TextColumns } from '../../otlp/passable/text-columns.ts';
import { attributeNames } from '../attribute-names.ts';
import { firstMemoryAddressHigh, typesWithAddresses } from './address-space.ts';
import type { LocationCounts } from './enrich-profiles.ts';
import type { MappingFile } from './mapping-file.ts';
import { mappingFileOf } from './mapping-file.ts';
import type { NameBook } from './name-book.ts';
import { isNamed } from './symbol-lines.ts';

export interface EnrichedBytes extends LocationCounts {
  /** Those that came in, unless locations got names. */
  readonly bytes: Uint8Array;
}

/**
 * What `enrichProfiles` does, for a message of which nothing else has to be changed: the bytes of samples stay as they are.
 * `undefined` when a name makes two locations equal; the book knows by then what the message had to tell.
 */
export function enrichPassable(profiles: PassableProfiles, names: NameBook): EnrichedBytes | undefined {
  const naming = new ColumnNaming(profiles, names);
  // All names are learned before the first one is asked for.
  naming.learnAll();
  if (!naming.nameAll()) return undefined;
  const { learnedLocations, namedLocations, unnamedLocations } = naming;
  return { bytes: naming.finish(), learnedLocations, namedLocations, unnamedLocations };
}

/** A file whose locations have names, by the mapping that has it. */
interface NamedFile extends MappingFile {
  isLearned: boolean;
  /** Not looked for as long as it is `undefined`; `null` when nothing is known. */
  table: SymbolLookup | null | undefined;
}

class ColumnNaming {
  readonly #columns: PassableProfiles['columns'];
  readonly #names: NameBook;
  readonly #texts: TextColumns;
  readonly #patch: DictionaryPatch;
  /** By mapping; `null` for one that says nothing of its file. */
  readonly #files: (NamedFile | null)[] = [];
  readonly #keys = new Map<string, number>();
  readonly #frameTypeKey: number;
  /** By attribute: whether locations of that frame type have addresses of their files. */
  readonly #isAddressType: (boolean | undefined)[] = [];
  /** Locations without lines, and their files. */
  readonly #nameless: number[] = [];
  readonly #filesOfNameless: NamedFile[] = [];
  learnedLocations = 0;
  namedLocations = 0;
  unnamedLocations = 0;

  constructor(profiles: PassableProfiles, names: NameBook) {
    this.#columns = profiles.columns;
    this.#names = names;
    this.#texts = new TextColumns(profiles);
    this.#patch = new DictionaryPatch(profiles, this.#texts);
    this.#frameTypeKey = this.#texts.indexOf(attributeNames.frameType);
  }

  learnAll(): void {
    const { counts, locationLineStart } = this.#columns;
    const count = counts[tables.location]!;
    for (let index = 1; index < count; index++) {
      const file = this.#fileOf(index);
      if (locationLineStart[index] !== locationLineStart[index + 1]) {
        if (file !== undefined) this.#learn(index, file);
      } else if (file !== undefined) {
        this.#nameless.push(index);
        this.#filesOfNameless.push(file);
      } else this.unnamedLocations++;
    }
  }

  /** `false` when the name that a location gets makes it equal to another one. */
  nameAll(): boolean {
    const { locationHigh, locationLow } = this.#columns;
    for (let i = 0; i < this.#nameless.length; i++) {
      const index = this.#nameless[i]!;
      const symbol = this.#tableOf(this.#filesOfNameless[i]!)?.find(locationHigh[index]!, locationLow[index]!);
      const lines = symbol === undefined ? [] : this.#linesOf(symbol);
      if (lines.length === 0) this.unnamedLocations++;
      else if (!this.#patch.nameLocation(index, lines)) return false;
      else this.namedLocations++;
    }
    return true;
  }

  finish(): Uint8Array {
    return this.#patch.finish();
  }

  #learn(index: number, file: NamedFile): void {
    const symbol = this.#symbolOf(index);
    if (symbol === undefined) return;
    this.learnedLocations++;
    const { locationHigh, locationLow } = this.#columns;
    this.#names.learnSymbol(file.fileId, locationHigh[index]!, locationLow[index]!, symbol);
  }

  #tableOf(file: NamedFile): SymbolLookup | undefined {
    if (file.table === undefined) file.table = this.#names.openFile(file.fileId) ?? null;
    return file.table ?? undefined;
  }

  /** The file in which the location's address means the same for everybody. */
  #fileOf(index: number): NamedFile | undefined {
    const { locationMapping, locationLow, locationHigh } = this.#columns;
    const mapping = locationMapping[index]!;
    if (mapping === 0) return undefined;
    const high = locationHigh[index]!;
    if ((high === 0 && locationLow[index] === 0) || high >= firstMemoryAddressHigh) return undefined;
    const file = this.#fileOfMapping(mapping);
    if (file === undefined || (file.isLoaded && !this.#isAddressed(index))) return undefined;
    if (!file.isLearned) {
      file.isLearned = true;
      this.#names.learnExecutable(file.fileId, file.executable);
    }
    return file;
  }

  #fileOfMapping(mapping: number): NamedFile | undefined {
    const known = this.#files[mapping];
    if (known !== undefined) return known ?? undefined;
    const { mappingFile, mappingIsLoaded } = this.#columns;
    const fileName = this.#texts.at(mappingFile[mapping]!);
    const isLoaded = mappingIsLoaded[mapping] === 1;
    const file = mappingFileOf(fileName, isLoaded, (key) => this.#textOfMapping(mapping, key));
    const named = file && { ...file, isLearned: false, table: undefined };
    this.#files[mapping] = named ?? null;
    return named;
  }

  #textOfMapping(mapping: number, key: string): string {
    const { mappingAttributeStart, mappingAttributes, attributeKey } = this.#columns;
    const keyIndex = this.#keyOf(key);
    const end = mappingAttributeStart[mapping + 1]!;
    for (let i = mappingAttributeStart[mapping]!; i < end; i++) {
      const attribute = mappingAttributes[i]!;
      const text = attributeKey[attribute] === keyIndex ? this.#texts.ofAttribute(attribute) : undefined;
      if (text !== undefined) return text;
    }
    return '';
  }

  #keyOf(key: string): number {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const index = this.#texts.indexOf(key);
    this.#keys.set(key, index);
    return index;
  }

  /** By the first attribute that tells the frame's type; a frame of no type may have an address. */
  #isAddressed(location: number): boolean {
    const { locationAttributeStart, locationAttributes, attributeKey } = this.#columns;
    const end = locationAttributeStart[location + 1]!;
    for (let i = locationAttributeStart[location]!; i < end; i++) {
      const attribute = locationAttributes[i]!;
      if (attributeKey[attribute] !== this.#frameTypeKey) continue;
      const known = this.#isAddressType[attribute];
      if (known !== undefined) return known;
      const type = this.#texts.ofAttribute(attribute);
      if (type === undefined) continue;
      const isAddress = typesWithAddresses.has(type);
      this.#isAddressType[attribute] = isAddress;
      return isAddress;
    }
    return true;
  }

  /** What a location is called; `undefined` when it is not, or when a number is none that a source file has. */
  #symbolOf(location: number): FrameSymbol | undefined {
    const { locationLineStart } = this.#columns;
    const start = locationLineStart[location]!;
    const last = locationLineStart[location + 1]! - 1;
    if (last < start) return undefined;
    const inlined: FrameSymbol[] = [];
    for (let line = start; line < last; line++) {
      const symbol = this.#symbolOfLine(line, []);
      if (symbol === undefined) return undefined;
      inlined.push(symbol);
    }
    const symbol = this.#symbolOfLine(last, inlined);
    return symbol !== undefined && isNamed(symbol) ? symbol : undefined;
  }

  #symbolOfLine(line: number, inlined: readonly FrameSymbol[]): FrameSymbol | undefined {
    const columns = this.#columns;
    const called = columns.lineFunction[line]!;
    if (columns.lineHigh[line] !== 0 || columns.columnHigh[line] !== 0) return undefined;
    if (columns.functionLineHigh[called] !== 0) return undefined;
    return {
      functionName: this.#texts.at(columns.functionName[called]!),
      systemName: this.#texts.at(columns.functionSystemName[called]!),
      filePath: this.#texts.at(columns.functionFile[called]!),
      line: columns.lineLow[line]!,
      column: columns.columnLow[line]!,
      startLine: columns.functionLineLow[called]!,
      inlined,
    };
  }

  /** The same the other way round, as `linesOf` does for a dictionary of objects. */
  #linesOf(symbol: FrameSymbol): NewLine[] {
    return [...symbol.inlined, symbol].filter(isNamed).map(({ line, column, ...called }) => {
      const name = this.#patch.text(called.functionName);
      const systemName = this.#patch.text(called.systemName);
      const file = this.#patch.text(called.filePath);
      return { functionIndex: this.#patch.functionNamed(name, systemName, file, called.startLine), line, column };
    });
  }
}
