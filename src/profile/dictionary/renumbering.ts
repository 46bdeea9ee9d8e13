// hot

import type { LargeTables } from '../../otlp/column-tables.ts';
import { FunctionColumns, functionColumnsOf } from '../../otlp/function-columns.ts';
import {
  columnHighAt,
  columnLowAt,
  LocationColumns,
  lineHighAt,
  lineLowAt,
  lineWords,
  locationColumnsOf,
} from '../../otlp/location-columns.ts';
import type {
  KeyValueAndUnit,
  Link,
  Mapping,
  Profile,
  ProfilesDictionary,
  Table,
  ValueType,
} from '../../otlp/profiles-data.ts';
import { emptyDictionary, noElements } from '../../otlp/profiles-data.ts';
import { StackColumns, stackColumnsOf } from '../../otlp/stack-columns.ts';
import { StringColumns, stringColumnsOf } from '../../otlp/string-columns.ts';

/**
 * Dictionary of a request with the entries alone that something uses, in the order of their first use: what `DictionaryCopy` writes
 * into an empty `InternedDictionary` where no two entries are equal, so that none has to be looked for. Texts stay in the bytes
 * of the source. Entry 0 stays entry 0. All indices must be sound.
 */
export class Renumbering {
  readonly #mappings: readonly Mapping[];
  readonly #locations: LocationColumns;
  readonly #functions: FunctionColumns;
  readonly #links: readonly Link[];
  readonly #texts: StringColumns;
  readonly #attributes: readonly KeyValueAndUnit[];
  readonly #stacks: StackColumns;
  /** New index by index in the source; 0 is "not in use so far". */
  readonly #copies: { readonly [T in Table]: Uint32Array };
  readonly #onLineless: (location: number) => void;
  readonly #small = emptyDictionary();
  readonly #large: LargeTables;

  /** `onLineless` is called with each location in use that has no lines, in their order. */
  constructor(source: ProfilesDictionary, onLineless: (location: number) => void) {
    this.#mappings = source.mappingTable;
    this.#locations = locationColumnsOf(source.locationTable);
    this.#functions = functionColumnsOf(source.functionTable);
    this.#links = source.linkTable;
    this.#texts = stringColumnsOf(source.stringTable);
    this.#attributes = source.attributeTable;
    this.#stacks = stackColumnsOf(source.stackTable);
    this.#onLineless = onLineless;
    const copiesOf = ({ length }: { readonly length: number }): Uint32Array => new Uint32Array(length);
    this.#copies = {
      mappingTable: copiesOf(source.mappingTable),
      locationTable: copiesOf(source.locationTable),
      functionTable: copiesOf(source.functionTable),
      linkTable: copiesOf(source.linkTable),
      stringTable: copiesOf(source.stringTable),
      attributeTable: copiesOf(source.attributeTable),
      stackTable: copiesOf(source.stackTable),
    };
    this.#large = this.#emptyTables();
  }

  #emptyTables(): LargeTables {
    const tables = {
      locationTable: new LocationColumns(),
      functionTable: new FunctionColumns(),
      stackTable: new StackColumns(),
      stringTable: new StringColumns(this.#texts.bytes),
    };
    tables.locationTable.reserve(this.#locations.length, this.#locations.lineCount);
    tables.functionTable.reserve(this.#functions.length);
    tables.stackTable.lists.reserve(this.#stacks.length, this.#stacks.lists.openEnd);
    tables.stringTable.reserve(this.#texts.length, 0);
    tables.locationTable.close(0, 0, 0);
    tables.functionTable.push(0, 0, 0, 0, 0);
    tables.stackTable.lists.close();
    tables.stringTable.addHashed(this.#texts.start(0), this.#texts.end(0), this.#texts.hash(0));
    return tables;
  }

  /** The dictionary of all that was asked for. */
  get tables(): ProfilesDictionary {
    return { ...this.#small, ...this.#large };
  }

  /** The profile without its samples. */
  profileHead(profile: Profile): Profile {
    return {
      ...profile,
      sampleType: this.#valueType(profile.sampleType),
      samples: noElements,
      periodType: this.#valueType(profile.periodType),
      attributeIndices: this.#attributesOf(profile.attributeIndices),
    };
  }

  #valueType({ typeStrindex, unitStrindex }: ValueType): ValueType {
    return { typeStrindex: this.#text(typeStrindex), unitStrindex: this.#text(unitStrindex) };
  }

  #attributesOf(indices: readonly number[]): readonly number[] {
    return indices.length === 0 ? noElements : indices.map((index) => this.attribute(index));
  }

  stack(index: number): number {
    const copies = this.#copies.stackTable;
    const known = copies[index]!;
    if (known !== 0 || index === 0) return known;
    const { lists } = this.#stacks;
    const { indices } = lists;
    const own = this.#large.stackTable.lists;
    for (let at = lists.start(index), end = lists.end(index); at < end; at++) own.push(this.#location(indices[at]!));
    const copy = own.close();
    copies[index] = copy;
    return copy;
  }

  attribute(index: number): number {
    const copies = this.#copies.attributeTable;
    const known = copies[index]!;
    if (known !== 0 || index === 0) return known;
    const { keyStrindex, value, unitStrindex } = this.#attributes[index]!;
    const entry = { keyStrindex: this.#text(keyStrindex), value, unitStrindex: this.#text(unitStrindex) };
    const copy = this.#small.attributeTable.push(entry) - 1;
    copies[index] = copy;
    return copy;
  }

  link(index: number): number {
    const copies = this.#copies.linkTable;
    const known = copies[index]!;
    if (known !== 0 || index === 0) return known;
    const copy = this.#small.linkTable.push(this.#links[index]!) - 1;
    copies[index] = copy;
    return copy;
  }

  #location(index: number): number {
    const copies = this.#copies.locationTable;
    const known = copies[index]!;
    if (known !== 0 || index === 0) return known;
    const source = this.#locations;
    const mapping = this.#mapping(source.mapping(index));
    const own = this.#large.locationTable;
    const { lines, attributes } = source;
    const start = source.linesStart(index);
    const end = source.linesEnd(index);
    if (start === end) this.#onLineless(index);
    for (let at = lineWords * start; at < lineWords * end; at += lineWords) {
      const called = this.#function(lines[at]!);
      own.pushLine(
        called,
        lines[at + lineLowAt]!,
        lines[at + lineHighAt]!,
        lines[at + columnLowAt]!,
        lines[at + columnHighAt]!,
      );
    }
    for (let at = attributes.start(index), last = attributes.end(index); at < last; at++) {
      own.attributes.push(this.attribute(attributes.indices[at]!));
    }
    own.close(mapping, source.low(index), source.high(index));
    const copy = own.length - 1;
    copies[index] = copy;
    return copy;
  }

  #mapping(index: number): number {
    const copies = this.#copies.mappingTable;
    const known = copies[index]!;
    if (known !== 0 || index === 0) return known;
    const { memoryStart, memoryLimit, fileOffset, filenameStrindex, attributeIndices } = this.#mappings[index]!;
    const entry = {
      memoryStart,
      memoryLimit,
      fileOffset,
      filenameStrindex: this.#text(filenameStrindex),
      attributeIndices: this.#attributesOf(attributeIndices),
    };
    const copy = this.#small.mappingTable.push(entry) - 1;
    copies[index] = copy;
    return copy;
  }

  #function(index: number): number {
    const copies = this.#copies.functionTable;
    const known = copies[index]!;
    if (known !== 0 || index === 0) return known;
    const source = this.#functions;
    const name = this.#text(source.name(index));
    const systemName = this.#text(source.systemName(index));
    const filename = this.#text(source.filename(index));
    const own = this.#large.functionTable;
    own.push(name, systemName, filename, source.startLow(index), source.startHigh(index));
    const copy = own.length - 1;
    copies[index] = copy;
    return copy;
  }

  #text(index: number): number {
    const copies = this.#copies.stringTable;
    const known = copies[index]!;
    if (known !== 0 || index === 0) return known;
    const source = this.#texts;
    const own = this.#large.stringTable;
    own.addHashed(source.start(index), source.end(index), source.hash(index));
    const copy = own.length - 1;
    copies[index] = copy;
    return copy;
  }
}
