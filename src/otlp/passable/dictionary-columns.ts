import { grown } from '../../support/grown-column.ts';
import { noBytes } from '../profiles-data.ts';
import { PairSet } from './pair-set.ts';

/** Tables by the numbers of their fields. */
export const tables = { mapping: 1, location: 2, function: 3, link: 4, string: 5, attribute: 6, stack: 7 } as const;

/** Columns as the compiled scan numbers them (`wasm/columns.ts`), each with what tells its length: a table, or the last number of a column. */
export const columnLengths = {
  stringStart: tables.string,
  stringEnd: tables.string,
  functionName: tables.function,
  functionSystemName: tables.function,
  functionFile: tables.function,
  functionLineLow: tables.function,
  functionLineHigh: tables.function,
  attributeKey: tables.attribute,
  attributeTextStart: tables.attribute,
  attributeTextEnd: tables.attribute,
  mappingFile: tables.mapping,
  mappingIsLoaded: tables.mapping,
  mappingAttributeStart: tables.mapping,
  mappingAttributes: 'mappingAttributeStart',
  locationStart: tables.location,
  locationEnd: tables.location,
  locationMapping: tables.location,
  locationLow: tables.location,
  locationHigh: tables.location,
  locationAttributeStart: tables.location,
  locationAttributes: 'locationAttributeStart',
  locationLineStart: tables.location,
  lineFunction: 'locationLineStart',
  lineLow: 'locationLineStart',
  lineHigh: 'locationLineStart',
  columnLow: 'locationLineStart',
  columnHigh: 'locationLineStart',
  functionTextA: tables.function,
  functionTextB: tables.function,
  locationTextA: tables.location,
  locationTextB: tables.location,
  locationFrameType: tables.location,
} as const;

export type ColumnName = keyof typeof columnLengths;

export const columnNames: readonly ColumnName[] = Object.keys(columnLengths) as ColumnName[];

const noWords = new Uint32Array(0);

/**
 * The tables of one message as columns of numbers, over its bytes. Columns lie in the memory of the scan, which uses it again for the next
 * message, and are longer than their tables.
 *
 *     locationMapping       3   3   7        one number for each location
 *     locationLineStart     0   1   1   3    lines of location i: from number i to number i + 1
 *     lineFunction         12   4   5        one number for each line
 */
export class DictionaryColumns {
  /** The message that the columns belong to. */
  bytes: Uint8Array = noBytes;
  /** By table. */
  counts: Uint32Array = noWords;
  /** Places at which the entries of a table, which follow one another, begin and end, with the tags before them. */
  starts: Uint32Array = noWords;
  ends: Uint32Array = noWords;

  readonly strings: PairSet = new PairSet();
  readonly functions: PairSet = new PairSet();
  readonly locations: PairSet = new PairSet();

  stringStart: Uint32Array = noWords;
  stringEnd: Uint32Array = noWords;

  functionName: Uint32Array = noWords;
  functionSystemName: Uint32Array = noWords;
  functionFile: Uint32Array = noWords;
  functionLineLow: Uint32Array = noWords;
  functionLineHigh: Uint32Array = noWords;
  /** Hashes of what functions say, the same in every dictionary. */
  functionTextA: Uint32Array = noWords;
  functionTextB: Uint32Array = noWords;

  attributeKey: Uint32Array = noWords;
  /** Of the value's text, without tag and length; both 0 where the value is no text. */
  attributeTextStart: Uint32Array = noWords;
  attributeTextEnd: Uint32Array = noWords;

  mappingFile: Uint32Array = noWords;
  /** 1 where `memory_limit` is not 0. */
  mappingIsLoaded: Uint32Array = noWords;
  /** Places of an entry's first attribute in `mappingAttributes`; the last attribute stands before the next entry's first. */
  mappingAttributeStart: Uint32Array = noWords;
  mappingAttributes: Uint32Array = noWords;

  /** Of the entry without tag and length. */
  locationStart: Uint32Array = noWords;
  locationEnd: Uint32Array = noWords;
  locationMapping: Uint32Array = noWords;
  locationLow: Uint32Array = noWords;
  locationHigh: Uint32Array = noWords;
  /** As for mappings. */
  locationAttributeStart: Uint32Array = noWords;
  locationAttributes: Uint32Array = noWords;
  /** Places of a location's first line in the columns of lines, as for attributes. */
  locationLineStart: Uint32Array = noWords;
  /** Hashes of what lines say, and of the address, the same in every dictionary. */
  locationTextA: Uint32Array = noWords;
  locationTextB: Uint32Array = noWords;
  /** The first attribute `profile.frame.type` with a text; 0 where there is none. */
  locationFrameType: Uint32Array = noWords;
  lineFunction: Uint32Array = noWords;
  lineLow: Uint32Array = noWords;
  lineHigh: Uint32Array = noWords;
  columnLow: Uint32Array = noWords;
  columnHigh: Uint32Array = noWords;

  /** True once columns were replaced by longer ones, which are not the scan's. */
  isGrown = false;

  /** Number of what is in a column. */
  lengthOf(name: ColumnName): number {
    const length = columnLengths[name];
    if (typeof length === 'string') return this[length][this.lengthOf(length) - 1]!;
    // One more where the last entry ends.
    return this.counts[length]! + (name.endsWith('AttributeStart') || name === 'locationLineStart' ? 1 : 0);
  }

  /** Makes room for one more function after `count`. */
  growFunctions(count: number): void {
    if (count < this.functionName.length) return;
    this.isGrown = true;
    this.functionName = grown(this.functionName, leastEntries);
    this.functionSystemName = grown(this.functionSystemName, leastEntries);
    this.functionFile = grown(this.functionFile, leastEntries);
    this.functionLineLow = grown(this.functionLineLow, leastEntries);
    this.functionLineHigh = grown(this.functionLineHigh, leastEntries);
  }

  /** Makes room for one more line after `count`. */
  growLines(count: number): void {
    if (count < this.lineFunction.length) return;
    this.isGrown = true;
    this.lineFunction = grown(this.lineFunction, leastEntries);
    this.lineLow = grown(this.lineLow, leastEntries);
    this.lineHigh = grown(this.lineHigh, leastEntries);
    this.columnLow = grown(this.columnLow, leastEntries);
    this.columnHigh = grown(this.columnHigh, leastEntries);
  }
}

/** Entries that a grown column has room for at least. */
const leastEntries = 64;
