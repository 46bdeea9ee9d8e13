import type { ProfilesData, ResourceProfiles } from '../../otlp/profiles-data.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import { attributeNames } from '../attribute-names.ts';

const several = -1;

/** The process ID of the one process whose samples have a location, by location; 0 for one of several processes, or of none that is told. */
export function processesOfLocations({ resourceProfiles, dictionary }: ProfilesData): Float64Array {
  const processes = new Float64Array(dictionary.locationTable.length);
  for (const resource of resourceProfiles) {
    const pid = pidOf(resource);
    const seenStacks = new Uint8Array(dictionary.stackTable.length);
    for (const { profiles } of resource.scopeProfiles) {
      for (const { samples } of profiles) {
        const { columns, first, length } = columnsOf(samples);
        for (let i = first; i < first + length; i++) {
          const stackIndex = columns.stack(i);
          if (seenStacks[stackIndex] !== 0) continue;
          seenStacks[stackIndex] = 1;
          for (const location of dictionary.stackTable[stackIndex]!.locationIndices) {
            processes[location] = processes[location] === 0 || processes[location] === pid ? pid : several;
          }
        }
      }
    }
  }
  return processes.map((pid) => (pid === several ? 0 : pid));
}

function pidOf({ resource }: ResourceProfiles): number {
  const value = resource?.attributes.find(({ key }) => key === attributeNames.processPid)?.value;
  const pid = Number(typeof value === 'bigint' || typeof value === 'string' ? value : 0);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : several;
}
