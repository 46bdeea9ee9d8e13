// hot

import type {
  AnyValue,
  DictionaryTables,
  FunctionEntry,
  KeyValueAndUnit,
  Line,
  Link,
  Location,
  Mapping,
  ProfilesDictionary,
  Stack,
} from '../../otlp/profiles-data.ts';
import { emptyDictionary } from '../../otlp/profiles-data.ts';
import { encodeValue } from '../../otlp/protobuf/encode-attributes.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import type { DictionaryTarget, Table } from './dictionary-copy.ts';
import { ownEntry } from './dictionary-copy.ts';
import { ListIndex } from './list-index.ts';

/** Lines for a location of a source that has none, on functions that were added to `target`. */
export type LinesOf = (location: number, target: InternedDictionary) => readonly Line[];

/**
 * The seven tables while they are filled, none with a value twice. Each method adds an entry or finds an equal one, and returns
 * its index; entry 0 is the zero value. Attributes of an entry are a set: their order makes no difference. Entries are
 * compared whole, those of the large tables by words, not by text. Indices are at least 0. Callers intern only what
 * they use, so that nothing is an orphan. Locations, stacks, functions and lists of indices are copied when they are new.
 */
export class InternedDictionary implements DictionaryTarget {
  readonly tables: DictionaryTables = emptyDictionary();
  readonly #indexByString = new Map<string, number>([['', 0]]);
  // The keys are as the methods below write them: an entry that says nothing is entry 0.
  readonly #indexByAttribute = new Map<string, number>([['0 0 u', 0]]);
  readonly #indexByMapping = new Map<string, number>([['0 0 0 0 0', 0]]);
  readonly #indexByLink = new Map<string, number>([['0 ', 0]]);
  readonly #functionIndex = new QuadIndex();
  /** Lines, each with the line before it; and bodies of locations. */
  readonly #chains = new QuadIndex();
  readonly #locationIndex = new QuadIndex();
  readonly #stackIndex = new ListIndex();
  readonly #attributeSets = new ListIndex();
  /** Numbers of the values that have more than 31 bits. */
  readonly #largeWords = new Map<bigint, number>();
  #entryBytes = 0;

  constructor() {
    this.#functionEntry(this.tables.functionTable[0]!);
    this.location(this.tables.locationTable[0]!);
  }

  /** Bytes of memory held, at most, if no text is shared with other owners. */
  get sizeBytes(): number {
    const { functionTable, locationTable, stackTable } = this.tables;
    const indexBytes =
      this.#functionIndex.sizeBytes +
      this.#chains.sizeBytes +
      this.#locationIndex.sizeBytes +
      this.#stackIndex.sizeBytes;
    const messages = functionTable.length + locationTable.length + stackTable.length;
    return this.#entryBytes + indexBytes + bytesPerMessage * messages;
  }

  /** For `DictionaryCopy`: an entry of any table. */
  add<T extends Table>(table: T, entry: ProfilesDictionary[T][number]): number {
    switch (table) {
      case 'stackTable':
        return this.stack((entry as Stack).locationIndices);
      case 'locationTable':
        return this.location(entry as Location);
      case 'functionTable':
        return this.#functionEntry(entry as FunctionEntry);
      case 'stringTable':
        return this.string(entry as string);
      case 'attributeTable':
        return this.#attributeEntry(entry as KeyValueAndUnit);
      case 'mappingTable':
        return this.mapping(entry as Mapping);
      default:
        return this.link(entry as Link);
    }
  }

  string(text: string): number {
    return this.#intern(this.#indexByString, text, this.tables.stringTable, text);
  }

  attribute(key: string, value: AnyValue, unit = ''): number {
    return this.#attributeEntry({ keyStrindex: this.string(key), value, unitStrindex: this.string(unit) });
  }

  function(name: string, systemName: string, filename: string, startLine: bigint): number {
    return this.#functionEntry({
      nameStrindex: this.string(name),
      systemNameStrindex: this.string(systemName),
      filenameStrindex: this.string(filename),
      startLine,
    });
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

  location(entry: Location): number {
    const { mappingIndex, address, lines, attributeIndices } = entry;
    let chain = noLines;
    for (let i = 0; i < lines.length; i++) {
      const { functionIndex, line, column } = lines[i]!;
      chain = this.#chains.intern(functionIndex, this.#word(line), this.#word(column), chain);
    }
    const body = this.#chains.intern(chain, mappingIndex, this.attributeSet(attributeIndices), bodyMark);
    scratch.setBigUint64(0, address);
    const index = this.#locationIndex.intern(scratch.getUint32(0), scratch.getUint32(4), body, 0);
    if (index === this.tables.locationTable.length) {
      this.tables.locationTable.push(ownEntry('locationTable', entry));
      this.#entryBytes += bytesPerLine * lines.length + 8 * attributeIndices.length;
    }
    return index;
  }

  stack(locationIndices: readonly number[]): number {
    const index = this.#stackIndex.intern(locationIndices);
    if (index === this.tables.stackTable.length) {
      this.tables.stackTable.push({ locationIndices: this.#stackIndex.list(index) });
      this.#entryBytes += 8 * locationIndices.length;
    }
    return index;
  }

  /** Number of a list of attributes, the same for the same attributes in another order; 0 for none. */
  attributeSet(indices: readonly number[]): number {
    if (indices.length === 0) return 0;
    if (indices.length === 1 && indices[0]! > 0) return indices[0]!;
    return beyondIndices + this.#attributeSets.intern(isSorted(indices) ? indices : indices.toSorted((a, b) => a - b));
  }

  #functionEntry(entry: FunctionEntry): number {
    const { nameStrindex, systemNameStrindex, filenameStrindex, startLine } = entry;
    const word = this.#word(startLine);
    const index = this.#functionIndex.intern(nameStrindex, systemNameStrindex, filenameStrindex, word);
    if (index === this.tables.functionTable.length) {
      this.tables.functionTable.push(ownEntry('functionTable', entry));
    }
    return index;
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

  /** The number itself where it has 31 bits, as lines have; else a number from `beyondIndices` on that stands for it. */
  #word(value: bigint): number {
    scratch.setBigUint64(0, value);
    const low = scratch.getUint32(4);
    if (scratch.getUint32(0) === 0 && low < beyondIndices) return low;
    const word = this.#largeWords.get(value) ?? beyondIndices + this.#largeWords.size;
    this.#largeWords.set(value, word);
    return word;
  }
}

// No table, list or chain has so many entries.
const beyondIndices = 0x8000_0000;
// In the place of "the line before" of a chain; no chain has these numbers.
const noLines = 0xffff_ffff;
const bodyMark = 0xffff_fffe;

const bytesPerMessage = 160;
const bytesPerLine = 96;
const bytesPerText = 176;

/** For the halves of a 64-bit value: without `bigint` arithmetic, which allocates. */
const scratch = new DataView(new ArrayBuffer(8));

function isSorted(indices: readonly number[]): boolean {
  for (let i = 1; i < indices.length; i++) if (indices[i]! < indices[i - 1]!) return false;
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
