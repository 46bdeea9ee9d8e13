import type { PerformanceEntry } from 'node:perf_hooks';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { CompileEffort } from './compile-effort.ts';
import { heapGrowth } from './heap-growth.ts';

type Collection = PerformanceEntry & { readonly detail?: { readonly kind: number } };

/**
 * Fits V8 to the load, at each collection of garbage: without load there is none, and nothing wakes the process for this. The heap grows in
 * steps of `HeapGrowth`, and code is compiled with the effort of `CompileEffort`.
 */
export function fitEngineToLoad(): void {
  const effort = new CompileEffort(performance.now(), cpuMs());
  let flags = '';
  const set = (): void => {
    // V8 lets both flags change while it runs.
    const wanted = `--heap-growing-percent=${heapGrowth.percent} --${effort.isSparing ? '' : 'no-'}efficiency-mode`;
    if (wanted !== flags) setFlagsFromString(wanted);
    flags = wanted;
  };
  set();
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, detail } of list.getEntries() as Collection[]) {
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) heapGrowth.noteCollection(startTime);
    }
    effort.note(performance.now(), cpuMs());
    set();
  });
  observer.observe({ entryTypes: ['gc'] });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
