import type { ProfilesData, Table } from '../../otlp/profiles-data.ts';
import { checkAttributeKeys } from './check-attribute-keys.ts';
import { checkDuplicates } from './check-duplicates.ts';
import { checkProfiles } from './check-profiles.ts';
import { checkTables } from './check-tables.ts';
import type { ConformanceFault } from './fault-list.ts';
import { FaultList } from './fault-list.ts';
import { tableNames, visitReferences } from './references.ts';

/**
 * Every rule of the OTLP profiles specification that a payload breaks: those of the SIG's profcheck
 * (https://github.com/open-telemetry/sig-profiling/tree/main/profcheck) with its optional ones, and those that it lacks: duplicates
 * in every table, one sample an identity, functions that say something, unique keys wherever there are attributes.
 * `referencedStrings` are the entries of the string table that inline attributes referred to before they were resolved.
 * At most 101 faults; the last one counts the rest. None: the payload conforms.
 */
export function checkConformance(
  data: ProfilesData,
  referencedStrings: ReadonlySet<number> = new Set(),
): ConformanceFault[] {
  const faults = new FaultList();
  checkProfiles(data, faults);
  checkTables(data.dictionary, faults);
  checkReferences(data, referencedStrings, faults);
  checkDuplicates(data.dictionary, faults);
  checkAttributeKeys(data, faults);
  return faults.toArray();
}

/** Every index points into its table, and every entry of a table is used. */
function checkReferences(data: ProfilesData, referencedStrings: ReadonlySet<number>, faults: FaultList): void {
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
    // Entry 0 means "none", and may be unused.
    for (let index = 1; index < data.dictionary[table].length; index++) {
      if (!used.has(index)) faults.add(`dictionary: ${tableNames[table]}[${index}]`, 'is referred to by nothing');
    }
  }
}

const tables = Object.keys(tableNames) as Table[];
