import type { ProcessIdentity } from '../../model/process.ts';
import { readText } from './process-maps.ts';

/** A process of this node as its `/proc` folder tells it. */
export interface NodeProcess {
  /** Process ID in the innermost namespace of the process: runtimes name their files by it. */
  readonly namespacePid: number;
  /** Effective user. */
  readonly userId: number;
  /** Clock ticks from the boot to the start: tells processes with one ID apart. */
  readonly startTicks: number;
}

const ticksPerSecond = 100;
/** Smaller numbers are no Unix nanoseconds of this century: the collector counts from elsewhere. */
const firstUnixNano = 10n ** 18n;
/** The kernel tells the time of the boot in whole seconds, and corrects it with the clock. */
const maxSkewSeconds = 5;

/** Reads the process. @throws what `open` of Node.js throws */
export function readNodeProcess(procRoot: string, pid: number): NodeProcess {
  const status = readText(`${procRoot}/${pid}/status`);
  const namespacePid = /^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? `${pid}`;
  const userId = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? '-1';
  return { namespacePid: Number(namespacePid), userId: Number(userId), startTicks: readStartTicks(procRoot, pid) };
}

/** @throws what `open` of Node.js throws */
export function readStartTicks(procRoot: string, pid: number): number {
  const stat = readText(`${procRoot}/${pid}/stat`);
  // The name in brackets may hold anything.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

/** False when the process is known to be another one than the collector's: the ID was used again, or is another node's. */
export function mayBe(process: ProcessIdentity, { startTicks }: NodeProcess, procRoot: string): boolean {
  if (process.startTimeNano < firstUnixNano) return true;
  const bootSeconds = /^btime (\d+)$/m.exec(readText(`${procRoot}/stat`))?.[1];
  if (bootSeconds === undefined) return true;
  const startSeconds = Number(bootSeconds) + startTicks / ticksPerSecond;
  return Math.abs(startSeconds - Number(process.startTimeNano / 1_000_000n) / 1000) <= maxSkewSeconds;
}
