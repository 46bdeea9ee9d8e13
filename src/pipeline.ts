import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { CheckedConfig } from './config/check-document.ts';
import type { ProfilesExporter } from './exporters/export-request.ts';
import { Journal } from './journal/journal.ts';
import { createJournalEvents } from './journal/journal-events.ts';
import { PassThrough } from './pass-through.ts';
import type { NamedAdmission, PipelineAdmissions } from './pipeline-admissions.ts';
import { createPipelineAdmissions } from './pipeline-admissions.ts';
import type { ProfilesSink } from './receivers/otlp/profiles-sink.ts';
import { hasNoRoomForReport, refuseFramesWhenFull, refuseOtlpWhenFull } from './refuse-full.ts';
import { ReportHandOver } from './report-hand-over.ts';
import type { ReportConsumer } from './reporter/cycle-report.ts';
import type { ReporterMetrics } from './reporter/reporter-metrics.ts';
import { createReporterMetrics } from './reporter/reporter-metrics.ts';
import { ReportingCycle } from './reporter/reporting-cycle.ts';
import type { ReportingCycleConfig } from './reporter/reporting-cycle-config.ts';
import { TraceIntake } from './reporter/trace-intake.ts';
import type { SegmentLog } from './storage/segment-log.ts';
import type { Clock, Random } from './support/clock.ts';
import type { Component } from './support/component.ts';
import { componentLogger } from './support/logger.ts';
import { SnapshotKeeper } from './symbols/snapshot/snapshot-keeper.ts';
import { SymbolStore } from './symbols/symbol-store.ts';
import type { SymbolStoreConfig } from './symbols/symbol-store-config.ts';
import { registerSymbolStoreMetrics } from './symbols/symbol-store-metrics.ts';

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
  /** What starts and stops, in the order of starting. */
  readonly components: readonly Component[];
}

/** Where a pipeline leads to. */
export interface PipelineOutlets {
  readonly exporters: readonly ProfilesExporter[];
  /** Who else wants every report of a cycle. */
  readonly consumers: (store: SymbolStore) => readonly ReportConsumer[];
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

/** Symbol store, and the ways through one pipeline. */
export function createPipeline(
  id: string,
  config: CheckedConfig,
  outlets: PipelineOutlets,
  parts: PipelineParts,
): Pipeline {
  const [storeId = '', cycleId] = config.pipelines.get(id)!.processors;
  const storeConfig = config.processors.get(storeId)!.config as SymbolStoreConfig;
  const store = new SymbolStore(storeConfig, parts.random);
  registerSymbolStoreMetrics(parts.meter, store);
  const { exporters } = outlets;
  // Whoever has a reason to take nothing at present stands here.
  const framesAdmissions: NamedAdmission[] = [
    { name: 'queue_full', ask: refuseFramesWhenFull(exporters, parts.random) },
  ];
  const otlpAdmissions: NamedAdmission[] = [{ name: 'queue_full', ask: refuseOtlpWhenFull(exporters, parts.random) }];
  const admissions = createPipelineAdmissions(id, { frames: framesAdmissions, otlp: otlpAdmissions }, parts);
  const profiles = new PassThrough({ ...parts, store, ownsStore: cycleId === undefined, exporters });
  const keepers = keepersOf(storeId, storeConfig, store, parts);
  const common = { id, store, admissions, profiles };
  if (cycleId === undefined) return { ...common, intake: undefined, journal: undefined, components: keepers };
  const cycleConfig = config.processors.get(cycleId)!.config as ReportingCycleConfig;
  const { maxEvents, maxBytes, intervalMs } = cycleConfig;
  const limits = { maxEvents, maxBytes, retryDelayMs: intervalMs };
  const intake = new TraceIntake(store, store.neededNames, limits, parts.clock);
  const metrics = createReporterMetrics(parts.meter, () => intake.figures);
  const outlet = createHandOver(exporters, metrics, parts.logger);
  const journal = outlets.journalLog && createJournal(id, cycleId, { log: outlets.journalLog, intake, parts });
  const own: NamedAdmission[] = [{ name: 'report_waits', ask: outlet.admission }];
  if (journal !== undefined) own.push({ name: 'journal', ask: journal.admission });
  framesAdmissions.push(...own);
  otlpAdmissions.push(...own);
  const consumers = outlets.consumers(store);
  const isHeldUp = (): boolean => hasNoRoomForReport(exporters);
  const work = { symbols: store, intake, metrics, consumers, isHeldUp, outlet, journal };
  const cycle = new ReportingCycle(cycleId, cycleConfig, { ...parts, ...work });
  return { ...common, intake, journal, components: [...keepers, ...(journal ? [journal] : []), cycle] };
}

function createHandOver(
  exporters: readonly ProfilesExporter[],
  metrics: ReporterMetrics,
  logger: Logger,
): ReportHandOver {
  return new ReportHandOver(exporters, {
    logger,
    onFailure: (error, { sampleCount }) => {
      metrics.recordHandOverFailure();
      logger.error({ err: error, samples: sampleCount }, 'A report could not be handed over.');
    },
  });
}

/** Its samples are in the window again before anything comes in. */
function createJournal(
  pipelineId: string,
  cycleId: string,
  { log, intake, parts }: { readonly log: SegmentLog; readonly intake: TraceIntake; readonly parts: PipelineParts },
): Journal {
  const { clock, meter } = parts;
  const logger = componentLogger(parts.logger, 'processor', cycleId);
  const events = createJournalEvents(pipelineId, logger, meter);
  return new Journal(cycleId, { log, clock, events, countEvents: () => intake.window.events.count });
}

/** What lets the store survive a restart: starts before anything learns names, and stops after the last report. */
function keepersOf(
  id: string,
  { snapshot }: SymbolStoreConfig,
  store: SymbolStore,
  { clock, random, meter, logger }: PipelineParts,
): SnapshotKeeper[] {
  if (snapshot === undefined) return [];
  const own = componentLogger(logger, 'processor', id);
  return [new SnapshotKeeper(id, snapshot, { store, clock, random, meter, logger: own })];
}
