import { lookup } from 'node:dns/promises';
import type { CheckedConfig } from '../config/check-document.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { PlacedListener } from './listener-problems.ts';
import { listenersOf } from './listener-problems.ts';
import type { Machine } from './machine.ts';
import { reaches } from './machine.ts';

/** An exporter that starts, and its destination. */
interface Sender extends Endpoint {
  /** Of the key with the destination. */
  readonly path: string;
}

/**
 * Finds exporters whose destination is a listener of this service: each profile would come back and be sent again, for
 * ever and ever more. Names are compared as they are written; `findResolvedOwnDestinations` asks a resolver.
 */
export function findOwnDestinations(config: CheckedConfig, machine: Machine): ConfigProblem[] {
  const listeners = listenersOf(config);
  return sendersOf(config).flatMap((sender) => problemOf(sender, listeners, machine) ?? []);
}

/** As `findOwnDestinations`, for names that a resolver knows. A name that cannot be resolved is nobody's. */
export async function findResolvedOwnDestinations(
  config: CheckedConfig,
  machine: Machine,
  resolve: (host: string) => Promise<readonly string[]> = resolveHost,
): Promise<ConfigProblem[]> {
  const listeners = listenersOf(config);
  const found = sendersOf(config).map(async (sender) => {
    // Nobody waits for a resolver on account of a port that is not ours.
    if (!listeners.some(({ endpoint }) => endpoint.port === sender.port)) return [];
    const resolved = await resolve(sender.host).catch(() => []);
    return problemOf(sender, listeners, machine, resolved) ?? [];
  });
  return (await Promise.all(found)).flat();
}

async function resolveHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The destinations of one pipeline, as `path of the key (address)`. */
export function destinationsOf(config: CheckedConfig, pipelineId: string): string[] {
  const pipeline = config.pipelines.get(pipelineId);
  const pipelines = new Map(pipeline === undefined ? [] : [[pipelineId, pipeline]]);
  return sendersOf({ ...config, pipelines }).map(({ path, ...endpoint }) => `${path} (${formatEndpoint(endpoint)})`);
}

function sendersOf({ pipelines, exporters }: CheckedConfig): Sender[] {
  const used = new Set([...pipelines.values()].flatMap((pipeline) => pipeline.exporters));
  return [...used].flatMap((id) => {
    const exporter = exporters.get(id);
    const destination = exporter?.type.sendsTo?.(exporter.config);
    return destination === undefined ? [] : [{ ...destination, path: `exporters.${id}.${destination.path}` }];
  });
}

function problemOf(
  { path, ...destination }: Sender,
  listeners: readonly PlacedListener[],
  machine: Machine,
  resolved: readonly string[] = [],
): ConfigProblem | undefined {
  const own = listeners.find(({ endpoint: { host, port } }) => {
    return port === destination.port && reaches(destination.host, host, machine, resolved);
  });
  if (own === undefined) return undefined;
  const problem = `${formatEndpoint(destination)} is this service itself: ${own.name} listens on ${formatEndpoint(own.endpoint)}`;
  const remedy =
    'name the backend here (or in OTEL_EXPORTER_OTLP_ENDPOINT, where that is its source), or give the receiver another port';
  return { path, problem, remedy };
}
