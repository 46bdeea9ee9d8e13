import { FunctionColumns, functionColumnsOf } from './function-columns.ts';
import { LocationColumns, locationColumnsOf } from './location-columns.ts';
import type { DictionaryTables, ProfilesDictionary } from './profiles-data.ts';
import { emptyDictionary } from './profiles-data.ts';
import { StackColumns, stackColumnsOf } from './stack-columns.ts';
import { StringColumns, stringColumnsOf } from './string-columns.ts';

/** The large tables of a dictionary as columns. */
export interface LargeTables {
  readonly locationTable: LocationColumns;
  readonly functionTable: FunctionColumns;
  readonly stackTable: StackColumns;
  readonly stringTable: StringColumns;
}

/** The tables whose entries are objects. */
export type SmallTable = Exclude<keyof ProfilesDictionary, keyof LargeTables>;

/** The seven tables while they are filled, the large ones as columns. */
export type ColumnTables = LargeTables & Pick<DictionaryTables, SmallTable>;

/** Tables that hold the zero value and nothing else. `bytes` is what places of texts are in; it must not change. */
export function emptyColumns(bytes?: Uint8Array): ColumnTables {
  const tables = {
    locationTable: new LocationColumns(),
    functionTable: new FunctionColumns(),
    stackTable: new StackColumns(),
    stringTable: new StringColumns(bytes),
  };
  tables.locationTable.close(0, 0, 0);
  tables.functionTable.push(0, 0, 0, 0, 0);
  tables.stackTable.lists.close();
  tables.stringTable.addPlace(0, 0);
  return { ...emptyDictionary(), ...tables };
}

/** The large tables as columns; those that are lists are copied. */
export function largeTablesOf(dictionary: Pick<ProfilesDictionary, keyof LargeTables>): LargeTables {
  return {
    locationTable: locationColumnsOf(dictionary.locationTable),
    functionTable: functionColumnsOf(dictionary.functionTable),
    stackTable: stackColumnsOf(dictionary.stackTable),
    stringTable: stringColumnsOf(dictionary.stringTable),
  };
}
