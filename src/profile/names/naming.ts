// hot
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { SymbolLookup } from '../../model/symbol-lookup.ts';
import { noElements } from '../../otlp/no-elements.ts';
import type { Line, Location, ProfilesData, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';
import type { InternedDictionary } from '../dictionary/dictionary.ts';
import { firstMemoryAddress, typesWithAddresses } from './address-space.ts';
import type { MappingFile } from './mapping-file.ts';
import { fileOfMapping, textAttribute } from './mapping-file.ts';
import type { NameBook } from './name-book.ts';
import { isNamed, linesOf } from './symbol-lines.ts';

/** Joins the locations of a dictionary with the names of a book. All indices must be sound. */
export class Naming {
  readonly #dictionary: ProfilesDictionary;
  readonly #names: NameBook;
  readonly #files = new Map<number, MappingFile | undefined>();
  readonly #tables = new Map<number, SymbolLookup | undefined>();
  readonly #learnedFiles = new Set<number>();

  constructor(dictionary: ProfilesDictionary, names: NameBook) {
    this.#dictionary = dictionary;
    this.#names = names;
  }

  /** Tells the book what the locations that samples lead to are called; says of how many it did. */
  learnAll(data: ProfilesData): number {
    const isUsed = usedLocations(data);
    let learned = 0;
    for (let index = 1; index < isUsed.length; index++) if (isUsed[index] === 1 && this.#learn(index)) learned++;
    return learned;
  }

  /** What the book calls a location; marks the name as used. `undefined` when it knows none. */
  find(index: number): FrameSymbol | undefined {
    const location = this.#dictionary.locationTable[index]!;
    return this.#tableOf(location)?.find(highWord(location.address), lowWord(location.address));
  }

  /** The same as lines, on functions of `target`; none when the book knows no name. */
  linesIn(target: InternedDictionary, index: number): readonly Line[] {
    const symbol = this.find(index);
    if (symbol === undefined) return noElements;
    return linesOf(symbol, (name, systemName, filePath, startLine) =>
      target.add('functionTable', {
        nameStrindex: target.string(name),
        systemNameStrindex: target.string(systemName),
        filenameStrindex: target.string(filePath),
        startLine: BigInt(startLine),
      }),
    );
  }

  /** Tells the book what a location is called, if it is called anything and stands for the same in other profiles. */
  #learn(index: number): boolean {
    const location = this.#dictionary.locationTable[index]!;
    const file = this.#fileOf(location);
    if (file === undefined) return false;
    if (!this.#learnedFiles.has(location.mappingIndex)) {
      this.#learnedFiles.add(location.mappingIndex);
      this.#names.learnExecutable(file.fileId, file.executable);
    }
    const symbol = this.#symbolOf(location);
    if (symbol === undefined) return false;
    this.#names.learnSymbol(file.fileId, highWord(location.address), lowWord(location.address), symbol);
    return true;
  }

  #tableOf(location: Location): SymbolLookup | undefined {
    const file = this.#fileOf(location);
    if (file === undefined) return undefined;
    const { mappingIndex } = location;
    if (!this.#tables.has(mappingIndex)) this.#tables.set(mappingIndex, this.#names.openFile(file.fileId));
    return this.#tables.get(mappingIndex);
  }

  /** The file in which the location's address means the same for everybody. */
  #fileOf({ mappingIndex, address, attributeIndices }: Location): MappingFile | undefined {
    if (mappingIndex === 0 || address === 0n || address >= firstMemoryAddress) return undefined;
    if (!this.#files.has(mappingIndex)) this.#files.set(mappingIndex, fileOfMapping(this.#dictionary, mappingIndex));
    const file = this.#files.get(mappingIndex);
    if (file?.isLoaded !== true) return file;
    const type = textAttribute(this.#dictionary, attributeIndices, attributeNames.frameType);
    return typesWithAddresses.has(type) ? file : undefined;
  }

  #symbolOf({ lines }: Location): FrameSymbol | undefined {
    const called: FrameSymbol[] = [];
    for (let i = 0; i < lines.length; i++) {
      const symbol = this.#symbolOfLine(lines[i]!);
      if (symbol === undefined) return undefined;
      called.push(symbol);
    }
    const caller = called.pop();
    if (caller === undefined || !isNamed(caller)) return undefined;
    return called.length === 0 ? caller : { ...caller, inlined: called };
  }

  /** `undefined` when a number is none that a source file has. */
  #symbolOfLine({ functionIndex, line, column }: Line): FrameSymbol | undefined {
    const { functionTable, stringTable } = this.#dictionary;
    const entry = functionTable[functionIndex];
    if (entry === undefined) return undefined;
    if (!isLineNumber(line) || !isLineNumber(column) || !isLineNumber(entry.startLine)) return undefined;
    return {
      functionName: stringTable[entry.nameStrindex] ?? '',
      systemName: stringTable[entry.systemNameStrindex] ?? '',
      filePath: stringTable[entry.filenameStrindex] ?? '',
      line: Number(line),
      column: Number(column),
      startLine: Number(entry.startLine),
      inlined: [],
    };
  }
}

function isLineNumber(value: bigint): boolean {
  return value >= 0n && value < 2n ** 32n;
}

function highWord(address: bigint): number {
  return Number(address >> 32n);
}

function lowWord(address: bigint): number {
  return Number(address & 0xffff_ffffn);
}

/** 1 for each location that a sample's stack leads to. */
function usedLocations({ resourceProfiles, dictionary }: ProfilesData): Uint8Array {
  const isUsed = new Uint8Array(dictionary.locationTable.length);
  const seenStacks = new Uint8Array(dictionary.stackTable.length);
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) {
        for (const { stackIndex } of samples) {
          if (stackIndex === 0 || seenStacks[stackIndex] === 1) continue;
          seenStacks[stackIndex] = 1;
          for (const location of dictionary.stackTable[stackIndex]!.locationIndices) isUsed[location] = 1;
        }
      }
    }
  }
  return isUsed;
}
