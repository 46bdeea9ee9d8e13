import { componentIdRemedy, parseComponentId } from './component-id.ts';
import type { PipelineConfig } from './config-document.ts';
import { converted, section, textList } from './config-keys.ts';
import type { ConfigSection } from './config-section.ts';
import type { ConfigKey, ConfigTable } from './config-table.ts';
import { configTable } from './config-table.ts';
import { nearest } from './nearest.ts';
import type { ServiceTelemetryConfig } from './telemetry-config.ts';
import { telemetryTable } from './telemetry-config.ts';

/** ConfiguredIds are the components, by identifier, that pipelines and the service may refer to. */
export interface ConfiguredIds {
  readonly receivers: ReadonlyMap<string, unknown>;
  readonly processors: ReadonlyMap<string, unknown>;
  readonly exporters: ReadonlyMap<string, unknown>;
  readonly extensions: ReadonlyMap<string, unknown>;
}

export interface ServiceSection {
  readonly pipelines: ReadonlyMap<string, PipelineConfig>;
  readonly serviceExtensions: readonly string[];
  readonly telemetry: ServiceTelemetryConfig;
}

/** `service`, whose references must be to components that are configured. */
export function serviceTable(configured: ConfiguredIds): ConfigTable<ServiceSection> {
  return configTable({
    about: 'The parts that start, and the service itself.',
    source: 'https://opentelemetry.io/docs/collector/configuration/#service',
    keys: {
      serviceExtensions: references('extension', configured, 'Extensions that start, in this order.'),
      pipelines: pipelinesKey(configured),
      telemetry: section('telemetry', telemetryTable),
    },
  });
}

/** Warns of components that do not start because nothing refers to them: seldom meant, and hard to see. */
export function warnOfUnused(section: ConfigSection, configured: ConfiguredIds, service: ServiceSection): void {
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

function pipelinesKey(configured: ConfiguredIds): ConfigKey<ReadonlyMap<string, PipelineConfig>> {
  const table = pipelineTable(configured);
  const meaning = 'Pipelines, by identifier; at least one.';
  const form = { kind: 'named sections', table, type: 'profiles' } as const;
  return { key: 'pipelines', meaning, form, read: (service) => readPipelines(service, table) };
}

function pipelineTable(configured: ConfiguredIds): ConfigTable<PipelineConfig> {
  return configTable({
    about: 'The components that profiles pass, by identifier.',
    keys: {
      receivers: references(
        'receiver',
        configured,
        'Where samples and profiles come in; at least one. A receiver stands in one pipeline.',
      ),
      processors: references(
        'processor',
        configured,
        '`[symbol_store, reporting_cycle]`, with a `memory_limiter` before them; `[symbol_store]` is enough without a `frames` receiver.',
      ),
      exporters: references('exporter', configured, 'Where profiles go; at least one.'),
    },
    check: (_pipeline, own) => {
      for (const kind of ['receiver', 'exporter'] as const) {
        if (own.stringList(`${kind}s`, []).length > 0) continue;
        own.addProblem(`${kind}s`, `must have at least one ${kind}`, `name one, such as [${examples[kind]}]`);
      }
    },
  });
}

function readPipelines(
  service: ConfigSection,
  table: ConfigTable<PipelineConfig>,
): ReadonlyMap<string, PipelineConfig> {
  const own = service.section('pipelines');
  const pipelines = new Map<string, PipelineConfig>();
  if (own.keys().length === 0) {
    const remedy = 'add "profiles:" with receivers and exporters below it';
    service.addProblem('pipelines', 'service must have at least one pipeline', remedy);
  }
  for (const key of own.keys()) {
    const parsed = parseComponentId(key);
    if (typeof parsed === 'string') own.addProblem(key, parsed, 'write "profiles" or "profiles/name"');
    else if (pipelines.has(parsed.id)) {
      own.addProblem(key, `duplicate name "${key}" after unmarshaling ${parsed.id}`, 'remove one of the two');
    } else if (parsed.type !== 'profiles') {
      own.addProblem(key, ...otherSignal(parsed.type));
    } else pipelines.set(parsed.id, table.read(own.section(key)));
  }
  return pipelines;
}

const examples = { receiver: 'frames', exporter: 'otlp_grpc' } as const;

/** A list of identifiers of one kind. */
function references(
  kind: 'receiver' | 'processor' | 'exporter' | 'extension',
  configured: ConfiguredIds,
  meaning: string,
): ConfigKey<readonly string[]> {
  const key = textList(`${kind}s`, { fallback: [] }, meaning);
  return converted(key, (ids, own) => takeReferences(ids, kind, configured[`${kind}s`], own));
}

/** The identifiers that are configured, each once; others are faults. */
function takeReferences(
  written: readonly string[],
  kind: string,
  configured: ReadonlyMap<string, unknown>,
  section: ConfigSection,
): readonly string[] {
  const key = `${kind}s`;
  const ids: string[] = [];
  for (const text of written) {
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
