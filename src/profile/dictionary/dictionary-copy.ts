// hot

import type { LargeTables, SmallTable } from '../../otlp/column-tables.ts';
import { largeTablesOf } from '../../otlp/column-tables.ts';
import { columnHighAt, columnLowAt, lineHighAt, lineLowAt, lineWords } from '../../otlp/location-columns.ts';
import type {
  EntryOf,
  KeyValueAndUnit,
  Mapping,
  Profile,
  ProfilesDictionary,
  Table,
  ValueType,
} from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import type { SampleColumns } from '../../otlp/sample-columns.ts';
import type { StringColumns } from '../../otlp/string-columns.ts';

/**
 * Tables that entries are copied to. Entry 0 of each table is there from the start. All indices are those of the target. What belongs to
 * a stack or a location is appended to the columns of its table before it is closed.
 */
export interface DictionaryTarget {
  readonly tables: LargeTables;
  /** Adds an entry, or finds an equal one; returns its index. */
  addSmall<T extends SmallTable>(table: T, entry: EntryOf<T>): number;
  /** The same of a text of another table. */
  addText(source: StringColumns, index: number): number;
  addFunction(name: number, systemName: number, filename: number, startLow: number, startHigh: number): number;
  closeLocation(mapping: number, low: number, high: number): number;
  closeStack(): number;
}

export interface CopyOptions {
  /** Appends lines for a source location that has none to the location that is open in the target. */
  readonly addLines?: ((location: number) => void) | undefined;
  /** True to keep in mind which entries were copied, so that `forget` can undo it. */
  readonly canForget?: boolean;
}

/**
 * Copies entries of one dictionary to another when something that uses them is copied, each once: unused entries stay
 * behind. Entry 0 stays entry 0. An index that points nowhere becomes 0, which stands for nothing.
 */
export class DictionaryCopy {
  readonly #source: Pick<ProfilesDictionary, SmallTable>;
  /** The large tables of the source. */
  readonly largeTables: LargeTables;
  readonly #stacks: LargeTables['stackTable'];
  readonly #locations: LargeTables['locationTable'];
  readonly #functions: LargeTables['functionTable'];
  readonly #texts: StringColumns;
  readonly #target: DictionaryTarget;
  readonly #addLines: ((location: number) => void) | undefined;
  /** Index in the target by index in the source; 0 is "not copied". */
  readonly #copies: { readonly [T in Table]: Uint32Array };
  /** Copied entries in order, if they can be forgotten: the array of the table, and the index in the source. */
  readonly #journal: { readonly copies: Uint32Array; readonly index: number }[] | undefined;

  constructor(source: ProfilesDictionary, target: DictionaryTarget, { addLines, canForget = false }: CopyOptions = {}) {
    this.#source = source;
    this.largeTables = largeTablesOf(source);
    this.#stacks = this.largeTables.stackTable;
    this.#locations = this.largeTables.locationTable;
    this.#functions = this.largeTables.functionTable;
    this.#texts = this.largeTables.stringTable;
    this.#target = target;
    this.#addLines = addLines;
    this.#journal = canForget ? [] : undefined;
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
  }

  /** Number of entries copied so far: the mark to give to `forget`. */
  get count(): number {
    return this.#journal?.length ?? 0;
  }

  /** Forgets the copies since the mark. The target must forget the entries too. */
  forget(mark: number): void {
    const journal = this.#journal ?? [];
    for (let i = mark; i < journal.length; i++) journal[i]!.copies[journal[i]!.index] = 0;
    journal.length = mark;
  }

  /** Appends a sample to `target`. */
  sample(columns: SampleColumns, index: number, target: SampleColumns): void {
    const stack = this.stack(columns.stack(index));
    for (let at = columns.attributesStart(index), end = columns.attributesEnd(index); at < end; at++) {
      target.addAttribute(this.attribute(columns.attributes[at]!));
    }
    target.addMoments(columns, index);
    target.end(stack, this.link(columns.link(index)));
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
    return this.#copies.stringTable[index] || this.#copyText(index);
  }

  #copyText(index: number): number {
    const copies = this.#copies.stringTable;
    if (index <= 0 || index >= copies.length) return 0;
    return this.#note(copies, index, this.#target.addText(this.#texts, index));
  }

  #attributes(indices: readonly number[]): readonly number[] {
    return indices.length === 0 ? noElements : indices.map(this.attribute);
  }

  readonly attribute = (index: number): number =>
    this.#copies.attributeTable[index] || this.#copySmall('attributeTable', index, this.#attributeOf);

  readonly #attributeOf = ({ keyStrindex, value, unitStrindex }: KeyValueAndUnit): KeyValueAndUnit => ({
    keyStrindex: this.#string(keyStrindex),
    value,
    unitStrindex: this.#string(unitStrindex),
  });

  link(index: number): number {
    return this.#copies.linkTable[index] || this.#copySmall('linkTable', index, (link) => link);
  }

  stack(index: number): number {
    return this.#copies.stackTable[index] || this.#copyStack(index);
  }

  #copyStack(index: number): number {
    const copies = this.#copies.stackTable;
    if (index <= 0 || index >= copies.length) return 0;
    const { lists } = this.#stacks;
    const { indices } = lists;
    const own = this.#target.tables.stackTable.lists;
    const locations = this.#copies.locationTable;
    for (let at = lists.start(index), end = lists.end(index); at < end; at++) {
      const location = indices[at]!;
      own.push(locations[location] || this.#copyLocation(location));
    }
    return this.#note(copies, index, this.#target.closeStack());
  }

  #copyLocation(index: number): number {
    const copies = this.#copies.locationTable;
    if (index <= 0 || index >= copies.length) return 0;
    const source = this.#locations;
    const mappingIndex = source.mapping(index);
    const mapping =
      this.#copies.mappingTable[mappingIndex] || this.#copySmall('mappingTable', mappingIndex, this.#mappingOf);
    const own = this.#target.tables.locationTable;
    const start = source.linesStart(index);
    const end = source.linesEnd(index);
    if (start === end) this.#addLines?.(index);
    for (let line = start; line < end; line++) this.#copyLine(source.lines, lineWords * line);
    const { attributes } = source;
    for (let at = attributes.start(index), last = attributes.end(index); at < last; at++) {
      own.attributes.push(this.attribute(attributes.indices[at]!));
    }
    return this.#note(copies, index, this.#target.closeLocation(mapping, source.low(index), source.high(index)));
  }

  #copyLine(lines: Int32Array, at: number): void {
    const called = lines[at]!;
    const copy = this.#copies.functionTable[called] || this.#copyFunction(called);
    const own = this.#target.tables.locationTable;
    own.pushLine(
      copy,
      lines[at + lineLowAt]!,
      lines[at + lineHighAt]!,
      lines[at + columnLowAt]!,
      lines[at + columnHighAt]!,
    );
  }

  #copyFunction(index: number): number {
    const copies = this.#copies.functionTable;
    if (index <= 0 || index >= copies.length) return 0;
    const source = this.#functions;
    const name = this.#string(source.name(index));
    const systemName = this.#string(source.systemName(index));
    const filename = this.#string(source.filename(index));
    const copy = this.#target.addFunction(name, systemName, filename, source.startLow(index), source.startHigh(index));
    return this.#note(copies, index, copy);
  }

  readonly #mappingOf = (mapping: Mapping): Mapping => ({
    memoryStart: mapping.memoryStart,
    memoryLimit: mapping.memoryLimit,
    fileOffset: mapping.fileOffset,
    filenameStrindex: this.#string(mapping.filenameStrindex),
    attributeIndices: this.#attributes(mapping.attributeIndices),
  });

  #copySmall<T extends SmallTable>(table: T, index: number, toTarget: (entry: EntryOf<T>) => EntryOf<T>): number {
    if (index === 0) return 0;
    const entry = this.#source[table][index] as EntryOf<T> | undefined;
    if (entry === undefined) return 0;
    return this.#note(this.#copies[table], index, this.#target.addSmall(table, toTarget(entry)));
  }

  #note(copies: Uint32Array, index: number, copy: number): number {
    copies[index] = copy;
    this.#journal?.push({ copies, index });
    return copy;
  }
}
