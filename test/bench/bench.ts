/** One measured thing. Rows of one comparison have one unit, and less is better unless the unit is a rate. */
export interface BenchRow {
  readonly what: string;
  readonly unit: string;
  readonly median: number;
  /** Distance of the quartiles, in `unit`: half of all rounds lie within it. */
  readonly spread: number;
  /** `ratio` is this median divided by that of `what`. */
  readonly ratioTo?: { readonly what: string; readonly ratio: number };
}

export interface BenchSuite {
  readonly name: string;
  run(options: BenchOptions): Promise<BenchRow[]>;
}

export interface BenchOptions {
  readonly rounds: number;
}

/** One way to do the same work. */
export interface Contender {
  readonly what: string;
  /** Does the work once. What it returns is kept for a while, so that the work is not optimized away. */
  run(): unknown;
}

export interface Comparison {
  readonly unit: string;
  readonly rounds: number;
  /** How many times each contender works in a round; enough for a few milliseconds. */
  readonly runsPerRound: number;
  /** A time for one run, in `unit`. */
  convert(nanosecondsPerRun: number): number;
}

/**
 * Measures contenders in turns, so that whatever else the machine does hits all of them alike. The first is what the others
 * are compared with. Two rounds warm up and are not counted.
 */
export function compareInRounds(contenders: readonly Contender[], comparison: Comparison): BenchRow[] {
  const times = contenders.map((): number[] => []);
  for (let round = -warmupRounds; round < comparison.rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const nanoseconds = timeRuns(contender, comparison.runsPerRound);
      if (round >= 0) times[index]!.push(comparison.convert(nanoseconds));
    }
  }
  const baseline = quantile(times[0]!, 0.5);
  return contenders.map(({ what }, index) => {
    const median = quantile(times[index]!, 0.5);
    const spread = Math.abs(quantile(times[index]!, 0.75) - quantile(times[index]!, 0.25));
    const row = { what, unit: comparison.unit, median, spread };
    return index === 0 ? row : { ...row, ratioTo: { what: contenders[0]!.what, ratio: median / baseline } };
  });
}

/** The value below which `fraction` of the values lie, between the nearest two. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

const warmupRounds = 2;

function timeRuns(contender: Contender, runs: number): number {
  const start = process.hrtime.bigint();
  for (let run = 0; run < runs; run++) results[run % results.length] = contender.run();
  return Number(process.hrtime.bigint() - start) / runs;
}

// Results land here, so that no compiler may leave the work out.
const results: unknown[] = [undefined, undefined];
