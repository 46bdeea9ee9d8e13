// hot

import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { FunctionColumns } from '../../otlp/function-columns.ts';
import { functionColumnsOf } from '../../otlp/function-columns.ts';
import type { LocationColumns } from '../../otlp/location-columns.ts';
import {
  columnHighAt,
  columnLowAt,
  lineHighAt,
  lineLowAt,
  lineWords,
  locationColumnsOf,
} from '../../otlp/location-columns.ts';
import type { ProfilesData, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import { stackColumnsOf } from '../../otlp/stack-columns.ts';
import { attributeNames } from '../attribute-names.ts';
import type { InternedDictionary } from '../dictionary/dictionary.ts';
import type { LocationView, NamingSession } from './location-naming.ts';
import { LocationNaming } from './location-naming.ts';
import type { MappingFile } from './mapping-file.ts';
import { mappingFileOf } from './mapping-file.ts';
import { SymbolLines } from './symbol-lines.ts';
import type { UnnamedTally } from './unnamed-frames.ts';

/** Names for the locations of a decoded dictionary. All indices must be sound. */
export class DictionaryNaming {
  readonly #locations: LocationView;
  readonly #naming: LocationNaming;

  constructor(dictionary: ProfilesDictionary, session: NamingSession) {
    this.#locations = new DictionaryLocations(dictionary);
    this.#naming = new LocationNaming(this.#locations, session);
  }

  /** Tells the store the names of the locations that samples lead to; returns how many had one. */
  learnAll(data: ProfilesData): number {
    const isUsed = usedLocations(data);
    let learned = 0;
    for (let index = 1; index < isUsed.length; index++) if (isUsed[index] === 1 && this.#naming.learn(index)) learned++;
    return learned;
  }

  /** The store's name for a location; marks the name as used. */
  find(location: number): FrameSymbol | undefined {
    return this.#naming.find(location);
  }

  /** Counts a location for which `find` found no name. */
  countUnnamed(location: number, tally: UnnamedTally): void {
    tally.add(this.#naming.reasonUnnamed(location), this.#locations.frameTypeOf(location));
  }

  /** Appends the lines of a location's name, if the store has one, to the location that is open in `target`; returns how many. */
  linesIn(target: InternedDictionary): (location: number) => number {
    const lines = new SymbolLines(target);
    return (location) => {
      const symbol = this.#naming.find(location);
      return symbol === undefined ? 0 : lines.add(symbol);
    };
  }
}

class DictionaryLocations implements LocationView {
  readonly #dictionary: ProfilesDictionary;
  readonly #locations: LocationColumns;
  readonly #functions: FunctionColumns;
  readonly locationCount: number;

  constructor(dictionary: ProfilesDictionary) {
    this.#dictionary = dictionary;
    this.#locations = locationColumnsOf(dictionary.locationTable);
    this.#functions = functionColumnsOf(dictionary.functionTable);
    this.locationCount = dictionary.locationTable.length;
  }

  mappingOf(location: number): number {
    return this.#locations.mapping(location);
  }

  addressHigh(location: number): number {
    return this.#locations.high(location) >>> 0;
  }

  addressLow(location: number): number {
    return this.#locations.low(location) >>> 0;
  }

  lineCount(location: number): number {
    return this.#locations.linesEnd(location) - this.#locations.linesStart(location);
  }

  lineSymbol(location: number, lineIndex: number): FrameSymbol | undefined {
    const functions = this.#functions;
    const { lines } = this.#locations;
    const at = lineWords * (this.#locations.linesStart(location) + lineIndex);
    const called = lines[at]!;
    if (called >= functions.length) return undefined;
    if (lines[at + lineHighAt] !== 0 || lines[at + columnHighAt] !== 0) return undefined;
    if (functions.startHigh(called) !== 0) return undefined;
    const { stringTable } = this.#dictionary;
    return {
      functionName: stringTable.at(functions.name(called)) ?? '',
      systemName: stringTable.at(functions.systemName(called)) ?? '',
      filePath: stringTable.at(functions.filename(called)) ?? '',
      line: lines[at + lineLowAt]! >>> 0,
      column: lines[at + columnLowAt]! >>> 0,
      startLine: functions.startLow(called) >>> 0,
      inlined: noElements,
    };
  }

  frameTypeOf(location: number): string {
    const { attributes } = this.#locations;
    return this.#textOf(
      attributes.indices,
      attributeNames.frameType,
      attributes.start(location),
      attributes.end(location),
    );
  }

  fileOf(mapping: number): MappingFile | undefined {
    const { mappingTable, stringTable } = this.#dictionary;
    const { filenameStrindex, memoryLimit, attributeIndices } = mappingTable[mapping]!;
    const textOf = (key: string): string => this.#textOf(attributeIndices, key);
    return mappingFileOf(stringTable.at(filenameStrindex) ?? '', memoryLimit !== 0n, textOf);
  }

  #textOf(attributes: ArrayLike<number>, key: string, start = 0, end: number = attributes.length): string {
    const { attributeTable, stringTable } = this.#dictionary;
    for (let i = start; i < end; i++) {
      const { keyStrindex, value } = attributeTable[attributes[i]!]!;
      if (typeof value === 'string' && stringTable.at(keyStrindex) === key) return value;
    }
    return '';
  }
}

/** 1 for each location that a sample's stack leads to. */
function usedLocations({ resourceProfiles, dictionary }: ProfilesData): Uint8Array {
  const isUsed = new Uint8Array(dictionary.locationTable.length);
  const { lists } = stackColumnsOf(dictionary.stackTable);
  const seenStacks = new Uint8Array(lists.count);
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) {
        const { columns, first, length } = columnsOf(samples);
        for (let i = first; i < first + length; i++) {
          const stackIndex = columns.stack(i);
          if (stackIndex === 0 || seenStacks[stackIndex] === 1) continue;
          seenStacks[stackIndex] = 1;
          const end = lists.end(stackIndex);
          for (let at = lists.start(stackIndex); at < end; at++) isUsed[lists.indices[at]!] = 1;
        }
      }
    }
  }
  return isUsed;
}
