// hot

import type { ColumnTables, LargeTables, SmallTable } from '../../otlp/column-tables.ts';
import { emptyColumns } from '../../otlp/column-tables.ts';
import type { EntryOf } from '../../otlp/profiles-data.ts';
import type { StringColumns } from '../../otlp/string-columns.ts';
import type { DictionaryTarget } from './dictionary-copy.ts';

/**
 * The seven tables while they are filled from a source in which no two entries are equal: none is looked for, and texts stay in the
 * bytes of the source. What is added to it is what `InternedDictionary` would hold, in the same order.
 */
export class DistinctDictionary implements DictionaryTarget {
  readonly tables: ColumnTables;

  /** Has room for all entries of `source`. */
  constructor({ locationTable, functionTable, stackTable, stringTable }: LargeTables) {
    this.tables = emptyColumns(stringTable.bytes);
    this.tables.locationTable.reserve(locationTable.length, locationTable.lineCount);
    this.tables.functionTable.reserve(functionTable.length);
    this.tables.stackTable.lists.reserve(stackTable.length, stackTable.lists.openEnd);
    this.tables.stringTable.reserve(stringTable.length, 0);
  }

  addSmall<T extends SmallTable>(table: T, entry: EntryOf<T>): number {
    return (this.tables[table] as EntryOf<T>[]).push(entry) - 1;
  }

  addText(source: StringColumns, index: number): number {
    const { stringTable } = this.tables;
    stringTable.addHashed(source.start(index), source.end(index), source.hash(index));
    return stringTable.length - 1;
  }

  addFunction(name: number, systemName: number, filename: number, startLow: number, startHigh: number): number {
    const { functionTable } = this.tables;
    functionTable.push(name, systemName, filename, startLow, startHigh);
    return functionTable.length - 1;
  }

  closeLocation(mapping: number, low: number, high: number): number {
    const { locationTable } = this.tables;
    locationTable.close(mapping, low, high);
    return locationTable.length - 1;
  }

  closeStack(): number {
    return this.tables.stackTable.lists.close();
  }
}
