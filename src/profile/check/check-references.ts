import type { ProfilesData } from '../../otlp/profiles-data.ts';
import type { FaultList } from './fault-list.ts';
import type { Table } from './references.ts';
import { tableNames, visitReferences } from './references.ts';

/** Every index points into its table, and every entry of a table is pointed at by something. */
export function checkReferences(data: ProfilesData, referencedStrings: ReadonlySet<number>, faults: FaultList): void {
  const isUsed = new Map<Table, Set<number>>();
  for (const table of tables) isUsed.set(table, new Set());
  for (const index of referencedStrings) isUsed.get('stringTable')!.add(index);
  visitReferences(data, (table, index, path) => {
    const { length } = data.dictionary[table];
    if (index < 0 || index >= length) faults.add(path, `index ${index} is out of range [0..${length})`);
    isUsed.get(table)!.add(index);
  });
  for (const table of tables) {
    const used = isUsed.get(table)!;
    // Entry 0 means "none" and is there for all who refer to nothing.
    for (let index = 1; index < data.dictionary[table].length; index++) {
      if (!used.has(index)) faults.add(`dictionary: ${tableNames[table]}[${index}]`, 'is referred to by nothing');
    }
  }
}

const tables = Object.keys(tableNames) as Table[];
