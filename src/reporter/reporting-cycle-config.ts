import type { ProcessorType } from '../config/component-type.ts';
import { choice, decimal, duration, flag, integer } from '../config/config-keys.ts';
import type { ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import { storageKey } from '../config/references.ts';

const table = configTable({
  about: 'Makes OTLP profiles of the samples at intervals.',
  keys: {
    intervalMs: duration('interval', { fallback: 5_000, min: 10, max: 3_600_000 }, 'Length of a reporting cycle.'),
    jitter: decimal(
      'jitter',
      { fallback: 0.2, min: 0, max: 0.9 },
      'Share of the interval by which each cycle is randomly longer or shorter, so that a fleet does not send at once.',
    ),
    resolveGrace: flag(
      'resolve_grace',
      { fallback: true },
      'Samples that lack a name which only their collector can give wait for one more cycle.',
    ),
    otlpProfiles: choice(
      'otlp_profiles',
      { choices: ['pass_through', 'merge'], fallback: 'pass_through' },
      'OTLP profiles are sent on request by request, or leave with the report of the cycle; requests over 512 KiB pass in any case.',
    ),
    // 400,000 samples a second for the longest cycle by default, 6 s; 128 CPUs at 100 Hz make 12,800 a second.
    maxEvents: integer(
      'max_events',
      { fallback: 2_500_000, min: 1, max: 100_000_000 },
      'Bound of the trace events of a cycle.',
    ),
    maxBytes: integer(
      'max_bytes',
      { fallback: 134_217_728, min: 65_536 },
      "Bound of the bytes of a cycle; an eighth of the heap's limit (`--max-old-space-size`) where that is less.",
    ),
    storage: storageKey(
      'Extension that keeps samples on disk until they are reported; they are in memory alone without it.',
    ),
  },
});

/** `storage` is the identifier of an extension; empty: samples are in memory alone. */
export type ReportingCycleConfig = ConfigOf<typeof table>;

/** Processor `reporting_cycle`. */
export const reportingCycleType: ProcessorType<ReportingCycleConfig> = {
  kind: 'processor',
  type: 'reporting_cycle',
  aliases: [],
  stability: 'alpha',
  table,
  // The ways into the window, and the journal, are made once.
  changesInPlace: (before, after) => before.otlpProfiles === after.otlpProfiles && before.storage === after.storage,
};
