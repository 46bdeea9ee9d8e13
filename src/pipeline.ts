import { resolve } from 'node:path';
import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { CheckedConfig, ConfiguredComponent } from './config/check-document.ts';
import type { ConfigProblem } from './config/config-error.ts';
import type { ExportRequest, ProfilesExporter } from './exporters/export-request.ts';
import { encodeProfilesData } from './otlp/encode-profiles-data.ts';
import type { ProfilesData } from './otlp/profiles-data.ts';
import type { FramesReceiverConfig } from './receivers/frames/frames-receiver-config.ts';
import type { ReportConsumer } from './reporter/cycle-report.ts';
import { createReporterMetrics } from './reporter/reporter-metrics.ts';
import { ReportingCycle } from './reporter/reporting-cycle.ts';
import type { ReportingCycleConfig } from './reporter/reporting-cycle-config.ts';
import { TraceIntake } from './reporter/trace-intake.ts';
import { findStorageProblems } from './storage-references.ts';
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
  readonly intake: TraceIntake;
  /** What starts and stops, in the order of starting. */
  readonly components: readonly Component[];
}

export interface PipelineParts {
  readonly meter: Meter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly createProfileId: () => Uint8Array;
}

const processorTypes = ['symbol_store', 'reporting_cycle'] as const;

/** What is wrong with the pipelines as a whole, though each part of them is fine. */
export function findPipelineProblems(config: CheckedConfig): ConfigProblem[] {
  const { pipelines, processors } = config;
  const problems = [...findStorageProblems(config), ...findSharedEndpoints(config)];
  const pipelineByReceiver = new Map<string, string>();
  const pipelineBySnapshot = new Map<string, string>();
  for (const [id, pipeline] of pipelines) {
    const path = `service.pipelines.${id}`;
    const types = pipeline.processors.map((processor) => processors.get(processor)?.type.type);
    if (types.join() !== processorTypes.join()) {
      problems.push({
        path: `${path}.processors`,
        problem: `is [${pipeline.processors.join(', ')}]`,
        remedy: 'name one symbol_store and then one reporting_cycle: [symbol_store, reporting_cycle]',
      });
    }
    for (const receiver of pipeline.receivers) {
      const other = pipelineByReceiver.get(receiver);
      pipelineByReceiver.set(receiver, id);
      if (other === undefined) continue;
      const problem = `receiver "${receiver}" is in pipeline "${other}" too`;
      problems.push({ path: `${path}.receivers`, problem, remedy: 'give each pipeline receivers of its own' });
    }
    const snapshot = snapshotPath(processors.get(pipeline.processors[0] ?? ''));
    const sharer = snapshot === undefined ? undefined : pipelineBySnapshot.get(snapshot);
    if (snapshot !== undefined) pipelineBySnapshot.set(snapshot, id);
    if (sharer === undefined) continue;
    const problem = `the store's snapshot "${snapshot}" is that of pipeline "${sharer}" too`;
    const remedy = 'give each pipeline a symbol_store with a snapshot path of its own';
    problems.push({ path: `${path}.processors`, problem, remedy });
  }
  return problems;
}

/** A gRPC server has each service once, so two receivers of frames cannot share an endpoint. */
function findSharedEndpoints({ pipelines, receivers }: CheckedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const receiverByEndpoint = new Map<string, string>();
  for (const id of new Set([...pipelines.values()].flatMap((pipeline) => pipeline.receivers))) {
    const receiver = receivers.get(id);
    if (receiver?.type.type !== 'frames') continue;
    const { endpoint } = (receiver.config as FramesReceiverConfig).grpc;
    const other = receiverByEndpoint.get(endpoint);
    receiverByEndpoint.set(endpoint, id);
    if (other === undefined || endpoint.endsWith(':0')) continue;
    problems.push({
      path: `receivers.${id}.protocols.grpc.endpoint`,
      problem: `${endpoint} is the endpoint of receiver "${other}" too`,
      remedy: 'give each receiver of frames an endpoint of its own',
    });
  }
  return problems;
}

function snapshotPath(processor: ConfiguredComponent | undefined): string | undefined {
  if (processor?.type.type !== 'symbol_store') return undefined;
  const { snapshot } = processor.config as SymbolStoreConfig;
  return snapshot && resolve(snapshot.path);
}

/** Symbol store, intake and cycle of one pipeline; `consumers` get every report. */
export function createPipeline(
  id: string,
  config: CheckedConfig,
  consumers: (store: SymbolStore) => readonly ReportConsumer[],
  parts: PipelineParts,
): Pipeline {
  const [storeId = '', cycleId = ''] = config.pipelines.get(id)!.processors;
  const storeConfig = config.processors.get(storeId)!.config as SymbolStoreConfig;
  const cycleConfig = config.processors.get(cycleId)!.config as ReportingCycleConfig;
  const store = new SymbolStore(storeConfig, parts.random);
  const { maxEvents, maxBytes, intervalMs } = cycleConfig;
  const intake = new TraceIntake(
    store,
    store.neededNames,
    { maxEvents, maxBytes, retryDelayMs: intervalMs },
    parts.clock,
  );
  const metrics = createReporterMetrics(parts.meter, () => intake.figures);
  registerSymbolStoreMetrics(parts.meter, store);
  const cycle = new ReportingCycle(cycleId, cycleConfig, {
    ...parts,
    symbols: store,
    intake,
    metrics,
    consumers: consumers(store),
  });
  return { id, store, intake, components: [...keepersOf(storeId, storeConfig, store, parts), cycle] };
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

/** Offers the profiles of each report to each exporter; what a queue refuses, its exporter counts. */
export function exportReports(exporters: readonly ProfilesExporter[]): ReportConsumer[] {
  // Encoded once, whoever asks first.
  const requests = new WeakMap<ProfilesData, ExportRequest>();
  return exporters.map((exporter) => ({
    consume: ({ data, sampleCount }) => {
      if (data === undefined) return;
      const request = requests.get(data) ?? createRequest(data, sampleCount);
      requests.set(data, request);
      exporter.offer(request);
    },
  }));
}

function createRequest(data: ProfilesData, sampleCount: number): ExportRequest {
  let bytes: Uint8Array | undefined;
  return {
    data,
    sampleCount,
    encoded: () => {
      bytes ??= encodeProfilesData(data);
      return bytes;
    },
  };
}
