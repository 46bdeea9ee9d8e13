import { basename } from 'node:path';
import { fnv128a } from '../../model/fnv128a.ts';
import type { CollectedSample, Recording } from './collected.ts';
import type { Executables, RecordedKernel } from './executables.ts';
import { PerfProcess } from './perf-process.ts';
import type { PerfMapping, PerfSample } from './perf-script.ts';
import { parsePerfScript } from './perf-script.ts';
import { PerfUnwinder } from './perf-unwinder.ts';
import { readText } from './read-text.ts';

/**
 * Reads `perf script` text. Its clock has no relation to Unix time, so it can be replayed as of now only.
 * @throws Error that names the file when it cannot be read or has no samples with frames.
 */
export function readPerfScript(file: string, executables: Executables): Recording {
  const reader = new PerfReader(executables);
  for (const entry of parsePerfScript(readText(file))) {
    if (entry.kind === 'mapping') reader.addMapping(entry);
    else if (entry.kind === 'sample') reader.addSample(entry);
    else if (entry.kind === 'exit') reader.end(entry.pid, entry.timeNano);
    else reader.lost += entry.count;
  }
  if (reader.samples.length === 0) {
    throw new Error(`${file}: has no samples with a call chain; record with -g, and print ip, sym and dso.`);
  }
  // perf sorts by time within each of its buffers only.
  reader.samples.sort((a, b) => Number(a.timeNano - b.timeNano));
  return {
    name: basename(file),
    periodNano: reader.clockPeriodNano || medianGap(reader.samples),
    anchorNano: reader.samples[0]!.timeNano,
    anchorUnixNano: undefined,
    resourceAttributes: { 'host.name': basename(file), 'os.type': 'linux' },
    samples: reader.samples,
    processes: reader.processes,
    lost: [
      { reason: 'REASON_BUFFER_FULL' as const, count: reader.lost },
      { reason: 'REASON_UNWIND_FAILED' as const, count: reader.emptyStacks },
    ].filter(({ count }) => count > 0n),
    unmappedFrames: reader.unmappedFrames,
  };
}

class PerfReader {
  readonly samples: CollectedSample[] = [];
  readonly processes: PerfProcess[] = [];
  lost = 0n;
  emptyStacks = 0n;
  unmappedFrames = 0;
  clockPeriodNano = 0n;
  readonly #live = new Map<number, PerfProcess>();
  readonly #unwinder: PerfUnwinder;
  #kernel: RecordedKernel;

  constructor(executables: Executables) {
    this.#unwinder = new PerfUnwinder(executables);
    this.#kernel = executables.kernel('unknown');
  }

  addMapping(mapping: PerfMapping): void {
    if (mapping.path.startsWith('[kernel')) {
      this.#kernel = kernelOf(mapping);
      return;
    }
    const { pid, comm, timeNano } = mapping;
    if (this.#live.get(pid)?.isReplacedBy(mapping)) this.end(pid, timeNano);
    this.#process(pid, comm, timeNano).addMapping(mapping);
  }

  addSample(sample: PerfSample): void {
    const { timeNano, pid, tid: threadId, comm: threadName, cpu, period, event } = sample;
    const process = this.#process(pid, threadName, timeNano);
    const { frames, truncated, unmappedFrames } = this.#unwinder.unwind(sample, process, this.#kernel);
    this.unmappedFrames += unmappedFrames;
    if (frames.length === 0) {
      this.emptyStacks += 1n;
      return;
    }
    // Only clocks count in nanoseconds; others count cycles, faults and the like.
    if (/clock/.test(event) && this.clockPeriodNano === 0n) this.clockPeriodNano = period;
    this.samples.push({ timeNano, process, threadId, threadName, cpu, frames, truncated });
  }

  end(pid: number, timeNano: bigint): void {
    const process = this.#live.get(pid);
    if (process !== undefined) process.endNano = timeNano;
    this.#live.delete(pid);
  }

  #process(pid: number, comm: string, timeNano: bigint): PerfProcess {
    let process = this.#live.get(pid);
    if (process === undefined) {
      process = new PerfProcess(pid, comm, timeNano);
      this.#live.set(pid, process);
      this.processes.push(process);
    }
    return process;
  }
}

function kernelOf({ buildId, start, size }: PerfMapping): RecordedKernel {
  const fileId = fnv128a(buildId === '' ? 'kernel unknown' : buildId);
  return {
    executable: { fileId, fileIdIsHtlhash: false, fileName: 'vmlinux', gnuBuildId: buildId, loads: [] },
    textStart: start,
    textEnd: start + size,
  };
}

/** The usual distance of two samples on one CPU, for text that does not say the period. */
function medianGap(samples: readonly CollectedSample[]): bigint {
  const last = new Map<number, bigint>();
  const gaps: bigint[] = [];
  for (const { cpu, timeNano } of samples) {
    const before = last.get(cpu);
    if (before !== undefined) gaps.push(timeNano - before);
    last.set(cpu, timeNano);
  }
  gaps.sort((a, b) => Number(a - b));
  return gaps[gaps.length >> 1] ?? 0n;
}
