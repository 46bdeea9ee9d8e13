import type { CheckedConfig, ComponentOf, ConfiguredComponent } from '../config/check-document.ts';
import { isOfType } from '../config/check-document.ts';
import { MemoryLimiter } from '../memory/memory-limiter.ts';
import type { MemoryLimiterConfig } from '../memory/memory-limiter-config.ts';
import { memoryLimiterType } from '../memory/memory-limiter-config.ts';
import { createProcessMemory } from '../memory/process-memory.ts';
import type { SymbolizerConfig } from '../native/symbolizer-config.ts';
import { symbolizerType } from '../native/symbolizer-config.ts';
import type { ReportingCycleConfig } from '../reporter/reporting-cycle-config.ts';
import { reportingCycleType } from '../reporter/reporting-cycle-config.ts';
import { componentLogger } from '../support/logger.ts';
import { SnapshotKeeper } from '../symbols/snapshot/snapshot-keeper.ts';
import { SymbolStore } from '../symbols/symbol-store.ts';
import type { SymbolStoreConfig } from '../symbols/symbol-store-config.ts';
import { symbolStoreType } from '../symbols/symbol-store-config.ts';
import { registerSymbolStoreMetrics } from '../symbols/symbol-store-metrics.ts';
import type { CyclePart } from './create-cycle-part.ts';
import { createCyclePart } from './create-cycle-part.ts';
import { createIdentity } from './create-identity.ts';
import { refuseForPassThrough, refuseForReport } from './fan-out.ts';
import { mergeOrPass } from './merge-into-cycle.ts';
import type { NodeNames } from './node-names.ts';
import { createNodeNames } from './node-names.ts';
import { PassThrough } from './pass-through.ts';
import type { Pipeline, PipelineOutlets, PipelineParts } from './pipeline.ts';
import type { NamedAdmission } from './pipeline-admissions.ts';
import { createPipelineAdmissions } from './pipeline-admissions.ts';
import { StorePurge } from './store-purge.ts';

/** Symbol store, and the ways through one pipeline. */
export function createPipeline(
  id: string,
  config: CheckedConfig,
  outlets: PipelineOutlets,
  parts: PipelineParts,
): Pipeline {
  const processors = processorsOf(id, config);
  const { limiter: limiterProcessor, store: storeProcessor, cycle: cycleProcessor } = processors;
  const limiters = limiterProcessor === undefined ? [] : [createLimiter(limiterProcessor, parts)];
  const store = new SymbolStore(storeProcessor.config, parts.random);
  registerSymbolStoreMetrics(parts.meter, store);
  const first = [...limiters, ...createKeepers(storeProcessor, store, parts)];

  // Each list has the parts that may refuse new data; the first refusal is the answer.
  const memory = limiters.map(({ admission }): NamedAdmission => ({ name: 'memory', ask: admission }));
  const reportFull = { name: 'queue_full', ask: refuseForReport(outlets.exporters, parts.random) };
  const passFull = { name: 'queue_full', ask: refuseForPassThrough(outlets.exporters, parts.random) };
  const admit = (frames: readonly NamedAdmission[], otlp: readonly NamedAdmission[]) =>
    createPipelineAdmissions(id, { frames: [...memory, ...frames], otlp: [...memory, ...otlp] }, parts);

  const { exporters, passed: watchers } = outlets;
  // Defined below: names come when the pipeline works.
  const names: NodeNames = createNodeNames(
    processors.symbolizer,
    store,
    (fileId, high, low, symbol) => cycle?.intake.window.nameFrames(fileId, high, low, symbol),
    parts,
  );
  const natives = names.native === undefined ? [] : [names.native];
  const identity = createIdentity(configuredProcessors(id, config), parts);
  const editing = { ...parts, editor: identity.editor };
  const reconfigure = (next: CheckedConfig): void => {
    const { limiter, cycle: nextCycle } = processorsOf(id, next);
    if (limiter !== undefined) limiters[0]?.reconfigure(limiter.config);
    if (nextCycle !== undefined) cycle?.reconfigure(nextCycle.config);
    identity.reconfigure(configuredProcessors(id, next));
  };
  const passThrough = (): PassThrough => new PassThrough({ ...editing, names, exporters, watchers });
  const cycle: CyclePart | undefined = cycleProcessor && createCyclePart(id, cycleProcessor, names, outlets, editing);
  if (cycle === undefined) {
    const nothing = { intake: undefined, merged: undefined, journal: undefined };
    const purge = new StorePurge(storeProcessor.id, store, parts.clock);
    const components = [...first, ...identity.components, purge, ...natives, ...outlets.substitutes(store)];
    const ways = { profiles: passThrough(), admissions: admit([], [passFull]) };
    return { id, store, reconfigure, ...nothing, ...ways, components };
  }
  const { intake, merged, journal } = cycle;
  const otlpFull = merged === undefined ? passFull : reportFull;
  return {
    ...{ id, store, intake, merged, journal, reconfigure },
    profiles: merged === undefined ? passThrough() : mergeOrPass(merged, passThrough()),
    admissions: admit([reportFull, ...cycle.admissions.frames], [otlpFull, ...cycle.admissions.otlp]),
    components: [...first, ...identity.components, ...natives, ...cycle.components],
  };
}

interface Processors {
  readonly limiter: ComponentOf<MemoryLimiterConfig> | undefined;
  readonly store: ComponentOf<SymbolStoreConfig>;
  readonly symbolizer: ComponentOf<SymbolizerConfig> | undefined;
  readonly cycle: ComponentOf<ReportingCycleConfig> | undefined;
}

/** The configuration was checked: the store is there, and the order is right. */
function processorsOf(pipelineId: string, config: CheckedConfig): Processors {
  const configured = configuredProcessors(pipelineId, config);
  return {
    limiter: configured.find((each) => isOfType(each, memoryLimiterType)),
    store: configured.find((each) => isOfType(each, symbolStoreType))!,
    symbolizer: configured.find((each) => isOfType(each, symbolizerType)),
    cycle: configured.find((each) => isOfType(each, reportingCycleType)),
  };
}

function configuredProcessors(
  pipelineId: string,
  { pipelines, processors }: CheckedConfig,
): readonly (ConfiguredComponent | undefined)[] {
  return pipelines.get(pipelineId)!.processors.map((id) => processors.get(id));
}

/** Starts before anything learns names, so that it knows what the process holds without data. */
function createLimiter(
  { id, config }: ComponentOf<MemoryLimiterConfig>,
  { clock, random, meter, logger }: PipelineParts,
): MemoryLimiter {
  const own = componentLogger(logger, 'processor', id);
  const memory = createProcessMemory();
  return new MemoryLimiter(id, config, { memory, clock, random, meter, logger: own });
}

/** The snapshot keeper of the store: starts before anything learns names, and stops after the last report. */
function createKeepers(
  { id, config }: ComponentOf<SymbolStoreConfig>,
  store: SymbolStore,
  { clock, meter, logger }: PipelineParts,
): SnapshotKeeper[] {
  const { snapshot } = config;
  if (snapshot === undefined) return [];
  const own = componentLogger(logger, 'processor', id);
  return [new SnapshotKeeper(id, snapshot, { store, clock, meter, logger: own })];
}
