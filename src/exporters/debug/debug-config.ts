import { choice, integer, section } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { orderedQueueTable } from '../sending-queue-config.ts';

/** Verbosity is a line a request, a line a profile, or all there is. */
export type Verbosity = 'basic' | 'normal' | 'detailed';

/** Exporter `debug`. */
export const debugTable = configTable({
  about: 'Writes what would be sent to the log.',
  source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/debugexporter',
  keys: {
    verbosity: choice(
      'verbosity',
      { choices: ['basic', 'normal', 'detailed'], fallback: 'basic' },
      'A line a request, a line a profile, or all there is.',
    ),
    samplingInitial: integer('sampling_initial', { fallback: 2, min: 0 }, 'Requests of each second that are shown.'),
    samplingThereafter: integer(
      'sampling_thereafter',
      { fallback: 1, min: 0 },
      'Of the further requests of the second, every this many is shown; 0 shows none.',
    ),
    queue: section('sending_queue', orderedQueueTable),
  },
});

export type DebugConfig = ConfigOf<typeof debugTable>;
