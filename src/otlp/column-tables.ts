import { FunctionColumns } from './function-columns.ts';
import { LocationColumns } from './location-columns.ts';
import type { DictionaryTables, ProfilesDictionary } from './profiles-data.ts';
import { emptyDictionary } from './profiles-data.ts';
import { StackColumns } from './stack-columns.ts';
import { StringColumns } from './string-columns.ts';

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

/** Tables that hold the zero value and nothing else. */
export function emptyColumns(): ColumnTables {
  const tables = {
    locationTable: new LocationColumns(),
    functionTable: new FunctionColumns(),
    stackTable: new StackColumns(),
    stringTable: new StringColumns(),
  };
  tables.locationTable.close(0, 0, 0);
  tables.functionTable.push(0, 0, 0, 0, 0);
  tables.stackTable.lists.close();
  tables.stringTable.addPlace(0, 0);
  return { ...emptyDictionary(), ...tables };
}
