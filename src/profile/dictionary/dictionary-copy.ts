// hot

import type {
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

export type Table = keyof ProfilesDictionary;

/** Tables that entries are copied to. Entry 0 of each table is there from the start. */
export interface DictionaryTarget {
  /** Adds an entry whose indices are those of the target, or finds an equal one; returns its index. */
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

  readonly #stackOf = ({ locationIndices }: Stack): Stack => ({ locationIndices: locationIndices.map(this.#location) });

  readonly #location = (index: number): number =>
    this.#copies.locationTable[index] || this.#copy('locationTable', index, this.#locationOf);

  readonly #locationOf = ({ mappingIndex, address, lines, attributeIndices }: Location, index: number): Location => ({
    mappingIndex: this.#copies.mappingTable[mappingIndex] || this.#copy('mappingTable', mappingIndex, this.#mappingOf),
    address,
    lines: lines.length === 0 ? this.#linesOf(index) : lines.map(this.#lineOf),
    attributeIndices: this.#attributes(attributeIndices),
  });

  readonly #lineOf = ({ functionIndex, line, column }: Line): Line => ({
    functionIndex:
      this.#copies.functionTable[functionIndex] || this.#copy('functionTable', functionIndex, this.#functionOf),
    line,
    column,
  });

  readonly #functionOf = (entry: FunctionEntry): FunctionEntry => ({
    nameStrindex: this.#string(entry.nameStrindex),
    systemNameStrindex: this.#string(entry.systemNameStrindex),
    filenameStrindex: this.#string(entry.filenameStrindex),
    startLine: entry.startLine,
  });

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
