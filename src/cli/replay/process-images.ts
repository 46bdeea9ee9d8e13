import { basename } from 'node:path';
import type { FrameKind } from '../../model/frame-kind.ts';
import type { PerfMap } from '../../native/tables/perf-map.ts';
import { runtimeKind } from '../../native/tables/runtime-names.ts';
import { AddressSpace } from './address-space.ts';
import type { CollectedProcess } from './collected.ts';
import type { RawMap, RawRecords, RawSample } from './raw-records.ts';

/** A process between two execs, with what is needed to understand its addresses. */
export interface ProcessImage extends CollectedProcess {
  readonly space: AddressSpace;
  readonly perfMap: PerfMap | undefined;
  /** Kind of the code that lies in anonymous memory or in the perf map. */
  readonly runtimeKind: FrameKind;
}

/** Images by process ID, oldest first. */
export type ProcessImages = ReadonlyMap<number, readonly ProcessImage[]>;

// What the kernel keeps of a thread's name (TASK_COMM_LEN without the final zero).
export const commBytes = 15;

/** Finds the processes of a recording. `perfMaps` are by process ID; a map is that of the last image. */
export function findImages(records: RawRecords, perfMaps: ReadonlyMap<number, PerfMap>): ProcessImages {
  const samplesByPid = Map.groupBy(records.samples, ({ pid }) => pid);
  const mapsByPid = Map.groupBy(records.maps, ({ pid }) => pid);
  const images = new Map<number, ProcessImage[]>();
  for (const [pid, samples] of samplesByPid) {
    const maps = mapsByPid.get(pid) ?? [];
    const starts = imageStarts(samples, maps);
    images.set(
      pid,
      starts.map((startNano, index) => {
        const endNano = starts[index + 1];
        const isWithin = ({ t }: { t: bigint }): boolean => t >= startNano && (endNano === undefined || t < endNano);
        const perfMap = endNano === undefined ? perfMaps.get(pid) : undefined;
        return createImage({ pid, startNano, endNano }, samples.filter(isWithin), maps.filter(isWithin), perfMap);
      }),
    );
  }
  return images;
}

export function imageAt(images: ProcessImages, pid: number, timeNano: bigint): ProcessImage {
  return images.get(pid)!.findLast(({ firstSeenNano }) => firstSeenNano <= timeNano)!;
}

/**
 * When the process was first seen, and each exec after that: an exec gives the main thread the name of the new file,
 * which is mapped from then on. A thread that merely renames itself has no such file.
 */
function imageStarts(samples: readonly RawSample[], maps: readonly RawMap[]): bigint[] {
  const starts = [samples[0]!.t];
  let comm: string | undefined;
  for (const sample of samples) {
    if (sample.tid !== sample.pid || sample.comm === comm) continue;
    const isFile = maps.some(({ t, path }) => t >= sample.t && basename(path).slice(0, commBytes) === sample.comm);
    if (comm !== undefined && isFile) starts.push(sample.t);
    comm = sample.comm;
  }
  return starts;
}

function createImage(
  { pid, startNano, endNano }: { pid: number; startNano: bigint; endNano: bigint | undefined },
  samples: readonly RawSample[],
  maps: readonly RawMap[],
  perfMap: PerfMap | undefined,
): ProcessImage {
  const space = new AddressSpace();
  for (const { t, start, limit, off, path, buildid } of maps) {
    space.add({
      start: BigInt(start),
      end: BigInt(limit),
      fileOffset: BigInt(off),
      path,
      buildId: buildid,
      timeNano: t,
    });
  }
  const paths = maps.map(({ path }) => path);
  const executablePath = space.executablePath();
  const mainThread = samples.find((sample) => sample.tid === sample.pid);
  const namespacePid = samples[0]!.nspid;
  return {
    pid,
    namespacePid: namespacePid === pid ? 0 : namespacePid,
    firstSeenNano: startNano,
    endNano,
    comm: mainThread?.comm ?? basename(executablePath).slice(0, commBytes),
    executablePath,
    space,
    perfMap,
    runtimeKind: runtimeKind(paths, perfMap === undefined ? [] : perfMap.ranges.map(({ name }) => name)),
  };
}
