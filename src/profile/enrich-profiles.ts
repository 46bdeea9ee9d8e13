// hot
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { Line, Location, Profile, ProfilesData, ProfilesDictionary, ValueType } from '../otlp/profiles-data.ts';
import { attributeNames } from './attribute-names.ts';
import { coalesceResources } from './coalesce-resources.ts';
import { DictionaryCopy } from './dictionary-copy.ts';
import type { MappingFile } from './mapping-file.ts';
import { fileOfMapping, textAttribute } from './mapping-file.ts';
import type { NameBook, NameTable } from './name-book.ts';
import { isNamed, linesOf } from './symbol-lines.ts';

export interface EnrichedProfiles {
  readonly data: ProfilesData;
  /** Locations whose names the book was told. */
  readonly learnedLocations: number;
  /** Locations that came without a name and have one now. */
  readonly namedLocations: number;
  /** Locations that have none still. */
  readonly unnamedLocations: number;
}

/**
 * Profiles of somebody else with the names that `names` has for them, after `names` was told theirs. Nothing else of a profile
 * changes: the dictionary is written anew without what nobody uses and without duplicates, and equal resources become
 * one. All indices of `data` must be sound.
 */
export function enrichProfiles(data: ProfilesData, names: NameBook): EnrichedProfiles {
  const naming = new Naming(data.dictionary, names);
  const isUsed = usedLocations(data);
  for (let index = 1; index < isUsed.length; index++) if (isUsed[index] === 1) naming.learn(index);
  const copy: DictionaryCopy = new DictionaryCopy(data.dictionary, (location) => naming.linesOf(location, copy));
  const resourceProfiles = coalesceResources(data.resourceProfiles).map((entry) => ({
    ...entry,
    scopeProfiles: entry.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => copyProfile(profile, copy)),
    })),
  }));
  const { learnedLocations, namedLocations, unnamedLocations } = naming;
  return { data: { resourceProfiles, dictionary: copy.build() }, learnedLocations, namedLocations, unnamedLocations };
}

function copyProfile(profile: Profile, copy: DictionaryCopy): Profile {
  return {
    ...profile,
    sampleType: copyValueType(profile.sampleType, copy),
    periodType: copyValueType(profile.periodType, copy),
    attributeIndices: copy.attributes(profile.attributeIndices),
    samples: profile.samples.map((sample) => ({
      stackIndex: copy.stack(sample.stackIndex),
      attributeIndices: copy.attributes(sample.attributeIndices),
      linkIndex: copy.link(sample.linkIndex),
      values: sample.values,
      timestampsUnixNano: sample.timestampsUnixNano,
    })),
  };
}

function copyValueType({ typeStrindex, unitStrindex }: ValueType, copy: DictionaryCopy): ValueType {
  return { typeStrindex: copy.string(typeStrindex), unitStrindex: copy.string(unitStrindex) };
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

/**
 * Addresses of a file lie far below this. Above are those of a process's memory, which pprof has in place of a file's, and
 * of a running kernel: both begin elsewhere in the next process, or on the next host.
 */
const firstMemoryAddress = 2n ** 44n;

/** Interpreted frames count lines or bytecode: only their own file ID makes that an address, never a loaded file's. */
const typesWithAddresses: ReadonlySet<string> = new Set(['', 'native', 'kernel', 'go', 'rust']);

/** What the names of a message's locations are kept under, and what becomes of them. */
class Naming {
  readonly #dictionary: ProfilesDictionary;
  readonly #names: NameBook;
  readonly #files = new Map<number, MappingFile | undefined>();
  readonly #tables = new Map<number, NameTable | undefined>();
  readonly #learnedFiles = new Set<number>();
  learnedLocations = 0;
  namedLocations = 0;
  unnamedLocations = 0;

  constructor(dictionary: ProfilesDictionary, names: NameBook) {
    this.#dictionary = dictionary;
    this.#names = names;
  }

  /** Tells the book what a location is called, if it is called anything and stands for the same in other profiles. */
  learn(index: number): void {
    const location = this.#dictionary.locationTable[index]!;
    const file = this.#fileOf(location);
    if (file === undefined) return;
    if (!this.#learnedFiles.has(location.mappingIndex)) {
      this.#learnedFiles.add(location.mappingIndex);
      this.#names.learnExecutable(file.fileId, file.executable);
    }
    const symbol = this.#symbolOf(location);
    if (symbol === undefined) return;
    this.learnedLocations++;
    this.#names.learnSymbol(file.fileId, highWord(location.address), lowWord(location.address), symbol);
  }

  /** Lines for a location that has none; `undefined` when nobody knows any. */
  linesOf(index: number, copy: DictionaryCopy): readonly Line[] | undefined {
    const location = this.#dictionary.locationTable[index]!;
    const symbol = this.#tableOf(location)?.find(highWord(location.address), lowWord(location.address));
    const lines =
      symbol === undefined
        ? []
        : linesOf(symbol, (name, systemName, filePath, startLine) =>
            copy.functionNamed({
              nameStrindex: copy.text(name),
              systemNameStrindex: copy.text(systemName),
              filenameStrindex: copy.text(filePath),
              startLine: BigInt(startLine),
            }),
          );
    if (lines.length > 0) this.namedLocations++;
    else this.unnamedLocations++;
    return lines.length > 0 ? lines : undefined;
  }

  #tableOf(location: Location): NameTable | undefined {
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
