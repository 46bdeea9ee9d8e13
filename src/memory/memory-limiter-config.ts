import type { ConfigSection } from '../config/config-section.ts';

/** A share of memory, or so much of it. */
export type MemoryAmount = { readonly bytes: number } | { readonly percentage: number };

/** The processor `memory_limiter`, with the Collector's keys. */
export interface MemoryLimiterConfig {
  readonly checkIntervalMs: number;
  /** The hard limit. */
  readonly limit: MemoryAmount;
  /** By how much memory may grow from one check to the next; the soft limit is this far below the hard one. `undefined`: a fifth. */
  readonly spikeLimit: MemoryAmount | undefined;
  /** Between two collections while memory is above the soft limit. */
  readonly minGcIntervalSoftMs: number;
  /** The same above the hard limit. */
  readonly minGcIntervalHardMs: number;
}

const mebibyte = 1024 * 1024;
const percentages = 'must be greater than zero and less than or equal to hundred';

/**
 * Reads `memory_limiter`; sizes in MiB win over percentages.
 * Source: https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor/memorylimiterprocessor
 */
export function readMemoryLimiterConfig(section: ConfigSection): MemoryLimiterConfig {
  const limitMib = section.integer('limit_mib', 0, { min: 0 });
  const spikeMib = section.integer('spike_limit_mib', 0, { min: 0 });
  const limitPercentage = readPercentage(section, 'limit_percentage');
  const spikePercentage = readPercentage(section, 'spike_limit_percentage');
  const config = {
    checkIntervalMs: section.durationMs('check_interval', 0, { min: 0, max: 3_600_000 }),
    limit: limitMib > 0 ? { bytes: limitMib * mebibyte } : { percentage: limitPercentage },
    spikeLimit: limitMib > 0 ? sizeOf(spikeMib) : shareOf(spikePercentage),
    minGcIntervalSoftMs: section.durationMs('min_gc_interval_when_soft_limited', 10_000, { min: 0, max: 3_600_000 }),
    // The Collector's is 0. A collection here stops everything for up to half a second.
    minGcIntervalHardMs: section.durationMs('min_gc_interval_when_hard_limited', 5_000, { min: 0, max: 3_600_000 }),
  };
  section.end();
  if (config.checkIntervalMs === 0) section.addProblem('check_interval', 'must be greater than zero', 'write e.g. 1s');
  if (config.minGcIntervalSoftMs < config.minGcIntervalHardMs) {
    const problem = `should be larger than 'min_gc_interval_when_hard_limited' (${config.minGcIntervalHardMs}ms)`;
    section.addProblem('min_gc_interval_when_soft_limited', problem, 'raise it or lower the other');
  }
  if (limitMib === 0 && limitPercentage === 0) {
    section.addProblem(
      'limit_mib',
      "or 'limit_percentage' must be greater than zero",
      'write e.g. limit_percentage: 80',
    );
  }
  if (limitMib > 0 && limitMib <= spikeMib) {
    section.addProblem(
      'spike_limit_mib',
      `must be smaller than 'limit_mib' (${limitMib})`,
      'lower it or raise the other',
    );
  }
  if (limitPercentage > 0 && limitPercentage <= spikePercentage) {
    const problem = `must be smaller than 'limit_percentage' (${limitPercentage})`;
    section.addProblem('spike_limit_percentage', problem, 'lower it or raise the other');
  }
  return config;
}

/** 0 where it is not set. */
function readPercentage(section: ConfigSection, key: string): number {
  const percentage = section.integer(key, 0);
  if (percentage >= 0 && percentage <= 100) return percentage;
  section.addProblem(key, `is ${percentage}, and ${percentages}`, 'write a number from 1 to 100');
  return 0;
}

function sizeOf(mib: number): MemoryAmount | undefined {
  return mib === 0 ? undefined : { bytes: mib * mebibyte };
}

function shareOf(percentage: number): MemoryAmount | undefined {
  return percentage === 0 ? undefined : { percentage };
}
