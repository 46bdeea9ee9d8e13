import { isDeepStrictEqual } from 'node:util';
import type { ConfiguredComponent } from '../config/check-document.ts';
import { isMap } from '../config/config-value.ts';
import type { ServiceConfig } from './components.ts';

/** ReloadPlan sorts the differences of two configurations by what a running service can do about them. */
export interface ReloadPlan {
  /** Identifiers of exporters to start or to replace. */
  readonly exporters: readonly string[];
  /** Identifiers of exporters that no pipeline has any more. */
  readonly removed: readonly string[];
  /** Paths of parts that changed and cannot change in place: the service goes on with the old ones. */
  readonly restart: readonly string[];
  /** The configuration that the service runs after the reload. */
  readonly config: ServiceConfig;
}

/** Exporters and the lists of them in pipelines change in place; all else needs a restart. */
export function planReload(running: ServiceConfig, next: ServiceConfig): ReloadPlan {
  const pipelines = new Map(
    [...running.pipelines].map(([id, pipeline]) => {
      return [id, { ...pipeline, exporters: next.pipelines.get(id)?.exporters ?? pipeline.exporters }];
    }),
  );
  const used = [...new Set([...pipelines.values()].flatMap(({ exporters }) => exporters))];
  const before = new Set([...running.pipelines.values()].flatMap(({ exporters }) => exporters));
  const changed = used.filter((id) => !before.has(id) || isChanged(running.exporters.get(id), next.exporters.get(id)));
  const exporters = new Map([...running.exporters, ...next.exporters]);
  return {
    exporters: changed.filter((id) => next.exporters.has(id)),
    removed: [...before].filter((id) => !used.includes(id)),
    restart: fixedChanges(running, next),
    config: { ...running, pipelines, exporters, printable: printableOf(running, next) },
  };
}

function isChanged(a: ConfiguredComponent | undefined, b: ConfiguredComponent | undefined): boolean {
  return a?.type !== b?.type || !isDeepStrictEqual(a?.written, b?.written);
}

function fixedChanges(running: ServiceConfig, next: ServiceConfig): string[] {
  const components = (['receivers', 'processors', 'extensions'] as const).flatMap((kind) => {
    const ids = new Set([...running[kind].keys(), ...next[kind].keys()]);
    return [...ids].filter((id) => isChanged(running[kind].get(id), next[kind].get(id))).map((id) => `${kind}.${id}`);
  });
  const ids = new Set([...running.pipelines.keys(), ...next.pipelines.keys()]);
  const pipelines = [...ids].filter((id) => {
    const { exporters: _, ...own } = running.pipelines.get(id) ?? {};
    const { exporters: __, ...other } = next.pipelines.get(id) ?? {};
    return !isDeepStrictEqual(own, other);
  });
  const isListed = isDeepStrictEqual(running.serviceExtensions, next.serviceExtensions);
  const isSameTelemetry = isDeepStrictEqual(telemetryOf(running), telemetryOf(next));
  return [
    ...components,
    ...pipelines.map((id) => `service.pipelines.${id}`),
    ...(isListed ? [] : ['service.extensions']),
    ...(isSameTelemetry ? [] : ['service.telemetry']),
  ];
}

function telemetryOf({ written: { service } }: ServiceConfig): unknown {
  return isMap(service) ? service.telemetry : undefined;
}

/** The new configuration, or the old one with the parts that hold of the new one, for `/config`. */
function printableOf(running: ServiceConfig, next: ServiceConfig): ServiceConfig['printable'] {
  if (fixedChanges(running, next).length === 0) return next.printable;
  return { ...running.printable, exporters: next.printable.exporters };
}
