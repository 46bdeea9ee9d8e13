import type { MemoryAmount, MemoryLimiterConfig } from './memory-limiter-config.ts';
import type { MemorySource } from './process-memory.ts';

/** In bytes. Above `soft` new data is refused; `hard` is what must not be passed. */
export interface Limits {
  readonly softBytes: number;
  readonly hardBytes: number;
}

export interface MemoryLimits {
  /** Of what the process holds altogether. */
  readonly all: Limits;
  /** Of its heap, which ends the process at a limit of its own, however much memory there is. */
  readonly heap: Limits;
}

/** A heap that is nearly full is collected without end; and between two checks it grows. */
const heapShares = { soft: 0.75, hard: 0.9 };

export function memoryLimitsOf(
  { limit, spikeLimit }: Pick<MemoryLimiterConfig, 'limit' | 'spikeLimit'>,
  { totalBytes, heapLimitBytes }: Pick<MemorySource, 'totalBytes' | 'heapLimitBytes'>,
): MemoryLimits {
  const hardBytes = bytesOf(limit, totalBytes);
  const softBytes =
    hardBytes - (spikeLimit === undefined ? Math.floor(hardBytes / 5) : bytesOf(spikeLimit, totalBytes));
  return {
    all: { softBytes, hardBytes },
    heap: {
      softBytes: Math.min(softBytes, Math.floor(heapLimitBytes * heapShares.soft)),
      hardBytes: Math.min(hardBytes, Math.floor(heapLimitBytes * heapShares.hard)),
    },
  };
}

function bytesOf(amount: MemoryAmount, totalBytes: number): number {
  return 'bytes' in amount ? amount.bytes : Math.floor((amount.percentage * totalBytes) / 100);
}
