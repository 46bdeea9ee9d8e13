import type { Clock } from '../support/clock.ts';
import { everyInterval } from '../support/clock.ts';
import type { MemorySource } from './process-memory.ts';

/** Often enough for a burst that is over; a look costs some microseconds. */
const intervalMs = 60_000;
/** A busy process has other things to do, and would use the memory again at once. */
const mostCpuShare = 0.05;
/** A collection takes some 100 to 200 ms of CPU time: this much grows in a quarter of an hour on a node that sends a request in five seconds. */
const leastGrowthBytes = 12 * 1024 * 1024;
/** Growth that is in use is no garbage: after a collection that was of little use, twice as much has to come. */
const mostGrowthBytes = 8 * leastGrowthBytes;

/**
 * Gives memory back to the system that the start, a burst, or many quiet minutes have left behind: V8 collects when a heap is full, and keeps
 * the pages. Collects once the process is quiet and has grown since the last time, and seldom where that
 * gave little back. Returns what ends it.
 */
export function giveMemoryBack(
  memory: Pick<MemorySource, 'read' | 'collectGarbage'>,
  clock: Clock,
  cpuMs: () => number = processCpuMs,
): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  let keptBytes = 0;
  let dueBytes = leastGrowthBytes;
  let lastCpuMs = cpuMs();
  let lastMs = clock.nowMs();
  const collect = async (): Promise<void> => {
    const { rssBytes } = memory.read();
    // The first time what was held before is unknown.
    const grownBytes = keptBytes === 0 ? dueBytes : rssBytes - keptBytes;
    if (grownBytes < dueBytes) return;
    await memory.collectGarbage();
    const leftBytes = memory.read().rssBytes;
    const wasOfUse = keptBytes === 0 || rssBytes - leftBytes >= grownBytes / 2;
    dueBytes = wasOfUse ? leastGrowthBytes : Math.min(2 * dueBytes, mostGrowthBytes);
    keptBytes = leftBytes;
  };
  void everyInterval(
    clock,
    signal,
    () => intervalMs,
    async () => {
      const cpuShare = (cpuMs() - lastCpuMs) / Math.max(1, clock.nowMs() - lastMs);
      // A failure, as of a process without a free file descriptor, leaves the memory as it is.
      if (cpuShare <= mostCpuShare) await collect().catch(() => undefined);
      lastCpuMs = cpuMs();
      lastMs = clock.nowMs();
    },
  );
  return () => stopping.abort();
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
