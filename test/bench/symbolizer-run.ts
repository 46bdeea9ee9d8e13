// Asks the symbolizer's thread for addresses of one file, and prints times and memory as JSON: node symbolizer-run.ts FILE COUNT… [--rest]
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { htlhashOf } from '../../src/native/elf/build-id.ts';
import type { CodeRanges } from '../../src/native/elf/code-ranges.ts';
import { codeRanges } from '../../src/native/elf/code-ranges.ts';
import { readElfFile } from '../../src/native/elf/elf-file.ts';
import { openRegularFile } from '../../src/native/files/open-file.ts';
import { SymbolizerWorker } from '../../src/native/worker/symbolizer-worker.ts';
import { systemClock } from '../../src/support/clock.ts';
import { seededRandom } from '../soak/seeded-random.ts';
import { heldBytes } from './memory.ts';

/** Figures of one file; times of the requests in the order of the counts. */
export interface SymbolizerRun {
  readonly times: readonly { readonly count: number; readonly ms: number; readonly named: number }[];
  /** CPU time of the process, all threads. */
  readonly cpuMs: number;
  /** Resident memory of the process above that before the first request, at most. */
  readonly peakBytes: number;
  /** The same some time after the thread has ended; absent without `--rest`, which takes that time. */
  readonly restBytes?: number;
  /** Event loop of the main thread while the thread worked. */
  readonly delayMs: { readonly p99: number };
}

const restMs = 12_000;

/** The same addresses for everybody who reads the file. */
export function addressesOf(path: string, count: number): Float64Array {
  const opened = openRegularFile(path, 2 ** 40)!;
  try {
    return randomAddresses(codeRanges(readElfFile(opened.source)!), count);
  } finally {
    opened.close();
  }
}

export function randomAddresses({ starts, ends }: CodeRanges, count: number): Float64Array {
  const ranges = Array.from(starts, (start, index) => [start, ends[index]!] as const);
  const random = seededRandom(1);
  const total = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const addresses = new Set<number>();
  while (addresses.size < Math.min(count, total / 2)) {
    let at = Math.floor(random() * total);
    for (const [start, end] of ranges) {
      if (at < end - start) {
        addresses.add(start + at);
        break;
      }
      at -= end - start;
    }
  }
  return Float64Array.from(addresses).sort();
}

async function run(path: string, counts: readonly number[], hasRest: boolean): Promise<SymbolizerRun> {
  const opened = openRegularFile(path, 2 ** 40)!;
  const file = { fileId: htlhashOf(opened.source), gnuBuildId: '', fileName: path };
  opened.close();
  const search = { procRoot: '/proc', debugDirectories: [], maxFileBytes: 2 ** 40, hasOwnPaths: true };
  const options = {
    ...{ search, debugInfo: 'inlines' as const, demangle: true, directory: tmpdir(), maxTableBytes: 2 ** 25 },
    ...{ maxInflatedBytes: 2 ** 30, idleMs: 30_000 },
  };
  const batches = counts.map((count) => addressesOf(path, count));
  const worker = new SymbolizerWorker(options, { timeoutMs: 600_000, maxHeapMib: 96 }, systemClock);
  const before = residentBytes('VmRSS');
  writeFileSync('/proc/self/clear_refs', '5');
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const times: { count: number; ms: number; named: number }[] = [];
  for (const addresses of batches) {
    const began = performance.now();
    let named = 0;
    for (let at = 0; at < addresses.length; at += 1000) {
      const reply = await worker.ask({ id: at, file, pids: [], addresses: addresses.slice(at, at + 1000) });
      if (reply.kind !== 'answered') throw new Error(JSON.stringify(reply));
      named += reply.symbols.filter((symbol) => symbol !== undefined && symbol.functionName !== '').length;
    }
    times.push({ count: addresses.length, ms: performance.now() - began, named });
  }
  delay.disable();
  const peakBytes = residentBytes('VmHWM') - before;
  const cpuMs = (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  await worker.stop();
  const figures = { times, cpuMs, peakBytes, delayMs: { p99: delay.percentile(99) / 1e6 } };
  if (!hasRest) return figures;
  // Replies are garbage here. V8 keeps the pages of an ended thread for eight seconds.
  await systemClock.sleep(restMs);
  heldBytes();
  return { ...figures, restBytes: residentBytes('VmRSS') - before };
}

function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line![1]) * 1024;
}

if (import.meta.main) {
  const [path, ...rest] = process.argv.slice(2);
  const counts = rest.filter((each) => each !== '--rest').map(Number);
  console.log(JSON.stringify(await run(path!, counts, rest.includes('--rest'))));
}
