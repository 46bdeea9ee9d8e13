import { parseComponentId } from './component-id.ts';
import type { ComponentType, Environment, ReportVariable } from './component-type.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigMap, ConfigValue } from './config-value.ts';
import { isMap } from './config-value.ts';

/** Lets exporters take from the environment what the configuration leaves open. */
export function completeFromEnvironment(
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
