import { isProgram } from './address-space.ts';
import { isProgramOfName, ProcessTable } from './process-table.ts';
import type { RawMap, RawRecords, RawSample } from './raw-records.ts';

/**
 * The processes of a raw recording. It tells of no exec: a look into /proc finds the new mappings some time after the first
 * sample that needs them.
 */
export function readProcesses({ samples, maps }: RawRecords): ProcessTable {
  const table = new ProcessTable();
  const mapsByPid = Map.groupBy(maps, ({ pid }) => pid);
  const samplesByPid = Map.groupBy(samples, ({ pid }) => pid);
  let nextMap = 0;
  for (const sample of samples) {
    for (; nextMap < maps.length && maps[nextMap]!.t < sample.t; nextMap++) addMap(table, maps[nextMap]!);
    const { pid, tid, comm, nspid, t } = sample;
    const process = table.see(pid, t);
    const isMainThread = pid === tid;
    if (isMainThread && process.mainThreadName !== undefined && process.mainThreadName !== comm) {
      const ofPid = { maps: mapsByPid.get(pid) ?? [], samples: samplesByPid.get(pid)! };
      if (isExec(table, sample, ofPid)) table.exec(pid, comm, t);
    }
    const seen = table.see(pid, t);
    seen.setThreadName(comm, isMainThread);
    seen.namespacePid = nspid === pid ? 0 : nspid;
  }
  for (; nextMap < maps.length; nextMap++) addMap(table, maps[nextMap]!);
  return table;
}

function addMap(table: ProcessTable, { pid, t, start, limit, off, path, buildid }: RawMap): void {
  table.map(pid, {
    start: BigInt(start),
    end: BigInt(limit),
    fileOffset: BigInt(off),
    path,
    buildId: buildid,
    timeNano: t,
  });
}

/**
 * True if the main thread has its new name from an exec: a program of that name is found from then on; or, after an exec
 * through a link, the code that runs next lies in another program and in no mapping of before. A thread that merely renames itself
 * goes on in the code that it had.
 */
function isExec(
  table: ProcessTable,
  { pid, comm, t }: RawSample,
  ofPid: { readonly maps: readonly RawMap[]; readonly samples: readonly RawSample[] },
): boolean {
  const later = ofPid.maps.filter((map) => map.t >= t);
  if (later.some(({ path }) => isProgramOfName(path, comm))) return true;
  const { space, executablePath } = table.see(pid, t);
  const next = ofPid.samples.find((sample) => sample.t >= t && sample.u.length > 0);
  const addresses = next?.u.map((text) => BigInt(`0x${text}`)) ?? [];
  if (addresses.some((address) => space.find(address, t) !== undefined)) return false;
  return later.some(({ path, start, limit }) => {
    const holds = (address: bigint): boolean => address >= BigInt(start) && address < BigInt(limit);
    return isProgram(path) && path !== executablePath && addresses.some(holds);
  });
}
