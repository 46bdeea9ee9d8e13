import type { AnyValue, Mapping, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';
import type { PprofFunction, PprofLocation, PprofMapping } from './pprof-profile.ts';
import { htlHashPrefix } from './pprof-profile.ts';

/** Counts the parts of OTLP that pprof has no place for. */
export class Losses {
  readonly counts: Map<string, number> = new Map();

  add(part: string, count = 1): void {
    this.counts.set(part, (this.counts.get(part) ?? 0) + count);
  }
}

export interface PprofTables {
  readonly mappings: readonly PprofMapping[];
  readonly locations: readonly PprofLocation[];
  readonly functions: readonly PprofFunction[];
}

/**
 * Mappings, locations and functions of a dictionary with the indices that they have in it, which must be sound. `hasUnknown` adds a
 * location that tells nothing at the end: pprof has no location 0.
 */
export function pprofTables(dictionary: ProfilesDictionary, hasUnknown: boolean, losses: Losses): PprofTables {
  const tables = new DictionaryTables(dictionary, losses);
  const locations = tables.locations();
  const mappings = tables.mappings(locations);
  if (hasUnknown) locations.push({ mapping: 0, address: 0n, lines: [], isFolded: false });
  return { mappings, locations, functions: tables.functions() };
}

class DictionaryTables {
  readonly #dictionary: ProfilesDictionary;
  readonly #losses: Losses;

  constructor(dictionary: ProfilesDictionary, losses: Losses) {
    this.#dictionary = dictionary;
    this.#losses = losses;
  }

  locations(): PprofLocation[] {
    return Array.from(this.#dictionary.locationTable, ({ mappingIndex, address, lines, attributeIndices }) => {
      if (this.#attribute(attributeIndices, attributeNames.frameType) !== undefined) {
        this.#losses.add('frame types of locations');
      }
      return {
        mapping: mappingIndex,
        address,
        // A line without a function is an error to pprof.
        lines: lines
          .filter(({ functionIndex }) => functionIndex > 0)
          .map(({ functionIndex, line, column }) => ({ function: functionIndex, line, column })),
        isFolded: this.#attribute(attributeIndices, 'pprof.location.is_folded') === true,
      };
    });
  }

  functions(): PprofFunction[] {
    return Array.from(
      this.#dictionary.functionTable,
      ({ nameStrindex, systemNameStrindex, filenameStrindex, startLine }) => {
        const [systemName, file] = [this.#text(systemNameStrindex), this.#text(filenameStrindex)];
        return { name: this.#text(nameStrindex) || systemName || file, systemName, file, startLine };
      },
    );
  }

  mappings(locations: readonly PprofLocation[]): PprofMapping[] {
    const byMapping = Map.groupBy(locations.slice(1), ({ mapping }) => mapping);
    return this.#dictionary.mappingTable.map((entry, index) => {
      const { memoryStart: start, memoryLimit: limit, fileOffset: offset } = entry;
      const names = this.#namesOf(byMapping.get(index) ?? [], entry);
      return {
        start,
        limit,
        offset,
        file: this.#text(entry.filenameStrindex),
        buildId: this.#buildId(entry),
        ...names,
      };
    });
  }

  /** The flags of a mapping: as its attributes say, or else as all of its locations show. */
  #namesOf(
    own: readonly PprofLocation[],
    { attributeIndices }: Mapping,
  ): Pick<PprofMapping, 'hasFunctions' | 'hasFilenames' | 'hasLineNumbers' | 'hasInlineFrames'> {
    const { functionTable } = this.#dictionary;
    const lines = own.flatMap((location) => location.lines);
    const isNamed = own.length > 0 && own.every((location) => location.lines.length > 0);
    const has = (name: string, isShown: boolean): boolean => {
      const told = this.#attribute(attributeIndices, `pprof.mapping.has_${name}`);
      return typeof told === 'boolean' ? told : isNamed && isShown;
    };
    return {
      hasFunctions: has('functions', true),
      hasFilenames: has(
        'filenames',
        lines.every((line) => functionTable.at(line.function)!.filenameStrindex > 0),
      ),
      hasLineNumbers: has(
        'line_numbers',
        lines.every(({ line }) => line > 0n),
      ),
      hasInlineFrames: has(
        'inline_frames',
        own.some((location) => location.lines.length > 1),
      ),
    };
  }

  #buildId({ attributeIndices }: Mapping): string {
    const ids = [attributeNames.gnuBuildId, attributeNames.goBuildId, attributeNames.htlHash].flatMap((name) => {
      const value = this.#attribute(attributeIndices, name);
      if (typeof value !== 'string' || value === '') return [];
      return name === attributeNames.htlHash ? `${htlHashPrefix}${value}` : value;
    });
    if (ids.length > 1) this.#losses.add('further build IDs of mappings', ids.length - 1);
    return ids[0] ?? '';
  }

  #attribute(indices: readonly number[], name: string): AnyValue {
    const { attributeTable } = this.#dictionary;
    const index = indices.find((each) => this.#text(attributeTable[each]!.keyStrindex) === name);
    return index === undefined ? undefined : attributeTable[index]!.value;
  }

  #text(index: number): string {
    return this.#dictionary.stringTable.at(index)!;
  }
}
