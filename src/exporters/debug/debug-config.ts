import type { ComponentType } from '../../config/component-type.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { SendingQueueConfig } from '../sending-queue-config.ts';
import { readSendingQueueConfig } from '../sending-queue-config.ts';

export interface DebugConfig {
  readonly verbosity: Verbosity;
  /** Requests that are shown of each second, and which of those after: every `samplingThereafter`th, 0 = none. */
  readonly samplingInitial: number;
  readonly samplingThereafter: number;
  readonly queue: SendingQueueConfig;
}

/** A line a request, a line a profile, or all there is. */
export type Verbosity = 'basic' | 'normal' | 'detailed';

export const debugExporterType: ComponentType<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  aliases: [],
  stability: 'alpha',
  read: readDebugConfig,
};

/** Reads a `debug` exporter (https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/debugexporter). */
export function readDebugConfig(section: ConfigSection): DebugConfig {
  const config = {
    verbosity: section.oneOf('verbosity', 'basic', ['basic', 'normal', 'detailed']),
    samplingInitial: section.integer('sampling_initial', 2, { min: 0 }),
    samplingThereafter: section.integer('sampling_thereafter', 1, { min: 0 }),
    queue: readSendingQueueConfig(section.section('sending_queue'), 1),
  };
  section.end();
  return config;
}
