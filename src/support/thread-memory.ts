import type { Worker } from 'node:worker_threads';

/** Numbers of V8, of which this needs two. */
interface HeapStatistics {
  readonly total_heap_size: number;
  readonly external_memory: number;
}

type MeasuredWorker = Worker & {
  /** Node.js 22.16 and newer. Also of a thread that is busy. */
  getHeapStatistics?(): Promise<HeapStatistics>;
};

/** Memory of the threads of this process, by thread; those of the runtime itself are not among them. */
const bytesByThread = new Map<Worker, number>();

/** Counts the memory of a thread until it ends. */
export function watchThreadMemory(worker: Worker): void {
  bytesByThread.set(worker, 0);
  worker.once('exit', () => bytesByThread.delete(worker));
}

/**
 * Bytes that all threads hold, heaps and buffers, as they were at the last call: `process.memoryUsage()` knows those of its own thread
 * alone. 0 where Node.js cannot tell.
 */
export function readThreadBytes(): number {
  let sum = 0;
  for (const [worker, bytes] of bytesByThread) {
    sum += bytes;
    // Rejects when the thread ends meanwhile.
    (worker as MeasuredWorker).getHeapStatistics?.().then(
      (heap) => {
        if (bytesByThread.has(worker)) bytesByThread.set(worker, heap.total_heap_size + heap.external_memory);
      },
      () => undefined,
    );
  }
  return sum;
}
