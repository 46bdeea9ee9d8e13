import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { checkAttributeKeys } from './check-attribute-keys.ts';
import { checkDuplicates } from './check-duplicates.ts';
import { checkProfiles } from './check-profiles.ts';
import { checkReferences } from './check-references.ts';
import { checkTables } from './check-tables.ts';
import type { ConformanceFault } from './fault-list.ts';
import { FaultList } from './fault-list.ts';

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
