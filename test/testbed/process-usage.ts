import { readFileSync } from 'node:fs';

/** A process at one moment, as /proc tells it. */
export interface UsageSample {
  readonly atMs: number;
  readonly rssBytes: number;
  /** CPU time since its start. */
  readonly cpuMs: number;
}

export interface UsageSummary {
  readonly seconds: number;
  readonly meanRssBytes: number;
  readonly peakRssBytes: number;
  /** Of one core: 1 is all of it. */
  readonly cpuShare: number;
  /** By how much memory grows over the second half: the slope of the line through its samples times its length. */
  readonly growthBytes: number;
}

/** USER_HZ: fixed at 100 for whatever reads /proc on Linux. */
const msPerTick = 10;

/** @throws Error when there is no such process, or no /proc */
export function readUsage(pid: number): UsageSample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  // Fields after the name, which may hold spaces: state is the first, utime and stime the 12th and 13th.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { atMs: performance.now(), rssBytes: Number(kibibytes) * 1024, cpuMs: ticks * msPerTick };
}

/** Looks at a process at intervals until it is told to end. */
export function watchUsage(pid: number, intervalMs: number): { readonly samples: UsageSample[]; end(): UsageSample[] } {
  const samples = [readUsage(pid)];
  const timer = setInterval(() => samples.push(readUsage(pid)), intervalMs);
  return {
    samples,
    end() {
      clearInterval(timer);
      samples.push(readUsage(pid));
      return samples;
    },
  };
}

export function summarize(samples: readonly UsageSample[]): UsageSummary {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const ms = last.atMs - first.atMs;
  const sizes = samples.map(({ rssBytes }) => rssBytes);
  const half = samples.slice(Math.floor(samples.length / 2));
  return {
    seconds: ms / 1000,
    meanRssBytes: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
    peakRssBytes: Math.max(...sizes),
    cpuShare: (last.cpuMs - first.cpuMs) / ms,
    growthBytes: slopeOf(half) * (half.at(-1)!.atMs - half[0]!.atMs),
  };
}

/** Bytes a millisecond, by least squares. */
function slopeOf(samples: readonly UsageSample[]): number {
  const meanMs = samples.reduce((sum, { atMs }) => sum + atMs, 0) / samples.length;
  const meanBytes = samples.reduce((sum, { rssBytes }) => sum + rssBytes, 0) / samples.length;
  const covariance = samples.reduce((sum, { atMs, rssBytes }) => sum + (atMs - meanMs) * (rssBytes - meanBytes), 0);
  const variance = samples.reduce((sum, { atMs }) => sum + (atMs - meanMs) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}
