// hot

import type {
  Draft,
  FunctionEntry,
  KeyValueAndUnit,
  Line,
  Location,
  Mapping,
  Profile,
  ProfilesDictionary,
  Stack,
  ValueType,
} from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { LentLists, lentIndices } from './lent-lists.ts';

export type Table = keyof ProfilesDictionary;

/** Tables that entries are copied to. Entry 0 of each table is there from the start. */
export interface DictionaryTarget {
  /**
   * Adds an entry whose indices are those of the target, or finds an equal one; returns its index. The entry is lent for the
   * call: most are there already, and a new one is kept as `ownEntry` makes it.
   */
  add<T extends Table>(table: T, entry: ProfilesDictionary[T][number]): number;
}

/**
 * Copies entries of one dictionary to another when something that uses them is copied, each once: unused entries stay
 * behind. Entry 0 stays entry 0. An index that points nowhere becomes 0, which stands for nothing.
 */
export class DictionaryCopy {
  readonly #source: ProfilesDictionary;
  readonly #target: DictionaryTarget;
  readonly #linesOf: (location: number) => readonly Line[];
  /** Index in the target by index in the source; 0 is "not copied". */
  readonly #copies: { readonly [T in Table]: Uint32Array };
  /** Copied entries in order: the array of the table, and the index in the source. */
  readonly #journalTables: Uint32Array[] = [];
  readonly #journalIndices: number[] = [];
  readonly #locationLists = lentIndices();
  readonly #attributeLists = lentIndices();
  readonly #lentLocation: Draft<Location> = {
    mappingIndex: 0,
    address: 0n,
    lines: noElements,
    attributeIndices: noElements,
  };
  readonly #lentLines = new LentLists((): Draft<Line> => ({ functionIndex: 0, line: 0n, column: 0n }));
  readonly #lentFunction = { nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n };

  /** `linesOf` gives the lines of a source location that has none, as the target has them. */
  constructor(
    source: ProfilesDictionary,
    target: DictionaryTarget,
    linesOf: (location: number) => readonly Line[] = () => noElements,
  ) {
    this.#source = source;
    this.#target = target;
    this.#linesOf = linesOf;
    const copiesOf = (table: readonly unknown[]): Uint32Array => new Uint32Array(table.length);
    this.#copies = {
      mappingTable: copiesOf(source.mappingTable),
      locationTable: copiesOf(source.locationTable),
      functionTable: copiesOf(source.functionTable),
      linkTable: copiesOf(source.linkTable),
      stringTable: copiesOf(source.stringTable),
      attributeTable: copiesOf(source.attributeTable),
      stackTable: copiesOf(source.stackTable),
    };
  }

  /** Number of entries copied so far: the mark to give to `forget`. */
  get count(): number {
    return this.#journalIndices.length;
  }

  /** Forgets the copies since the mark. The target must forget the entries too. */
  forget(mark: number): void {
    for (let i = mark; i < this.#journalIndices.length; i++) this.#journalTables[i]![this.#journalIndices[i]!] = 0;
    this.#journalTables.length = mark;
    this.#journalIndices.length = mark;
  }

  /** The profile without its samples. */
  profileHead(profile: Profile): Profile {
    return {
      ...profile,
      sampleType: this.#valueType(profile.sampleType),
      samples: noElements,
      periodType: this.#valueType(profile.periodType),
      attributeIndices: this.#attributes(profile.attributeIndices),
    };
  }

  #valueType({ typeStrindex, unitStrindex }: ValueType): ValueType {
    return { typeStrindex: this.#string(typeStrindex), unitStrindex: this.#string(unitStrindex) };
  }

  #string(index: number): number {
    return this.#copies.stringTable[index] || this.#copy('stringTable', index, (text) => text);
  }

  #attributes(indices: readonly number[]): readonly number[] {
    return indices.length === 0 ? noElements : indices.map(this.attribute);
  }

  readonly attribute = (index: number): number =>
    this.#copies.attributeTable[index] || this.#copy('attributeTable', index, this.#attributeOf);

  readonly #attributeOf = ({ keyStrindex, value, unitStrindex }: KeyValueAndUnit): KeyValueAndUnit => ({
    keyStrindex: this.#string(keyStrindex),
    value,
    unitStrindex: this.#string(unitStrindex),
  });

  link(index: number): number {
    return this.#copies.linkTable[index] || this.#copy('linkTable', index, (link) => link);
  }

  stack(index: number): number {
    return this.#copies.stackTable[index] || this.#copy('stackTable', index, this.#stackOf);
  }

  readonly #stackOf = ({ locationIndices }: Stack): Stack => {
    const own = this.#locationLists.of(locationIndices.length);
    for (let i = 0; i < own.length; i++) own[i] = this.#location(locationIndices[i]!);
    return { locationIndices: own };
  };

  #location(index: number): number {
    return this.#copies.locationTable[index] || this.#copy('locationTable', index, this.#locationOf);
  }

  readonly #locationOf = ({ mappingIndex, address, lines, attributeIndices }: Location, index: number): Location => {
    const own = this.#lentLocation;
    own.mappingIndex =
      this.#copies.mappingTable[mappingIndex] || this.#copy('mappingTable', mappingIndex, this.#mappingOf);
    own.address = address;
    own.lines = lines.length === 0 ? this.#linesOf(index) : this.#lines(lines);
    const attributes = this.#attributeLists.of(attributeIndices.length);
    for (let i = 0; i < attributes.length; i++) attributes[i] = this.attribute(attributeIndices[i]!);
    own.attributeIndices = attributes;
    return own;
  };

  #lines(lines: readonly Line[]): readonly Line[] {
    const own = this.#lentLines.of(lines.length);
    for (let i = 0; i < own.length; i++) {
      const { functionIndex, line, column } = lines[i]!;
      const target = own[i]!;
      target.functionIndex =
        this.#copies.functionTable[functionIndex] || this.#copy('functionTable', functionIndex, this.#functionOf);
      target.line = line;
      target.column = column;
    }
    return own;
  }

  readonly #functionOf = (entry: FunctionEntry): FunctionEntry => {
    const own = this.#lentFunction;
    own.nameStrindex = this.#string(entry.nameStrindex);
    own.systemNameStrindex = this.#string(entry.systemNameStrindex);
    own.filenameStrindex = this.#string(entry.filenameStrindex);
    own.startLine = entry.startLine;
    return own;
  };

  readonly #mappingOf = (mapping: Mapping): Mapping => ({
    memoryStart: mapping.memoryStart,
    memoryLimit: mapping.memoryLimit,
    fileOffset: mapping.fileOffset,
    filenameStrindex: this.#string(mapping.filenameStrindex),
    attributeIndices: this.#attributes(mapping.attributeIndices),
  });

  #copy<T extends Table>(
    table: T,
    index: number,
    toTarget: (entry: ProfilesDictionary[T][number], index: number) => ProfilesDictionary[T][number],
  ): number {
    if (index === 0) return 0;
    const entry = this.#source[table][index] as ProfilesDictionary[T][number] | undefined;
    if (entry === undefined) return 0;
    const copy = this.#target.add(table, toTarget(entry, index));
    this.#copies[table][index] = copy;
    this.#journalTables.push(this.#copies[table]);
    this.#journalIndices.push(index);
    return copy;
  }
}

/** Entry of a table that belongs to the table, made of one that is lent. */
export function ownEntry<T extends Table>(
  table: T,
  entry: ProfilesDictionary[T][number],
): ProfilesDictionary[T][number];
export function ownEntry(table: Table, entry: ProfilesDictionary[Table][number]): ProfilesDictionary[Table][number] {
  switch (table) {
    case 'stackTable':
      return { locationIndices: ownList((entry as Stack).locationIndices) };
    case 'locationTable': {
      const { mappingIndex, address, lines, attributeIndices } = entry as Location;
      const ownLines = lines.length === 0 ? noElements : lines.map((line) => ({ ...line }));
      return { mappingIndex, address, lines: ownLines, attributeIndices: ownList(attributeIndices) };
    }
    case 'functionTable':
      return { ...(entry as FunctionEntry) };
    default:
      return entry;
  }
}

function ownList(list: readonly number[]): readonly number[] {
  return list.length === 0 ? noElements : list.slice();
}
