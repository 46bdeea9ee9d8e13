import type { CollectedSample, CollectedType, Recording } from './collected.ts';
import { ofTextFile, onCpuType, Remarks } from './collected.ts';
import type { Executables } from './executables.ts';
import { KernelFiles, kernelModuleOf } from './kernel-files.ts';
import type { PerfMapping, PerfSample, PerfTask } from './perf-entries.ts';
import { parsePerfScript, withoutProcess, withoutTime } from './perf-script.ts';
import { PerfUnwinder } from './perf-unwinder.ts';
import type { RecordedProcess } from './process-table.ts';
import { ProcessTable } from './process-table.ts';

/**
 * Reads `perf script` text. Its clock has no relation to Unix time, so it can be replayed as of now only.
 * @throws Error that names the file, and the remedy, when it has no samples with frames.
 */
export function readPerfScript(file: string, text: string, executables: Executables): Recording {
  const reader = new PerfReader(executables);
  for (const entry of parsePerfScript(text, reader.remarks)) {
    if (entry.kind === 'mapping') reader.addMapping(entry);
    else if (entry.kind === 'sample') reader.addSample(entry);
    else if (entry.kind === 'loss') reader.lost += entry.count;
    else reader.addTask(entry);
  }
  const samples = reader.typedSamples();
  if (samples.length === 0) throw new Error(`${file}: ${whyNoSamples(reader.remarks)}`);
  return {
    ...ofTextFile(file, samples),
    processes: reader.processes.processes,
    lost: [
      { reason: 'REASON_BUFFER_FULL' as const, count: reader.lost },
      { reason: 'REASON_UNWIND_FAILED' as const, count: BigInt(reader.remarks.counts.get(withoutStack) ?? 0) },
    ].filter(({ count }) => count > 0n),
    remarks: reader.remarks.counts,
  };
}

const withoutStack = 'samples without a stack (record with -g, and print ip, sym and dso)';
const threadForProcess =
  'samples with a thread ID alone, taken for a process of its own (print it: perf script -F +pid)';

/** The field that all samples lack; `undefined` where no single field explains the loss. */
function whyNoSamples({ counts }: Remarks): string {
  for (const reason of [withoutTime, withoutProcess]) {
    if (counts.has(reason)) return `has only ${reason}.`;
  }
  if (counts.has(withoutStack)) return 'has no samples with a call chain; record with -g, and print ip, sym and dso.';
  return 'has no samples that can be read; "perf script" text, folded stacks and output of bpftrace can.';
}

type UntypedSample = Omit<CollectedSample, 'type' | 'value'> & { readonly event: string; readonly period: bigint };

class PerfReader {
  readonly remarks = new Remarks();
  readonly processes = new ProcessTable();
  lost = 0n;
  readonly #samples: UntypedSample[] = [];
  readonly #pidsByThread = new Map<number, number>();
  readonly #executables: Executables;
  readonly #kernel: KernelFiles;
  readonly #unwinder: PerfUnwinder;

  constructor(executables: Executables) {
    this.#executables = executables;
    this.#kernel = new KernelFiles(executables.kernel('unknown'));
    this.#unwinder = new PerfUnwinder(executables, this.#kernel, this.remarks);
  }

  addMapping(mapping: PerfMapping): void {
    const { pid, tid, comm, path, buildId, start, end } = mapping;
    const module = kernelModuleOf(path);
    if (module === '') this.#kernel.setText(this.#executables.kernelOf(buildId, start, end));
    else if (pid < 0 && module !== undefined) this.#kernel.addModule(module, start, end, buildId);
    else if (pid >= 0) {
      this.#pidsByThread.set(tid, pid);
      this.processes.map(pid, mapping, pid === tid ? comm : undefined);
    }
  }

  addTask({ kind, pid, tid, parentPid, comm, timeNano }: PerfTask): void {
    this.#pidsByThread.set(tid, pid);
    if (kind === 'exit') this.processes.exit(pid, timeNano);
    else if (kind === 'fork') this.processes.fork(pid, parentPid, timeNano);
    else if (kind === 'exec') this.processes.exec(pid, comm, timeNano);
    else this.processes.see(pid, timeNano).setThreadName(comm, pid === tid);
  }

  addSample(sample: PerfSample): void {
    const { timeNano, tid: threadId, comm: threadName, cpu, period, event } = sample;
    const pid = sample.pid ?? this.#pidOf(sample);
    const process = this.processes.see(pid, timeNano);
    process.setThreadName(threadName, pid === threadId);
    const { frames, truncated } = this.#unwinder.unwind(sample, process);
    if (frames.length === 0) {
      this.remarks.add(withoutStack);
      return;
    }
    this.#samples.push({ timeNano, process, threadId, threadName, cpu, frames, truncated, event, period });
  }

  /** Of a thread: told by a record, or the one process in whose memory the thread's code lies. */
  #pidOf({ tid, frames }: PerfSample): number {
    const known = this.#pidsByThread.get(tid);
    if (known !== undefined) return known;
    const users = frames.filter(({ path }) => path.startsWith('/'));
    const owners: RecordedProcess[] =
      users.length === 0 ? [] : [...this.processes.live].filter((process) => holds(process, users));
    if (owners.length === 1) {
      this.remarks.add('samples with a thread ID alone, given to the process that has their code in its memory');
      return owners[0]!.pid;
    }
    this.remarks.add(threadForProcess);
    return tid;
  }

  /** In the order of their times, with the type of each event: on-CPU time for the first that counts it, else its own. */
  typedSamples(): CollectedSample[] {
    // perf sorts by time within each of its buffers only.
    this.#samples.sort((a, b) => (a.timeNano < b.timeNano ? -1 : a.timeNano > b.timeNano ? 1 : 0));
    const onCpuEvent = this.#samples.map(({ event }) => eventName(event)).find((name) => onCpuEvents.has(name));
    const types = new Map<string, CollectedType>();
    return this.#samples.map(({ event, period, ...sample }) => {
      const name = eventName(event);
      let type = types.get(name);
      if (type === undefined) {
        type = name === onCpuEvent ? onCpuType(this.#periodOf(name)) : eventType(name);
        types.set(name, type);
      }
      return { ...sample, type, value: name === onCpuEvent ? undefined : period || 1n };
    });
  }

  /** Only clocks count in nanoseconds; for others the usual distance of two samples on one CPU tells. */
  #periodOf(name: string): bigint {
    const samples = this.#samples.filter(({ event }) => eventName(event) === name);
    const printed = /clock/.test(name) ? samples.find(({ period }) => period > 0n)?.period : undefined;
    return printed ?? medianGap(samples);
  }
}

function holds(
  { space }: RecordedProcess,
  frames: readonly { readonly path: string; readonly address: bigint }[],
): boolean {
  return frames.every(({ path, address }) => {
    return space.mappings.some((m) => m.path === path && address >= m.start && address < m.end);
  });
}

// Sampled by time, or by cycles at a frequency, which comes to the same.
const onCpuEvents: ReadonlySet<string> = new Set(['', 'cpu-clock', 'task-clock', 'cycles', 'cpu-cycles']);

/** Without modifiers (`:pppH`) and the name of the PMU (`cpu_core/cycles/`): `sched:sched_switch` is a name as it is. */
function eventName(event: string): string {
  const name = event.replace(/:[ukhIGHpPSDWeRb]{1,12}$/, '');
  return /^[\w-]+\/((?:cpu-)?cycles)\//.exec(name)?.[1] ?? name;
}

function eventType(name: string): CollectedType {
  return { sampleType: name, sampleUnit: 'count', periodType: '', periodUnit: '', period: 0n };
}

function medianGap(samples: readonly UntypedSample[]): bigint {
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
