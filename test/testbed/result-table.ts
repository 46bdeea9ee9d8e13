import type { Measured, Measurement } from './measure.ts';
import type { UsageSample } from './process-usage.ts';

export interface Row {
  readonly measurement: Measurement;
  readonly measured: Measured;
  /** Why it is not as it has to be; empty when it is. */
  readonly problems: readonly string[];
}

export interface Ceilings {
  readonly rssBytes: number;
  /** Of one core. */
  readonly cpuShare: number;
  /** Growth over the second half, of a run that has to be flat. */
  readonly growthBytes: number;
}

/** Share of the samples asked for that have to be taken, or else the machine was too busy to say anything. */
const leastAchieved = 0.98;

export function problemsOf(measurement: Measurement, { usage, load }: Measured, ceilings: Ceilings): string[] {
  const problems: string[] = [];
  const over = (what: string, value: number, most: number, write: (value: number) => string): void => {
    if (value > most) problems.push(`${what} ${write(value)}, at most ${write(most)}`);
  };
  over('resident memory', usage.peakRssBytes, ceilings.rssBytes, mebibytes);
  over('CPU', usage.cpuShare, ceilings.cpuShare, percent);
  if (!measurement.isBackendUp) over('growth', usage.growthBytes, ceilings.growthBytes, mebibytes);
  const asked = measurement.rate * measurement.seconds;
  // With the backend down and the queue in memory there comes a time when nothing is taken any more.
  const hasRoom = measurement.isBackendUp || measurement.isDurable;
  if (load !== undefined && hasRoom && load.acceptedSamples < leastAchieved * asked) {
    problems.push(`${load.acceptedSamples} of ${asked} samples were taken`);
  }
  return problems;
}

/** A table in Markdown. The first row is what memory and CPU are compared with. */
export function formatTable(rows: readonly Row[]): string {
  const idle = rows[0]!.measured.usage;
  const head = [
    '| run | samples/s | RSS mean / peak | against idle | growth, second half | CPU of a core | CPU of the sender |',
    '|---|--:|--:|--:|--:|--:|--:|',
  ];
  const body = rows.map(({ measurement, measured: { usage, load } }) => {
    const rate = load === undefined ? '–' : grouped(Math.round(load.acceptedSamples / load.seconds));
    const ratio = (usage.meanRssBytes / idle.meanRssBytes).toFixed(2);
    const sender = load === undefined ? '–' : percent(load.cpuSeconds / load.seconds);
    const memory = `${mebibytes(usage.meanRssBytes)} / ${mebibytes(usage.peakRssBytes)}`;
    const cells = [measurement.name, rate, memory, `${ratio} ×`, mebibytes(usage.growthBytes)];
    return `| ${[...cells, percent(usage.cpuShare), sender].join(' | ')} |`;
  });
  return [...head, ...body].join('\n');
}

/** Resident memory at so many moments, evenly spread. */
export function formatCourse(samples: readonly UsageSample[], count = 13): string {
  const startMs = samples[0]!.atMs;
  const moments = Array.from({ length: count }, (_, index) => Math.round((index * (samples.length - 1)) / (count - 1)));
  return moments
    .map((at) => `${((samples[at]!.atMs - startMs) / 1000).toFixed(0)}s ${mebibytes(samples[at]!.rssBytes)}`)
    .join(', ');
}

export function mebibytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(Math.abs(bytes) < 10 << 20 ? 1 : 0)} MiB`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
