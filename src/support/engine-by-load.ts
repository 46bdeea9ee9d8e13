import type { PerformanceEntry } from 'node:perf_hooks';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { CompileEffort } from './compile-effort.ts';
import { spareEngine } from './engine-effort.ts';
import { heapGrowth } from './heap-growth.ts';

type Collection = PerformanceEntry & { readonly detail?: { readonly kind: number } };

/**
 * Of young objects, both halves together. V8 doubles their space whenever enough of them survive, to 128 MiB and within minutes, although a collection of 16 MiB takes
 * a few milliseconds a second at 10,000 samples a second; what it has once touched it keeps.
 */
const mostYoungBytes = 16 * 1024 * 1024;

/**
 * Fits V8 to the load, at each collection of garbage: without load there is none, and nothing wakes the process for this. The heap grows in
 * steps of `HeapGrowth`, its young objects take up to `mostYoungBytes`, and code is compiled with the effort of `CompileEffort`.
 */
export function fitEngineToLoad(): void {
  const effort = new CompileEffort(performance.now(), cpuMs());
  let flags = '';
  const set = (): void => {
    // V8 lets these flags change while it runs.
    const wanted = [
      `--heap-growing-percent=${heapGrowth.percent}`,
      `--semi-space-growth-factor=${2 * youngBytes() > mostYoungBytes ? 1 : 2}`,
    ].join(' ');
    if (wanted !== flags) setFlagsFromString(wanted);
    flags = wanted;
    spareEngine(effort.isSparing);
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

/** Of the space for young objects, used or not; costs 5 µs. */
function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
