import { componentIdRemedy, parseComponentId } from './component-id.ts';
import type { PipelineConfig } from './config-document.ts';
import type { ConfigSection } from './config-section.ts';
import { nearest } from './nearest.ts';
import type { ServiceTelemetryConfig } from './telemetry-config.ts';
import { readTelemetryConfig } from './telemetry-config.ts';

/** What is configured, by identifier: what pipelines and the service may refer to. */
export interface ConfiguredIds {
  readonly receivers: ReadonlyMap<string, unknown>;
  readonly processors: ReadonlyMap<string, unknown>;
  readonly exporters: ReadonlyMap<string, unknown>;
  readonly extensions: ReadonlyMap<string, unknown>;
}

export interface ServiceConfig {
  readonly pipelines: ReadonlyMap<string, PipelineConfig>;
  readonly serviceExtensions: readonly string[];
  readonly telemetry: ServiceTelemetryConfig;
}

/** Reads `service` and checks that it refers to nothing that is not there. */
export function readServiceConfig(section: ConfigSection, configured: ConfiguredIds): ServiceConfig {
  const serviceExtensions = readReferences(section, 'extensions', 'extension', configured.extensions);
  const pipelines = readPipelines(section, configured);
  const telemetry = readTelemetryConfig(section.section('telemetry'));
  section.end();
  return { pipelines, serviceExtensions, telemetry };
}

/** Warns of what is configured and will not start because nothing refers to it: seldom meant, and never seen otherwise. */
export function warnOfUnused(section: ConfigSection, configured: ConfiguredIds, service: ServiceConfig): void {
  const pipelines = [...service.pipelines.values()];
  for (const kind of ['receivers', 'processors', 'exporters'] as const) {
    const used = new Set(pipelines.flatMap((pipeline) => pipeline[kind]));
    for (const id of configured[kind].keys()) {
      if (used.has(id)) continue;
      const what = `${kind.slice(0, -1)} "${id}" is configured but in no pipeline, so it does not start`;
      section.addWarning('pipelines', `${what}; add it to one or remove it`);
    }
  }
  for (const id of configured.extensions.keys()) {
    if (service.serviceExtensions.includes(id)) continue;
    const what = `extension "${id}" is configured but not listed here, so it does not start`;
    section.addWarning('extensions', `${what}; list or remove it`);
  }
}

function readPipelines(service: ConfigSection, configured: ConfiguredIds): ReadonlyMap<string, PipelineConfig> {
  const section = service.section('pipelines');
  const pipelines = new Map<string, PipelineConfig>();
  if (section.keys().length === 0) {
    const remedy = 'add "profiles:" with receivers and exporters below it';
    service.addProblem('pipelines', 'service must have at least one pipeline', remedy);
  }
  for (const key of section.keys()) {
    const parsed = parseComponentId(key);
    if (typeof parsed === 'string') section.addProblem(key, parsed, 'write "profiles" or "profiles/name"');
    else if (pipelines.has(parsed.id)) {
      section.addProblem(key, `duplicate name "${key}" after unmarshaling ${parsed.id}`, 'remove one of the two');
    } else if (parsed.type !== 'profiles') {
      section.addProblem(key, ...otherSignal(parsed.type));
    } else pipelines.set(parsed.id, readPipeline(section.section(key), configured));
  }
  return pipelines;
}

function readPipeline(section: ConfigSection, configured: ConfiguredIds): PipelineConfig {
  const pipeline = {
    receivers: readReferences(section, 'receivers', 'receiver', configured.receivers),
    processors: readReferences(section, 'processors', 'processor', configured.processors),
    exporters: readReferences(section, 'exporters', 'exporter', configured.exporters),
  };
  for (const kind of ['receiver', 'exporter'] as const) {
    const isEmpty = section.stringList(`${kind}s`, []).length === 0;
    if (isEmpty)
      section.addProblem(`${kind}s`, `must have at least one ${kind}`, `name one, such as [${examples[kind]}]`);
  }
  section.end();
  return pipeline;
}

const examples = { receiver: 'frames', exporter: 'otlp_grpc' } as const;

/** The identifiers in a list that are configured, each once; others are faults. */
function readReferences(
  section: ConfigSection,
  key: string,
  kind: string,
  configured: ReadonlyMap<string, unknown>,
): readonly string[] {
  const ids: string[] = [];
  for (const text of section.stringList(key, [])) {
    const parsed = parseComponentId(text);
    if (typeof parsed === 'string') section.addProblem(key, parsed, componentIdRemedy);
    else if (ids.includes(parsed.id)) {
      section.addProblem(key, `references ${kind} "${parsed.id}" multiple times`, 'name it once');
    } else if (!configured.has(parsed.id)) {
      const close = nearest(parsed.id, [...configured.keys()]);
      const remedy = `${close === undefined ? 'configure' : `did you mean "${close}"? Configure`} it under ${kind}s or remove it here`;
      section.addProblem(key, `references ${kind} "${parsed.id}" which is not configured`, remedy);
    } else ids.push(parsed.id);
  }
  return ids;
}

function otherSignal(signal: string): [problem: string, remedy: string] {
  if (['traces', 'metrics', 'logs'].includes(signal)) {
    return [
      `there are no ${signal} pipelines here: Framekeeper carries profiles only`,
      `leave ${signal} to a Collector`,
    ];
  }
  return [`unknown pipeline signal: "${signal}"`, 'write "profiles" or "profiles/name"'];
}
