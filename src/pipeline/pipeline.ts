import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import type { Journal } from '../journal/journal.ts';
import type { ProfilesSink } from '../receivers/otlp/profiles-sink.ts';
import type { ReportConsumer } from '../reporter/cycle-report.ts';
import type { TraceIntake } from '../reporter/trace-intake.ts';
import type { SegmentLog } from '../storage/segment-log.ts';
import type { Clock, Random } from '../support/clock.ts';
import type { Component } from '../support/component.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';
import type { MergeIntoCycle } from './merge-into-cycle.ts';
import type { PassWatcher } from './pass-through.ts';
import type { PipelineAdmissions } from './pipeline-admissions.ts';

/** What a pipeline does between its receivers and its exporters. */
export interface Pipeline {
  readonly id: string;
  readonly store: SymbolStore;
  /** The way of raw frame samples; `undefined` without a reporting cycle. */
  readonly intake: TraceIntake | undefined;
  /** Asked before anything is decoded, by who brings it. */
  readonly admissions: PipelineAdmissions;
  /** What keeps requests on disk until they are reported; `undefined` when they are in memory alone. */
  readonly journal: Journal | undefined;
  /** The way of OTLP profiles. */
  readonly profiles: ProfilesSink;
  /** The same, where they are merged into the cycle. */
  readonly merged: MergeIntoCycle | undefined;
  /** What starts and stops, in the order of starting. */
  readonly components: readonly Component[];
}

/** Where a pipeline leads to. */
export interface PipelineOutlets {
  readonly exporters: readonly ProfilesExporter[];
  /** Who else wants every report of a cycle. */
  readonly consumers: (store: SymbolStore) => readonly ReportConsumer[];
  /** Who wants to see the OTLP requests that are sent on by themselves. */
  readonly passed: readonly PassWatcher[];
  /** What stands in for a cycle, for those who want reports of a pipeline that has none. */
  readonly substitutes: (store: SymbolStore) => readonly Component[];
  /** Where the journal of this pipeline is kept, if it is to have one. */
  readonly journalLog: SegmentLog | undefined;
}

export interface PipelineParts {
  readonly meter: Meter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly createProfileId: () => Uint8Array;
}
