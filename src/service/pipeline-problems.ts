import { resolve } from 'node:path';
import type { CheckedConfig } from '../config/check-document.ts';
import { isOfType } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { identityTypes } from '../identity/identity-types.ts';
import { memoryLimiterType } from '../memory/memory-limiter-config.ts';
import { symbolizerType } from '../native/symbolizer-config.ts';
import { framesReceiverType } from '../receivers/frames/frames-receiver.ts';
import { otlpReceiverType } from '../receivers/otlp/otlp-receiver.ts';
import { reportingCycleType } from '../reporter/reporting-cycle-config.ts';
import { fileStorageType } from '../storage/file-storage.ts';
import { symbolStoreType } from '../symbols/symbol-store-config.ts';
import type { ServiceConfig } from './components.ts';
import { findListenerProblems } from './listener-problems.ts';
import type { Machine } from './machine.ts';
import { thisMachine } from './machine.ts';
import { findMissingFiles } from './missing-files.ts';
import { findOwnDestinations } from './own-destinations.ts';

/** Finds the faults of pipelines and listeners as a whole, in a configuration whose parts are each without one. */
export function findPipelineProblems(
  config: ServiceConfig,
  warn: (path: string, warning: string) => void = () => undefined,
  machine: Machine = thisMachine(),
): ConfigProblem[] {
  warnOfSmallQueues(config, warn);
  return [
    ...findListenerProblems(config, machine),
    ...findOwnDestinations(config, machine),
    ...findMissingFiles(config),
    ...findProcessorProblems(config),
    ...findSharedReceivers(config),
    ...findSharedSnapshots(config),
    ...findIdleMerges(config),
    ...findSmallStorages(config),
  ];
}

function findProcessorProblems({ pipelines, processors, receivers }: CheckedConfig): ConfigProblem[] {
  return [...pipelines].flatMap(([id, pipeline]) => {
    const isOfIdentity = (type: ComponentType | undefined): boolean => identityTypes.some((each) => each === type);
    const all = pipeline.processors.map((processor) => processors.get(processor)?.type);
    const types = all.filter((type, index) => index === 0 || !isOfIdentity(type));
    if (isOfIdentity(types[0]) && !all.includes(memoryLimiterType)) types.shift();
    // Before all others: refused data must not have cost any work.
    if (types[0] === memoryLimiterType) types.shift();
    const hasFrames = pipeline.receivers.some((receiver) => isOfType(receivers.get(receiver), framesReceiverType));
    if (types[1] === symbolizerType) types.splice(1, 1);
    const [store, cycle, ...others] = types;
    const isCycle = cycle === reportingCycleType || (cycle === undefined && !hasFrames);
    if (store === symbolStoreType && isCycle && others.length === 0) return [];
    const whole =
      'name one symbol_store and then one reporting_cycle: [symbol_store, reporting_cycle]; a memory_limiter may be the first, ' +
      'a symbolizer may stand between them, and filter, k8s_attributes, resource, resource_detection and service_name anywhere behind';
    return {
      path: `service.pipelines.${id}.processors`,
      problem: `is [${pipeline.processors.join(', ')}]`,
      remedy: hasFrames ? whole : `${whole}; without a frames receiver, [symbol_store] is enough`,
    };
  });
}

function findSharedReceivers({ pipelines }: CheckedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const pipelineByReceiver = new Map<string, string>();
  for (const [id, { receivers }] of pipelines) {
    for (const receiver of receivers) {
      const other = pipelineByReceiver.get(receiver);
      pipelineByReceiver.set(receiver, id);
      if (other === undefined) continue;
      const path = `service.pipelines.${id}.receivers`;
      const problem = `receiver "${receiver}" is in pipeline "${other}" too`;
      problems.push({ path, problem, remedy: 'give each pipeline receivers of its own' });
    }
  }
  return problems;
}

function findSharedSnapshots({ pipelines, processors }: CheckedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const pipelineBySnapshot = new Map<string, string>();
  for (const [id, pipeline] of pipelines) {
    const stores = pipeline.processors
      .map((each) => processors.get(each))
      .filter((each) => isOfType(each, symbolStoreType));
    const written = stores.find(({ config }) => config.snapshot !== undefined)?.config.snapshot?.path;
    const snapshot = written && resolve(written);
    if (snapshot === undefined) continue;
    const other = pipelineBySnapshot.get(snapshot);
    pipelineBySnapshot.set(snapshot, id);
    if (other === undefined) continue;
    const path = `service.pipelines.${id}.processors`;
    const problem = `the store's snapshot "${snapshot}" is that of pipeline "${other}" too`;
    const remedy = 'give each pipeline a symbol_store with a snapshot path of its own';
    problems.push({ path, problem, remedy });
  }
  return problems;
}

/** A cycle that merges OTLP profiles needs a receiver of them. */
function findIdleMerges({ pipelines, processors, receivers }: CheckedConfig): ConfigProblem[] {
  return [...pipelines].flatMap(([id, pipeline]) => {
    const hasOtlp = pipeline.receivers.some((receiver) => isOfType(receivers.get(receiver), otlpReceiverType));
    const cycleId = pipeline.processors.find((id) => {
      const processor = processors.get(id);
      return isOfType(processor, reportingCycleType) && processor.config.otlpProfiles === 'merge';
    });
    if (hasOtlp || cycleId === undefined) return [];
    return {
      path: `processors.${cycleId}.otlp_profiles`,
      problem: `is "merge", but pipeline "${id}" has no otlp receiver`,
      remedy: `add one to service.pipelines.${id}.receivers, or remove the key`,
    };
  });
}

/**
 * Finds sending queues on disk that a full window would not fit into: its samples would be acknowledged first and dropped after.
 * Of its own bound a queue takes such a report beyond, while it is not full.
 */
export function findSmallStorages({ pipelines, processors, exporters, extensions }: ServiceConfig): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  for (const { processors: names, exporters: targets } of pipelines.values()) {
    const cycle = names.map((id) => processors.get(id)).find((each) => isOfType(each, reportingCycleType));
    if (!isOfType(cycle, reportingCycleType)) continue;
    for (const target of targets) {
      const exporter = exporters.get(target);
      const storage = exporter && extensions.get(exporter.type.queueOf(exporter.config).storage);
      if (!isOfType(storage, fileStorageType) || storage.config.maxBytes >= cycle.config.maxBytes) continue;
      const problem = `is ${storage.config.maxBytes / bytesPerMiB}, but a report of ${cycle.id} may have max_bytes (${cycle.config.maxBytes}), and must fit into the sending queue of ${target}`;
      const remedy = `write ${Math.ceil(cycle.config.maxBytes / bytesPerMiB)} or more, or lower processors.${cycle.id}.max_bytes`;
      problems.set(storage.id, { path: `extensions.${storage.id}.max_size_mib`, problem, remedy });
    }
  }
  return [...problems.values()];
}

/**
 * Warns of sending queues in memory that a full window does not fit into. Such a report is taken while its queue is not full, because its
 * samples have been acknowledged: so the queue holds more than its bound says.
 */
function warnOfSmallQueues(
  { pipelines, processors, exporters }: ServiceConfig,
  warn: (path: string, warning: string) => void,
): void {
  for (const { processors: names, exporters: targets } of pipelines.values()) {
    const cycle = names.map((id) => processors.get(id)).find((each) => isOfType(each, reportingCycleType));
    if (!isOfType(cycle, reportingCycleType)) continue;
    const { maxEvents, maxBytes } = cycle.config;
    for (const target of targets) {
      const exporter = exporters.get(target);
      const queue = exporter?.type.queueOf(exporter.config);
      if (queue === undefined || !queue.enabled || queue.sizer === 'requests') continue;
      const [most, key] = queue.sizer === 'bytes' ? [maxBytes, 'max_bytes'] : [maxEvents, 'max_events'];
      if (queue.queueSize >= most) continue;
      warn(
        `exporters.${target}.sending_queue.queue_size`,
        `is ${queue.queueSize} ${queue.sizer}, but a report of ${cycle.id} may have ${most} (${key}) and is taken while the queue is not full, ` +
          `so that up to ${queue.queueSize + most} wait; write ${most} or more, or lower processors.${cycle.id}.${key}`,
      );
    }
  }
}

const bytesPerMiB = 1024 * 1024;
