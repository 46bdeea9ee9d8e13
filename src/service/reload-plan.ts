import { isDeepStrictEqual } from 'node:util';
import type { ConfiguredComponent } from '../config/check-document.ts';
import { isMap } from '../config/config-value.ts';
import type { ServiceConfig } from './components.ts';

export type Kind = 'receivers' | 'processors' | 'exporters' | 'extensions';

/** ReloadPlan sorts the differences of two configurations by what a running service can do about them. */
export interface ReloadPlan {
  /** Identifiers of exporters to start or to replace. */
  readonly exporters: readonly string[];
  /** Identifiers of receivers to start or to replace. */
  readonly receivers: readonly string[];
  /** Identifiers of processors that take another configuration. */
  readonly processors: readonly string[];
  /** Identifiers of extensions to replace. */
  readonly extensions: readonly string[];
  /** Paths of receivers and exporters that no pipeline has any more. */
  readonly removed: readonly string[];
  /** Paths of parts that changed and cannot change in place: the service goes on with the old ones. */
  readonly restart: readonly string[];
  /** The configuration that the service runs after the reload. */
  readonly config: ServiceConfig;
}

/** Keys from the top of a configuration to one of its parts. */
type Path = readonly string[];

/**
 * Exporters, receivers and the lists of them in pipelines, processors and extensions whose types can, and the level of the
 * log change in place; all else needs a restart.
 */
export function planReload(running: ServiceConfig, next: ServiceConfig): ReloadPlan {
  const restart = fixedChanges(running, next);
  const config = withRunning(running, next, restart);
  const changed = (kind: Kind): string[] => {
    return [...usedOf(config, kind)].filter((id) => {
      return !usedOf(running, kind).has(id) || isChanged(running[kind].get(id), config[kind].get(id));
    });
  };
  const removed = (['receivers', 'exporters'] as const).flatMap((kind) =>
    [...usedOf(running, kind)].filter((id) => !usedOf(config, kind).has(id)).map((id) => `${kind}.${id}`),
  );
  return {
    exporters: changed('exporters'),
    receivers: changed('receivers'),
    processors: changed('processors'),
    extensions: changed('extensions'),
    removed,
    restart: restart.map((path) => path.join('.')),
    config,
  };
}

/** Identifiers of the components that start. */
function usedOf({ pipelines, serviceExtensions }: ServiceConfig, kind: Kind): ReadonlySet<string> {
  if (kind === 'extensions') return new Set(serviceExtensions);
  return new Set([...pipelines.values()].flatMap((pipeline) => pipeline[kind]));
}

function isChanged(a: ConfiguredComponent | undefined, b: ConfiguredComponent | undefined): boolean {
  return a?.type !== b?.type || !isDeepStrictEqual(a?.written, b?.written);
}

function fixedChanges(running: ServiceConfig, next: ServiceConfig): Path[] {
  const components = (['processors', 'extensions'] as const).flatMap((kind) =>
    [...usedOf(running, kind)]
      .filter((id) => isChanged(running[kind].get(id), next[kind].get(id)))
      .filter((id) => !changesInPlace(running[kind].get(id), next[kind].get(id)))
      .map((id) => [kind, id]),
  );
  const ids = new Set([...running.pipelines.keys(), ...next.pipelines.keys()]);
  const pipelines = [...ids].flatMap((id): Path[] => {
    const [before, after] = [running.pipelines.get(id), next.pipelines.get(id)];
    if (before === undefined || after === undefined) return [['service', 'pipelines', id]];
    return isDeepStrictEqual(before.processors, after.processors) ? [] : [['service', 'pipelines', id, 'processors']];
  });
  const isListed = isDeepStrictEqual(running.serviceExtensions, next.serviceExtensions);
  const telemetry = (['logs', 'metrics', 'resource'] as const).filter(
    (key) => !isDeepStrictEqual(telemetryOf(running, key), telemetryOf(next, key)),
  );
  return [
    ...components,
    ...pipelines,
    ...(isListed ? [] : [['service', 'extensions']]),
    ...telemetry.map((key) => ['service', 'telemetry', key]),
  ];
}

function changesInPlace(before: ConfiguredComponent | undefined, after: ConfiguredComponent | undefined): boolean {
  if (before === undefined || after === undefined || before.type !== after.type) return false;
  return before.type.changesInPlace?.(before.config, after.config) === true;
}

/** A section of `service.telemetry`, without what changes in place. */
function telemetryOf({ written }: ServiceConfig, key: string): unknown {
  const value = at(written, ['service', 'telemetry', key]);
  if (key !== 'logs' || !isMap(value)) return value;
  const { level: _, ...rest } = value;
  return rest;
}

/** The next configuration, in which the parts that need a restart are as they are running. */
function withRunning(running: ServiceConfig, next: ServiceConfig, restart: readonly Path[]): ServiceConfig {
  const isFixed = (...path: string[]): boolean => restart.some((other) => isDeepStrictEqual(other, path));
  const kept = <K extends 'processors' | 'extensions'>(kind: K): ServiceConfig[K] => {
    const fixed = [...running[kind]].filter(([id]) => isFixed(kind, id) || !next[kind].has(id));
    return new Map([...next[kind], ...fixed] as never) as ServiceConfig[K];
  };
  const pipelines = [...running.pipelines].map(([id, before]) => {
    const after = next.pipelines.get(id) ?? before;
    return [id, { ...after, processors: before.processors }] as const;
  });
  const hasOldLogs = isFixed('service', 'telemetry', 'logs');
  const hasOldMetrics = isFixed('service', 'telemetry', 'metrics') || isFixed('service', 'telemetry', 'resource');
  const logs = hasOldLogs ? { ...running.telemetry.logs, level: next.telemetry.logs.level } : next.telemetry.logs;
  return {
    ...next,
    exporters: new Map([...running.exporters, ...next.exporters]),
    receivers: new Map([...running.receivers, ...next.receivers]),
    processors: kept('processors'),
    extensions: kept('extensions'),
    pipelines: new Map(pipelines),
    serviceExtensions: running.serviceExtensions,
    telemetry: { logs, metrics: hasOldMetrics ? running.telemetry.metrics : next.telemetry.metrics },
    written: withParts(next.written, running.written, restart) as ServiceConfig['written'],
    printable: withParts(next.printable, running.printable, restart) as ServiceConfig['printable'],
  };
}

/** The configuration with the components that could not start, by path, as they are running. Those that are new are left out. */
export function withoutFailed(
  config: ServiceConfig,
  running: ServiceConfig,
  failed: Iterable<readonly [kind: Kind, id: string]>,
): ServiceConfig {
  let result = config;
  for (const [kind, id] of failed) {
    const components = new Map<string, ConfiguredComponent>(result[kind]);
    const before = running[kind].get(id);
    if (before === undefined) components.delete(id);
    else components.set(id, before);
    const printable = withParts(result.printable, running.printable, [[kind, id]]) as ServiceConfig['printable'];
    result = { ...result, [kind]: components, printable };
  }
  return result;
}

/** `plain` with the parts at `paths` as they are in `source`, or without them where it has none. */
function withParts(plain: unknown, source: unknown, paths: readonly Path[]): unknown {
  return paths.reduce((whole, path) => withPart(whole, path, at(source, path)), plain);
}

function withPart(plain: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const own: Readonly<Record<string, unknown>> = isMap(plain) ? plain : {};
  const { [key]: before, ...others } = own;
  const part = withPart(before, rest, value);
  return part === undefined ? others : { ...own, [key]: part };
}

function at(plain: unknown, path: Path): unknown {
  return path.reduce<unknown>((part, key) => (isMap(part) ? part[key] : undefined), plain);
}
