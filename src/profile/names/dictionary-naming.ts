// hot

import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Line, ProfilesData, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import { highHalf, lowHalf } from '../../support/halves.ts';
import { attributeNames } from '../attribute-names.ts';
import type { InternedDictionary } from '../dictionary/dictionary.ts';
import type { LocationView, NamingSession } from './location-naming.ts';
import { LocationNaming } from './location-naming.ts';
import type { MappingFile } from './mapping-file.ts';
import { mappingFileOf } from './mapping-file.ts';
import { linesOf } from './symbol-lines.ts';
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

  /** The same as lines on functions of `target`; none without a name. */
  linesIn(target: InternedDictionary, location: number): readonly Line[] {
    const symbol = this.#naming.find(location);
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
}

class DictionaryLocations implements LocationView {
  readonly #dictionary: ProfilesDictionary;
  readonly locationCount: number;

  constructor(dictionary: ProfilesDictionary) {
    this.#dictionary = dictionary;
    this.locationCount = dictionary.locationTable.length;
  }

  mappingOf(location: number): number {
    return this.#dictionary.locationTable[location]!.mappingIndex;
  }

  addressHigh(location: number): number {
    return highHalf(this.#dictionary.locationTable[location]!.address);
  }

  addressLow(location: number): number {
    return lowHalf(this.#dictionary.locationTable[location]!.address);
  }

  lineCount(location: number): number {
    return this.#dictionary.locationTable[location]!.lines.length;
  }

  lineSymbol(location: number, lineIndex: number): FrameSymbol | undefined {
    const { locationTable, functionTable, stringTable } = this.#dictionary;
    const { functionIndex, line, column } = locationTable[location]!.lines[lineIndex]!;
    const called = functionTable[functionIndex];
    if (called === undefined) return undefined;
    if (!isLineNumber(line) || !isLineNumber(column) || !isLineNumber(called.startLine)) return undefined;
    return {
      functionName: stringTable[called.nameStrindex] ?? '',
      systemName: stringTable[called.systemNameStrindex] ?? '',
      filePath: stringTable[called.filenameStrindex] ?? '',
      line: Number(line),
      column: Number(column),
      startLine: Number(called.startLine),
      inlined: noElements,
    };
  }

  frameTypeOf(location: number): string {
    return this.#textOf(this.#dictionary.locationTable[location]!.attributeIndices, attributeNames.frameType);
  }

  fileOf(mapping: number): MappingFile | undefined {
    const { mappingTable, stringTable } = this.#dictionary;
    const { filenameStrindex, memoryLimit, attributeIndices } = mappingTable[mapping]!;
    const textOf = (key: string): string => this.#textOf(attributeIndices, key);
    return mappingFileOf(stringTable[filenameStrindex] ?? '', memoryLimit !== 0n, textOf);
  }

  #textOf(attributeIndices: readonly number[], key: string): string {
    const { attributeTable, stringTable } = this.#dictionary;
    for (let i = 0; i < attributeIndices.length; i++) {
      const { keyStrindex, value } = attributeTable[attributeIndices[i]!]!;
      if (typeof value === 'string' && stringTable[keyStrindex] === key) return value;
    }
    return '';
  }
}

function isLineNumber(value: bigint): boolean {
  return value >= 0n && value < 2n ** 32n;
}

/** 1 for each location that a sample's stack leads to. */
function usedLocations({ resourceProfiles, dictionary }: ProfilesData): Uint8Array {
  const isUsed = new Uint8Array(dictionary.locationTable.length);
  const seenStacks = new Uint8Array(dictionary.stackTable.length);
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) {
        const { columns, first, length } = columnsOf(samples);
        for (let i = first; i < first + length; i++) {
          const stackIndex = columns.stack(i);
          if (stackIndex === 0 || seenStacks[stackIndex] === 1) continue;
          seenStacks[stackIndex] = 1;
          for (const location of dictionary.stackTable[stackIndex]!.locationIndices) isUsed[location] = 1;
        }
      }
    }
  }
  return isUsed;
}
