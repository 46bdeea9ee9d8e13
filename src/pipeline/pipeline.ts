import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { CheckedConfig } from '../config/check-document.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import type { Host } from '../identity/host.ts';
import type { Journal } from '../journal/journal.ts';
import type { ProfilesSink } from '../receivers/otlp/profiles-sink.ts';
import type { ReportConsumer } from '../reporter/cycle-report.ts';
import type { TraceIntake } from '../reporter/trace-intake.ts';
import type { SegmentLog } from '../storage/segment-log.ts';
import type { Clock, Random } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';
import type { MergeIntoCycle } from './merge-into-cycle.ts';
import type { PassWatcher } from './pass-through.ts';
import type { PipelineAdmissions } from './pipeline-admissions.ts';

/** The stages of a pipeline between its receivers and its exporters. */
export interface Pipeline {
  readonly id: string;
  readonly store: SymbolStore;
  /** The way of raw frame samples; `undefined` without a reporting cycle. */
  readonly intake: TraceIntake | undefined;
  /** Asked before anything is decoded, by who brings it. */
  readonly admissions: PipelineAdmissions;
  /** Keeps requests on disk until they are reported; `undefined` when requests are held in memory alone. */
  readonly journal: Journal | undefined;
  /** The way of OTLP profiles. */
  readonly profiles: ProfilesSink;
  /** The same, where they are merged into the cycle. */
  readonly merged: MergeIntoCycle | undefined;
  /** Takes the configuration of processors that change in place; all others are as they were. */
  reconfigure(config: CheckedConfig): void;
  /** Parts with a start and a stop, in the order of starting. */
  readonly components: readonly Component[];
}

/** Destinations of a pipeline: exporters, observers of its data, and its journal. */
export interface PipelineOutlets {
  readonly exporters: readonly ProfilesExporter[];
  /** Consumers of every report of a cycle, beside the exporters. */
  readonly consumers: (store: SymbolStore) => readonly ReportConsumer[];
  /** Observers of OTLP requests that pass outside a cycle. */
  readonly passed: readonly PassWatcher[];
  /** Substitutes for the cycle, one for each consumer, in a pipeline without a cycle. */
  readonly substitutes: (store: SymbolStore) => readonly Component[];
  /** Segment log of the journal on disk; `undefined` for a pipeline without a journal. */
  readonly journalLog: SegmentLog | undefined;
}

export interface PipelineParts {
  readonly meter: Meter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly createProfileId: () => Uint8Array;
  /** Machine that processors of identity ask; this one by default. */
  readonly host?: Host;
  /** At this size of its heap V8 ends the process; that of this process by default. */
  readonly heapLimitBytes?: number;
}
