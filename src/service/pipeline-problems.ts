import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { CheckedConfig, ConfiguredComponent } from '../config/check-document.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import type { GrpcServerConfig } from '../receivers/grpc-server-config.ts';
import type { OtlpReceiverConfig } from '../receivers/otlp/otlp-receiver-config.ts';
import type { ReportingCycleConfig } from '../reporter/reporting-cycle-config.ts';
import type { SymbolStoreConfig } from '../symbols/symbol-store-config.ts';
import { findSecurityProblems } from './auth-references.ts';
import { findStorageProblems } from './storage-references.ts';

/** What the processors of a pipeline may be, by whether raw frame samples come in: only a cycle makes profiles of these. */
const processorTypes = {
  frames: ['symbol_store,reporting_cycle'],
  otlp: ['symbol_store,reporting_cycle', 'symbol_store'],
};

/** What is wrong with the pipelines as a whole, though each part of them is fine. */
export function findPipelineProblems(config: CheckedConfig): ConfigProblem[] {
  return [
    ...findStorageProblems(config),
    ...findSecurityProblems(config),
    ...findSharedEndpoints(config),
    ...findUnequalServers(config),
    ...findProcessorProblems(config),
    ...findSharedReceivers(config),
    ...findSharedSnapshots(config),
    ...findIdleMerges(config),
  ];
}

/** A gRPC server has each service once, so two receivers of one type cannot share an endpoint; an HTTP server is never shared. */
function findSharedEndpoints({ pipelines, receivers }: CheckedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const receiverByEndpoint = new Map<string, string>();
  for (const id of new Set([...pipelines.values()].flatMap((pipeline) => pipeline.receivers))) {
    const receiver = receivers.get(id);
    if (receiver === undefined) continue;
    const { grpc, http } = receiver.config as Partial<OtlpReceiverConfig>;
    for (const [protocol, endpoint] of [
      ['grpc', grpc?.endpoint],
      ['http', http?.endpoint],
    ] as const) {
      if (endpoint === undefined) continue;
      const key = `${receiver.type.type} ${protocol} ${endpoint}`;
      const other = receiverByEndpoint.get(key);
      receiverByEndpoint.set(key, id);
      if (other === undefined || endpoint.endsWith(':0')) continue;
      problems.push({
        path: `receivers.${id}.protocols.${protocol}.endpoint`,
        problem: `${endpoint} is the endpoint of receiver "${other}" too`,
        remedy: `give each receiver of ${receiver.type.type} an endpoint of its own`,
      });
    }
  }
  return problems;
}

/** Receivers that name one endpoint share a gRPC server, which has one `tls`, one `auth` and one bound of each kind. */
function findUnequalServers({ pipelines, receivers }: CheckedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const firstByEndpoint = new Map<string, { readonly id: string; readonly grpc: GrpcServerConfig }>();
  for (const id of new Set([...pipelines.values()].flatMap((pipeline) => pipeline.receivers))) {
    const grpc = (receivers.get(id)?.config as Partial<OtlpReceiverConfig> | undefined)?.grpc;
    if (grpc === undefined || grpc.endpoint.endsWith(':0')) continue;
    const first = firstByEndpoint.get(grpc.endpoint);
    if (first === undefined) firstByEndpoint.set(grpc.endpoint, { id, grpc });
    else if (!isDeepStrictEqual(first.grpc, grpc)) {
      problems.push({
        path: `receivers.${id}.protocols.grpc`,
        problem: `differs from that of receiver "${first.id}", which shares the server at ${grpc.endpoint}`,
        remedy: 'give both the same settings or endpoints of their own',
      });
    }
  }
  return problems;
}

function findProcessorProblems({ pipelines, processors, receivers }: CheckedConfig): ConfigProblem[] {
  return [...pipelines].flatMap(([id, pipeline]) => {
    const types = pipeline.processors.map((processor) => processors.get(processor)?.type.type);
    // It may stand in front of each, and of nothing else: what is refused must not have been worked on.
    if (types[0] === 'memory_limiter') types.shift();
    const hasFrames = pipeline.receivers.some((receiver) => receivers.get(receiver)?.type.type === 'frames');
    if (processorTypes[hasFrames ? 'frames' : 'otlp'].includes(types.join())) return [];
    const whole =
      'name one symbol_store and then one reporting_cycle: [symbol_store, reporting_cycle]; a memory_limiter may be the first';
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
    const snapshot = pipeline.processors
      .map((each) => snapshotPath(processors.get(each)))
      .find((path) => path !== undefined);
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

/** Merging OTLP profiles into the cycle needs somebody who brings some. */
function findIdleMerges({ pipelines, processors, receivers }: CheckedConfig): ConfigProblem[] {
  return [...pipelines].flatMap(([id, pipeline]) => {
    const hasOtlp = pipeline.receivers.some((receiver) => receivers.get(receiver)?.type.type === 'otlp');
    const cycleId = pipeline.processors.find((processor) => isMerging(processors.get(processor)));
    if (hasOtlp || cycleId === undefined) return [];
    return {
      path: `processors.${cycleId}.otlp_profiles`,
      problem: `is "merge", but pipeline "${id}" has no otlp receiver`,
      remedy: `add one to service.pipelines.${id}.receivers, or remove the key`,
    };
  });
}

function isMerging(processor: ConfiguredComponent | undefined): boolean {
  if (processor?.type.type !== 'reporting_cycle') return false;
  return (processor.config as ReportingCycleConfig).otlpProfiles === 'merge';
}

function snapshotPath(processor: ConfiguredComponent | undefined): string | undefined {
  if (processor?.type.type !== 'symbol_store') return undefined;
  const { snapshot } = processor.config as SymbolStoreConfig;
  return snapshot && resolve(snapshot.path);
}
