import type { ProcessorType } from '../config/component-type.ts';
import { converted, duration, integer } from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigKey, ConfigOf, ValuesOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';

/** A share of memory, or so much of it. */
export type MemoryAmount = { readonly bytes: number } | { readonly percentage: number };

const mebibyte = 1024 * 1024;
const upToAnHour = { min: 0, max: 3_600_000 };

const keys = {
  checkIntervalMs: duration(
    'check_interval',
    { fallback: 0, ...upToAnHour },
    'Interval of looking at the memory; above 0. Required.',
  ),
  limitMib: integer(
    'limit_mib',
    { fallback: 0, min: 0 },
    'Hard limit in MiB; goes before `limit_percentage`, and one of the two is required.',
  ),
  spikeMib: integer(
    'spike_limit_mib',
    { fallback: 0, min: 0 },
    'Growth in MiB from one check to the next: the soft limit is this far below the hard one; 0 is a fifth of it.',
  ),
  limitPercentage: percentage(
    'limit_percentage',
    'Hard limit in percent of the memory that the process may have: of its control group, or of the machine.',
  ),
  spikePercentage: percentage('spike_limit_percentage', 'The same as `spike_limit_mib`, in percent.'),
  minGcIntervalSoftMs: duration(
    'min_gc_interval_when_soft_limited',
    { fallback: 10_000, ...upToAnHour },
    'Time between two garbage collections while memory is above the soft limit.',
  ),
  // The Collector's is 0. A collection here stops everything for up to half a second.
  minGcIntervalHardMs: duration(
    'min_gc_interval_when_hard_limited',
    { fallback: 5_000, ...upToAnHour },
    'The same above the hard limit.',
  ),
};

const table = configTable(
  {
    about: 'Refuses new data while memory is short, before it is decoded.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor/memorylimiterprocessor',
    keys,
    check,
  },
  ({ limitMib, spikeMib, limitPercentage, spikePercentage, ...intervals }) => ({
    ...intervals,
    /** The hard limit. */
    limit: amountOf(limitMib, limitPercentage) ?? { percentage: 0 },
    /** The soft limit is this far below the hard one; `undefined`: a fifth. */
    spikeLimit: limitMib > 0 ? amountOf(spikeMib, 0) : amountOf(0, spikePercentage),
  }),
);

export type MemoryLimiterConfig = ConfigOf<typeof table>;

/** Processor `memory_limiter`, with the Collector's keys. */
export const memoryLimiterType: ProcessorType<MemoryLimiterConfig> = {
  kind: 'processor',
  type: 'memory_limiter',
  aliases: [],
  stability: 'alpha',
  table,
  changesInPlace: () => true,
};

function check(values: ValuesOf<typeof keys>, section: ConfigSection): void {
  const { checkIntervalMs, minGcIntervalSoftMs, minGcIntervalHardMs } = values;
  const { limitMib, spikeMib, limitPercentage, spikePercentage } = values;
  if (checkIntervalMs === 0) section.addProblem('check_interval', 'must be greater than zero', 'write e.g. 1s');
  if (minGcIntervalSoftMs < minGcIntervalHardMs) {
    const problem = `should be larger than 'min_gc_interval_when_hard_limited' (${minGcIntervalHardMs}ms)`;
    section.addProblem('min_gc_interval_when_soft_limited', problem, 'raise it or lower the other');
  }
  if (limitMib === 0 && limitPercentage === 0) {
    const problem = "or 'limit_percentage' must be greater than zero";
    section.addProblem('limit_mib', problem, 'write e.g. limit_percentage: 80');
  }
  if (limitMib > 0 && limitMib <= spikeMib) {
    const problem = `must be smaller than 'limit_mib' (${limitMib})`;
    section.addProblem('spike_limit_mib', problem, 'lower it or raise the other');
  }
  if (limitPercentage > 0 && limitPercentage <= spikePercentage) {
    const problem = `must be smaller than 'limit_percentage' (${limitPercentage})`;
    section.addProblem('spike_limit_percentage', problem, 'lower it or raise the other');
  }
}

/** 0 where it is not set. */
function percentage(key: string, meaning: string): ConfigKey<number> {
  const form = { kind: 'integer', fallback: 0, min: 0, max: 100 } as const;
  return converted({ ...integer(key, { fallback: 0 }, meaning), form }, (value, section) => {
    if (value >= 0 && value <= 100) return value;
    const problem = `is ${value}, and must be greater than zero and less than or equal to hundred`;
    section.addProblem(key, problem, 'write a number from 1 to 100');
    return 0;
  });
}

/** MiB go before percentages; `undefined` where both are 0. */
function amountOf(mib: number, share: number): MemoryAmount | undefined {
  if (mib > 0) return { bytes: mib * mebibyte };
  return share > 0 ? { percentage: share } : undefined;
}
