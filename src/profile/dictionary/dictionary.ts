// hot

import type { ColumnTables, LargeTables, SmallTable } from '../../otlp/column-tables.ts';
import { FunctionColumns } from '../../otlp/function-columns.ts';
import { LocationColumns } from '../../otlp/location-columns.ts';
import type { AnyValue, EntryOf, KeyValueAndUnit, Link, Location, Mapping } from '../../otlp/profiles-data.ts';
import { emptyDictionary } from '../../otlp/profiles-data.ts';
import { encodeValue } from '../../otlp/protobuf/encode-attributes.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import { StackColumns } from '../../otlp/stack-columns.ts';
import { StringColumns } from '../../otlp/string-columns.ts';
import { highHalf, lowHalf } from '../../support/halves.ts';
import { HashSlots } from '../../support/hash-slots.ts';
import type { DictionaryTarget } from './dictionary-copy.ts';
import { FunctionIndex } from './function-index.ts';
import { ListIndex } from './list-index.ts';
import { LocationIndex } from './location-index.ts';

/** Gives the function that appends lines to the location that is open in `target`, for a location of a source that has none. */
export type LinesIn = (target: InternedDictionary) => (location: number) => void;

/** Numbers of locations, of their lines, of stacks, and of the locations of these. */
export interface StackCounts {
  readonly locations: number;
  readonly lines: number;
  readonly stacks: number;
  readonly stackLocations: number;
}

/**
 * The seven tables while they are filled, none with a value twice. Each method adds an entry or finds an equal one, and returns
 * its index; entry 0 is the zero value. Attributes of an entry are a set: their order makes no difference. Entries are
 * compared whole, those of the large tables by words, not by text. Indices are at least 0. Callers intern only what
 * they use, so that nothing is an orphan. Stacks and locations are written into the columns of their tables, and closed.
 */
export class InternedDictionary implements DictionaryTarget {
  readonly tables: ColumnTables = {
    ...emptyDictionary(),
    locationTable: new LocationColumns(),
    functionTable: new FunctionColumns(),
    stackTable: new StackColumns(),
    stringTable: new StringColumns(),
  };
  // The keys are as the methods below write them: an entry that says nothing is entry 0.
  readonly #indexByAttribute = new Map<string, number>([['0 0 u', 0]]);
  readonly #indexByMapping = new Map<string, number>([['0 0 0 0 0', 0]]);
  readonly #indexByLink = new Map<string, number>([['0 ', 0]]);
  readonly #textSlots = new HashSlots();
  readonly #functions = new FunctionIndex(this.tables.functionTable);
  readonly #locations = new LocationIndex(this.tables.locationTable);
  readonly #stacks = new ListIndex(this.tables.stackTable.lists);
  readonly #attributeSets = new ListIndex();
  #entryBytes = 0;

  constructor() {
    this.string('');
    this.addFunction(0, 0, 0, 0, 0);
    this.closeLocation(0, 0, 0);
  }

  /** Bytes of memory held, at most, if no text is shared with other owners. */
  get sizeBytes(): number {
    const textBytes = this.tables.stringTable.sizeBytes + this.#textSlots.sizeBytes;
    const frameBytes = this.#functions.sizeBytes + this.#locations.sizeBytes + this.#stacks.sizeBytes;
    return this.#entryBytes + textBytes + frameBytes;
  }

  /** Makes room for all entries of the large tables of a dictionary. */
  reserve({ locationTable, functionTable, stackTable, stringTable }: LargeTables): void {
    const { length, lineCount } = locationTable;
    const { lists } = stackTable;
    this.reserveStacks({ locations: length, lines: lineCount, stacks: lists.count, stackLocations: lists.openEnd });
    this.#functions.reserve(functionTable.length);
    this.#textSlots.reserve(stringTable.length);
    this.tables.stringTable.reserve(stringTable.length, stringTable.textBytes);
  }

  /** Makes room for as many stacks and locations in all. */
  reserveStacks({ locations, lines, stacks, stackLocations }: StackCounts): void {
    this.#locations.reserve(locations, lines);
    this.#stacks.reserve(stacks, stackLocations);
  }

  addSmall<T extends SmallTable>(table: T, entry: EntryOf<T>): number {
    switch (table) {
      case 'attributeTable':
        return this.#attributeEntry(entry as KeyValueAndUnit);
      case 'mappingTable':
        return this.mapping(entry as Mapping);
      default:
        return this.link(entry as Link);
    }
  }

  closeStack(): number {
    return this.#stacks.close();
  }

  closeLocation(mapping: number, low: number, high: number): number {
    const { attributes } = this.tables.locationTable;
    const set = this.attributeSet(attributes.indices, attributes.openStart, attributes.openEnd);
    return this.#locations.close(mapping, low, high, set);
  }

  addFunction(name: number, systemName: number, filename: number, startLow: number, startHigh: number): number {
    return this.#functions.intern(name, systemName, filename, startLow, startHigh);
  }

  string(text: string): number {
    const { stringTable } = this.tables;
    if (text === '' && stringTable.length > 0) return 0;
    stringTable.add(text);
    const added = stringTable.length - 1;
    const slots = this.#textSlots;
    for (let known = slots.first(stringTable.hash(added)); known >= 0; known = slots.next()) {
      if (!stringTable.equals(known, stringTable, added)) continue;
      stringTable.removeLast();
      return known;
    }
    return slots.add();
  }

  addText(source: StringColumns, index: number): number {
    const { stringTable } = this.tables;
    const slots = this.#textSlots;
    for (let known = slots.first(source.hash(index)); known >= 0; known = slots.next()) {
      if (stringTable.equals(known, source, index)) return known;
    }
    stringTable.addFrom(source, index);
    return slots.add();
  }

  attribute(key: string, value: AnyValue, unit = ''): number {
    return this.#attributeEntry({ keyStrindex: this.string(key), value, unitStrindex: this.string(unit) });
  }

  function(name: string, systemName: string, filename: string, startLine: bigint): number {
    return this.addFunction(
      this.string(name),
      this.string(systemName),
      this.string(filename),
      lowHalf(startLine),
      highHalf(startLine),
    );
  }

  mapping(entry: Mapping): number {
    const { memoryStart, memoryLimit, fileOffset, filenameStrindex, attributeIndices } = entry;
    const set = this.attributeSet(attributeIndices);
    const key = `${memoryStart} ${memoryLimit} ${fileOffset} ${filenameStrindex} ${set}`;
    return this.#intern(this.#indexByMapping, key, this.tables.mappingTable, entry);
  }

  link(entry: Link): number {
    const key = `${entry.traceId.length} ${latin1(entry.traceId)}${latin1(entry.spanId)}`;
    return this.#intern(this.#indexByLink, key, this.tables.linkTable, entry);
  }

  location({ mappingIndex, address, lines, attributeIndices }: Location): number {
    const { locationTable } = this.tables;
    for (const line of lines) locationTable.addLine(line);
    locationTable.attributes.pushAll(attributeIndices);
    return this.closeLocation(mappingIndex, lowHalf(address), highHalf(address));
  }

  stack(locationIndices: ArrayLike<number>): number {
    return this.#stacks.intern(locationIndices);
  }

  /** Number of the attributes `start .. end` of a list, the same for the same attributes in another order; 0 for none. */
  attributeSet(indices: ArrayLike<number>, start = 0, end: number = indices.length): number {
    if (start === end) return 0;
    if (end - start === 1 && indices[start]! > 0) return indices[start]!;
    const { lists } = this.#attributeSets;
    if (isSorted(indices, start, end)) for (let i = start; i < end; i++) lists.push(indices[i]!);
    else lists.pushAll(Array.from({ length: end - start }, (_, i) => indices[start + i]!).sort((a, b) => a - b));
    return beyondIndices + this.#attributeSets.close();
  }

  #attributeEntry(entry: KeyValueAndUnit): number {
    const key = `${entry.keyStrindex} ${entry.unitStrindex} ${valueKey(entry.value)}`;
    return this.#intern(this.#indexByAttribute, key, this.tables.attributeTable, entry);
  }

  #intern<T>(indexByKey: Map<string, number>, key: string, entries: T[], entry: T): number {
    const known = indexByKey.get(key);
    if (known !== undefined) return known;
    const index = entries.push(entry) - 1;
    indexByKey.set(key, index);
    // Key and value: each may hold the text, two bytes a letter at worst.
    this.#entryBytes += bytesPerText + 4 * key.length;
    return index;
  }
}

// No table has so many entries.
const beyondIndices = 0x8000_0000;
const bytesPerText = 176;

function isSorted(indices: ArrayLike<number>, start: number, end: number): boolean {
  for (let i = start + 1; i < end; i++) if (indices[i]! < indices[i - 1]!) return false;
  return true;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Equal for equal values only; values of two kinds are never equal. */
function valueKey(value: AnyValue): string {
  if (value === undefined) return 'u';
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'boolean') return `b${value}`;
  const writer = new ProtobufWriter(64);
  encodeValue(writer, 1, value);
  return `x${writer.latin1()}`;
}
