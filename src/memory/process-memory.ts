import { Session } from 'node:inspector/promises';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { collectOnRequest } from '../support/heap-growth.ts';
import { readThreadBytes } from '../support/thread-memory.ts';

/** Memory of the process at one time, in bytes. */
export interface MemoryReading {
  /** Physical memory. */
  readonly rssBytes: number;
  /** Objects of the JavaScript heap, garbage that is not yet collected among them. */
  readonly heapBytes: number;
  /** Memory outside the heap that such objects hold: buffers. */
  readonly externalBytes: number;
  /** Heaps and buffers of other threads. */
  readonly threadBytes: number;
}

/** MemorySource reads memory and collects garbage; tests have a fake. */
export interface MemorySource {
  /** Memory that the process may use: the limit of its control group, or the machine's memory. */
  readonly totalBytes: number;
  /** At this size of its heap V8 ends the process. */
  readonly heapLimitBytes: number;
  read(): MemoryReading;
  /** Collects all garbage and gives free pages back. Everything else stands still meanwhile. */
  collectGarbage(): Promise<void>;
}

/** The memory of this process. */
export function createProcessMemory(): MemorySource {
  return {
    totalBytes: totalMemory(),
    heapLimitBytes: getHeapStatistics().heap_size_limit,
    read: () => {
      const { rss, heapUsed, external } = process.memoryUsage();
      return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external, threadBytes: readThreadBytes() };
    },
    collectGarbage: () => collectOnRequest(collectGarbage),
  };
}

/** Node.js reads the limits of both versions of control groups; without one it tells 0 or more than there is. */
function totalMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/**
 * By the inspector's command, which needs no flag of Node.js and opens no port. Unlike a plain collection it gives the
 * pages of the heap back to the system.
 */
async function collectGarbage(): Promise<void> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}
