import { StringDecoder } from 'node:string_decoder';
import type { ProcessIdentity } from '../../model/process.ts';
import type { PerfMapEntry } from '../tables/perf-map.ts';
import { PerfMapReader } from '../tables/perf-map.ts';
import type { FileMiss } from './find-file.ts';
import { missOf } from './find-file.ts';
import type { OpenFile } from './open-file.ts';
import { openBelow } from './open-file.ts';
import type { NodeProcess } from './process-identity.ts';
import { mayBe, readNodeProcess } from './process-identity.ts';

/** A runtime that wrote as much has compiled a million functions. */
const maxPerfMapBytes = 128 * 1024 * 1024;
const chunkBytes = 65_536;

export interface PerfMapFile {
  readonly opened: OpenFile;
  readonly process: NodeProcess;
  /** Differs after each write to the file. */
  readonly version: string;
}

/**
 * Opens the perf map of a process: `/tmp/perf-PID.map` by its innermost process ID, below its own root and never outside, if its owner is
 * the user of the process or root, as perf has it.
 */
export function openPerfMap(procRoot: string, process: ProcessIdentity): PerfMapFile | FileMiss {
  try {
    const found = readNodeProcess(procRoot, process.pid);
    if (!mayBe(process, found, procRoot)) return 'no_process';
    const path = `/tmp/perf-${found.namespacePid}.map`;
    const opened = openBelow(`${procRoot}/${process.pid}/root`, path, maxPerfMapBytes);
    if (opened === undefined) return 'no_file';
    const { uid, ino, size, mtimeNs } = opened.stat;
    if (uid !== 0n && uid !== BigInt(found.userId)) {
      opened.close();
      return 'no_permission';
    }
    return { opened, process: found, version: `${ino} ${size} ${mtimeNs}` };
  } catch (error) {
    return missOf(error);
  }
}

/** Reads the entries of a map one after the other, as far as they were written when it was opened. @throws UnreadableBytes */
export function* perfMapEntries({ source }: OpenFile): Generator<PerfMapEntry> {
  const reader = new PerfMapReader();
  const decoder = new StringDecoder();
  const chunk = new Uint8Array(chunkBytes);
  for (let at = 0; at < source.sizeBytes; at += chunkBytes) {
    const part = chunk.subarray(0, Math.min(chunkBytes, source.sizeBytes - at));
    source.read(part, at);
    yield* reader.read(decoder.write(part));
  }
  // The last line may be written at this moment; a name that is not complete is no name.
}
