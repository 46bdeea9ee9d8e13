import type { Clock } from '../support/clock.ts';
import { everyInterval } from '../support/clock.ts';
import type { MemorySource } from './process-memory.ts';

/** Often enough for a burst that is over; a look costs some microseconds. */
const intervalMs = 60_000;
/** A busy process has other things to do, and would use the memory again at once. */
const mostCpuShare = 0.05;
/** A collection takes some 40 ms: this much grows in a quarter of an hour on a node that sends a request in five seconds. */
const leastGrowthBytes = 12 * 1024 * 1024;

/**
 * Gives memory back to the system that the start, a burst, or many quiet minutes have left behind: V8 collects when a heap is full, and keeps
 * the pages. Collects once the process is quiet and has grown since the last time. Returns what ends it.
 */
export function giveMemoryBack(
  memory: Pick<MemorySource, 'read' | 'collectGarbage'>,
  clock: Clock,
  cpuMs: () => number = processCpuMs,
): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  let keptBytes = 0;
  let lastCpuMs = cpuMs();
  let lastMs = clock.nowMs();
  const collect = async (): Promise<void> => {
    if (memory.read().rssBytes - keptBytes < leastGrowthBytes) return;
    await memory.collectGarbage();
    keptBytes = memory.read().rssBytes;
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
