import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { CheckedConfig, ConfiguredComponent } from './config/check-document.ts';
import type { ExportRequest, ProfilesExporter } from './exporters/export-request.ts';
import { Journal } from './journal/journal.ts';
import { createJournalEvents } from './journal/journal-events.ts';
import { MemoryLimiter } from './memory/memory-limiter.ts';
import type { MemoryLimiterConfig } from './memory/memory-limiter-config.ts';
import { createProcessMemory } from './memory/process-memory.ts';
import { MergeIntoCycle } from './merge-into-cycle.ts';
import { PassThrough } from './pass-through.ts';
import type { NamedAdmission, PipelineAdmissions } from './pipeline-admissions.ts';
import { createPipelineAdmissions } from './pipeline-admissions.ts';
import type { ProfilesSink } from './receivers/otlp/profiles-sink.ts';
import { hasNoRoomForReport, refuseForPassThrough, refuseForReport } from './refuse-full.ts';
import { ReportHandOver } from './report-hand-over.ts';
import type { ReportConsumer } from './reporter/cycle-report.ts';
import type { ReporterMetrics, WindowFigures } from './reporter/reporter-metrics.ts';
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
  readonly passed: readonly ((request: ExportRequest) => void)[];
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

/** Symbol store, and the ways through one pipeline. */
export function createPipeline(
  id: string,
  config: CheckedConfig,
  outlets: PipelineOutlets,
  parts: PipelineParts,
): Pipeline {
  const processors = config.pipelines.get(id)!.processors.map((each) => config.processors.get(each)!);
  const limiters = processors
    .filter(({ type }) => type.type === 'memory_limiter')
    .map((each) => createLimiter(each, parts));
  const [storeId = '', cycleId] = processors
    .filter(({ type }) => type.type !== 'memory_limiter')
    .map((each) => each.id);
  const storeConfig = config.processors.get(storeId)!.config as SymbolStoreConfig;
  const cycleConfig =
    cycleId === undefined ? undefined : (config.processors.get(cycleId)!.config as ReportingCycleConfig);
  const store = new SymbolStore(storeConfig, parts.random);
  registerSymbolStoreMetrics(parts.meter, store);
  const { exporters } = outlets;
  // Whoever has a reason to take nothing at present stands here.
  const memory = limiters.map(({ admission }) => ({ name: 'memory', ask: admission }));
  const reportFull = { name: 'queue_full', ask: refuseForReport(exporters, parts.random) };
  const framesAdmissions: NamedAdmission[] = [...memory, reportFull];
  const passFull = { name: 'queue_full', ask: refuseForPassThrough(exporters, parts.random) };
  const otlpAdmissions: NamedAdmission[] = [...memory, cycleConfig?.otlpProfiles === 'merge' ? reportFull : passFull];
  const admissions = createPipelineAdmissions(id, { frames: framesAdmissions, otlp: otlpAdmissions }, parts);
  const keepers = keepersOf(storeId, storeConfig, store, parts);
  const passThrough = (): PassThrough =>
    new PassThrough({ ...parts, store, ownsStore: cycleId === undefined, exporters, watchers: outlets.passed });
  const common = { id, store, admissions };
  if (cycleId === undefined || cycleConfig === undefined) {
    const components = [...limiters, ...keepers, ...outlets.substitutes(store)];
    return { ...common, intake: undefined, merged: undefined, journal: undefined, profiles: passThrough(), components };
  }
  const { intake, merged } = createWindow(cycleConfig, store, parts);
  const metrics = createReporterMetrics(parts.meter, () => figuresOf(intake, merged));
  const outlet = createHandOver(exporters, metrics, parts.logger);
  const journal = outlets.journalLog && createJournal(id, cycleId, { log: outlets.journalLog, intake, parts });
  const waiting = { name: 'report_waits', ask: outlet.admission };
  const kept = journal === undefined ? [] : [{ name: 'journal', ask: journal.admission }];
  framesAdmissions.push(waiting, ...kept);
  otlpAdmissions.push(waiting);
  // What passes through goes into no window, and so into no journal.
  if (merged !== undefined) otlpAdmissions.push(...kept, { name: 'window_full', ask: merged.admission });
  const consumers = outlets.consumers(store);
  const isHeldUp = (): boolean => hasNoRoomForReport(exporters);
  const work = { symbols: store, intake, company: merged, metrics, consumers, isHeldUp, outlet, journal };
  const cycle = new ReportingCycle(cycleId, cycleConfig, { ...parts, ...work });
  const components = [...limiters, ...keepers, ...(journal ? [journal] : []), cycle];
  return { ...common, intake, merged, journal, profiles: merged ?? passThrough(), components };
}

/** The two ways into a window: raw frame samples, and OTLP profiles where these are merged. They share its bounds. */
function createWindow(
  { maxEvents, maxBytes, intervalMs, otlpProfiles }: ReportingCycleConfig,
  store: SymbolStore,
  parts: PipelineParts,
): { readonly intake: TraceIntake; readonly merged: MergeIntoCycle | undefined } {
  const limits = { maxEvents, maxBytes, retryDelayMs: intervalMs };
  if (otlpProfiles === 'pass_through') {
    return { intake: new TraceIntake(store, store.neededNames, limits, parts.clock), merged: undefined };
  }
  const merged = new MergeIntoCycle({ ...parts, store, limits, window: () => intake.figures });
  const intake = new TraceIntake(store, store.neededNames, { ...limits, company: merged }, parts.clock);
  return { intake, merged };
}

function figuresOf(intake: TraceIntake, merged: MergeIntoCycle | undefined): WindowFigures {
  const { events, bytes, rejectedSamples } = intake.figures;
  if (merged === undefined) return { events, bytes, rejectedSamples };
  const { share } = merged;
  return {
    events: events + share.events,
    bytes: bytes + share.bytes,
    rejectedSamples: rejectedSamples + merged.rejectedSamples,
  };
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

/** Starts before anything learns names, so that it knows what the process holds without data. */
function createLimiter(
  { id, config }: ConfiguredComponent,
  { clock, random, meter, logger }: PipelineParts,
): MemoryLimiter {
  const own = componentLogger(logger, 'processor', id);
  const memory = createProcessMemory();
  return new MemoryLimiter(id, config as MemoryLimiterConfig, { memory, clock, random, meter, logger: own });
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
