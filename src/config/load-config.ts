import { componentIdRemedy, parseComponentId } from './component-id.ts';
import type { ComponentType, Environment, ReportVariable } from './component-type.ts';
import type { ConfigDocument } from './config-document.ts';
import type { ConfigProblem } from './config-error.ts';
import { ConfigError } from './config-error.ts';
import { ConfigNotes } from './config-notes.ts';
import { ConfigSection } from './config-section.ts';
import type { ConfigSources } from './config-source.ts';
import { nameOfSet, nameOfSource, readSet, readSource } from './config-source.ts';
import type { ConfigMap, ConfigValue } from './config-value.ts';
import { isMap, merge } from './config-value.ts';
import type { Surroundings } from './expand.ts';
import { expand } from './expand.ts';
import { serviceTable, warnOfUnused } from './service-config.ts';

/**
 * Reads, merges and expands all sources, lets exporters of `types` take from the environment what is left open, and checks what every configuration has: top-level keys, identifiers, pipelines
 * and the service's own telemetry. What components say of their parts is for `checkDocument`.
 * @throws ConfigError when a source cannot be read or is no YAML, or when nothing is configured: what follows from
 * that is not worth reading. All other faults are in the document.
 */
export function loadConfig(
  sources: ConfigSources,
  surroundings: Surroundings,
  types: readonly ComponentType[] = [],
): ConfigDocument {
  const problems: ConfigProblem[] = [];
  const notes = new ConfigNotes();
  const merged = mergeSources(sources, surroundings, problems, notes);
  const expanded = expand(merged, surroundings, problems, notes) as ConfigMap;
  const effective = completeFromEnvironment(expanded, types, surroundings.env, problems);
  const root = new ConfigSection('', effective, problems, notes);
  const receivers = readComponents(root, 'receivers');
  const processors = readComponents(root, 'processors');
  const exporters = readComponents(root, 'exporters');
  const extensions = readComponents(root, 'extensions');
  for (const id of root.section('connectors').keys()) {
    root
      .section('connectors')
      .addProblem(id, 'there are no connectors here', 'remove it, and connect pipelines in a Collector');
  }
  if (receivers.size === 0) {
    root.addProblem('receivers', 'no receiver configuration specified in config', 'configure at least one receiver');
  }
  if (exporters.size === 0) {
    root.addProblem('exporters', 'no exporter configuration specified in config', 'configure at least one exporter');
  }
  const configured = { receivers, processors, exporters, extensions };
  const service = serviceTable(configured).read(root.section('service'));
  root.end();
  // Beside faults it would be noise: a reference at fault is no reference.
  if (problems.length === 0) warnOfUnused(root.section('service'), configured, service);
  const completed = (): ConfigMap => root.completed();
  return { ...configured, ...service, completed, problems, notes, warnings: notes.warnings };
}

/** Throws at once what no reader could make sense of. */
function mergeSources(
  { configs, sets }: ConfigSources,
  surroundings: Surroundings,
  problems: ConfigProblem[],
  notes: ConfigNotes,
): ConfigMap {
  let merged: ConfigMap = {};
  const addLater = (later: ConfigMap | undefined, name: string): void => {
    merged = merge(merged, later ?? {}, (path) => {
      notes.warn(path, `is empty in ${name} and so removes what came before; write {} to keep it`);
    }) as ConfigMap;
  };
  for (const source of configs) {
    addLater(readSource(source, surroundings, problems, notes.warnings), nameOfSource(source));
  }
  for (const set of sets) addLater(readSet(set, problems), nameOfSet(set));
  if (problems.length === 0 && Object.keys(merged).length === 0) {
    const path = configs.map(nameOfSource).join(', ');
    problems.push({ path, problem: 'empty configuration file', remedy: 'configure receivers, exporters and service' });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return merged;
}

/** The sections of one kind by identifier. A fault in an identifier leaves its section out. */
function readComponents(root: ConfigSection, kind: string): ReadonlyMap<string, ConfigSection> {
  const section = root.section(kind);
  const byId = new Map<string, ConfigSection>();
  for (const key of section.keys()) {
    const parsed = parseComponentId(key);
    if (typeof parsed === 'string') section.addProblem(key, parsed, componentIdRemedy);
    else if (byId.has(parsed.id)) {
      section.addProblem(key, `duplicate name "${key}" after unmarshaling ${parsed.id}`, 'remove one of the two');
    } else byId.set(parsed.id, section.section(key));
  }
  return byId;
}

/** Lets exporters take from the environment what the configuration leaves open. */
function completeFromEnvironment(
  config: ConfigMap,
  types: readonly ComponentType[],
  env: Environment,
  problems: ConfigProblem[],
): ConfigMap {
  const { exporters } = config;
  if (!isMap(exporters)) return config;
  const report: ReportVariable = (path, problem, remedy) => {
    // Several exporters read the same variable; its fault is one.
    if (!problems.some((other) => other.path === path)) problems.push({ path, problem, remedy });
  };
  const completed = Object.entries(exporters).map(([key, values]): [string, ConfigValue] => {
    const id = parseComponentId(key);
    const name = typeof id === 'string' ? undefined : id.type;
    const type = types.find((each) => each.kind === 'exporter' && [each.type, ...each.aliases].includes(name ?? ''));
    if (type?.fromEnvironment === undefined || !(values === null || isMap(values))) return [key, values];
    return [key, type.fromEnvironment(values ?? {}, env, report)];
  });
  return { ...config, exporters: Object.fromEntries(completed) };
}
