import type { PerformanceEntry } from 'node:perf_hooks';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

/** Growth of the heap and its buffers between two collections of the whole heap, per cent of what survived the first. */
const growth = {
  /** V8 adds some megabytes at least. */
  small: 20,
  large: 200,
} as const;

/** Collections of the whole heap that follow each other faster cost more than memory is worth. */
const shortMs = 10_000;
/** With six times the room, a heap that filled within `shortMs` fills within this. */
const longMs = 60_000;

type Collection = PerformanceEntry & { readonly detail?: { readonly kind: number } };

/** The growth after a collection of the whole heap, by the time since the one before. */
export function growthAfter(intervalMs: number, percent: number): number {
  if (intervalMs < shortMs) return growth.large;
  return intervalMs > longMs ? growth.small : percent;
}

/**
 * Lets the heap grow in large steps while it fills fast, and in small ones otherwise. Under load V8 would collect the whole heap for every 8 MB of
 * buffers, which messages make in a fraction of a second, and mark a small heap that hardly changes again and again; young
 * collections free the buffers at a fraction of that cost. On a node that is seldom busy, the same room would be filled with
 * garbage over many minutes, for the sake of a collection that costs nothing there. V8 keeps to the heap's limit in any case.
 */
export function growHeapByLoad(): void {
  let percent: number = growth.small;
  let lastMs = performance.now();
  const set = (): void => setFlagsFromString(`--heap-growing-percent=${percent}`);
  set();
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, detail } of list.getEntries() as Collection[]) {
      if (detail?.kind !== constants.NODE_PERFORMANCE_GC_MAJOR) continue;
      percent = growthAfter(startTime - lastMs, percent);
      lastMs = startTime;
    }
    set();
  });
  observer.observe({ entryTypes: ['gc'] });
}
