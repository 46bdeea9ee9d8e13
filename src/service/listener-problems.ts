import { isDeepStrictEqual } from 'node:util';
import type { CheckedConfig } from '../config/check-document.ts';
import type { Listener } from '../config/component-type.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import { httpListener } from '../http/http-listener-config.ts';
import type { Machine } from './machine.ts';
import { addressesOf } from './machine.ts';

/** PlacedListener is a listener of a part that starts. */
export interface PlacedListener extends Listener {
  /** The part, e.g. `receiver "otlp"`. */
  readonly name: string;
  /** The type of the part, e.g. `otlp`. */
  readonly type: string;
}

/** Finds listeners whose ports collide, and listeners that share a server and disagree on its settings. */
export function findListenerProblems(config: CheckedConfig, machine: Machine): ConfigProblem[] {
  const listeners = listenersOf(config);
  return listeners.flatMap((listener, index) => {
    const problems = listeners.slice(0, index).map((earlier) => compare(earlier, listener, machine));
    return problems.find((problem) => problem !== undefined) ?? [];
  });
}

/** The listeners of all parts that start, receivers first. */
export function listenersOf(config: CheckedConfig): PlacedListener[] {
  const { pipelines, receivers, extensions, serviceExtensions, telemetry } = config;
  const used = new Set([...pipelines.values()].flatMap((pipeline) => pipeline.receivers));
  const parts = [
    ...[...used].map((id) => ({ kind: 'receiver', part: receivers.get(id) })),
    ...serviceExtensions.map((id) => ({ kind: 'extension', part: extensions.get(id) })),
  ];
  const placed = parts.flatMap(({ kind, part }) => {
    const listeners = part?.type.listens?.(part.config) ?? [];
    return listeners.map((listener): PlacedListener => {
      const path = [`${kind}s.${part!.id}`, listener.path].filter((each) => each !== '').join('.');
      return { ...listener, path, name: `${kind} "${part!.id}"`, type: part!.type.type };
    });
  });
  const metrics = telemetry.metrics.prometheus.map(({ host, port, tls }): PlacedListener => {
    const listener = httpListener('service.telemetry.metrics.readers', {
      endpoint: { host, port },
      tls,
    });
    return { ...listener, name: 'the metrics', type: 'metrics' };
  });
  return [...placed, ...metrics];
}

/** The fault of a listener beside an earlier one. */
function compare(first: PlacedListener, other: PlacedListener, machine: Machine): ConfigProblem | undefined {
  const { path, server, type } = other;
  const endpoint = formatEndpoint(other.endpoint);
  const isSame = endpoint.toLowerCase() === formatEndpoint(first.endpoint).toLowerCase();
  // Each that asks for any free port gets its own.
  if (other.endpoint.port === 0 || !(isSame || collide(first, other, machine))) return undefined;
  // A gRPC server has each service once, and an exclusive server one owner.
  const isTwice = server !== 'http' && first.type === type && first.name !== other.name;
  if (isSame && first.server === server && server !== 'exclusive' && !isTwice) return compareSettings(first, other);
  const remedy = isTwice ? `give each receiver of ${type} an endpoint of its own` : 'give each a port of its own';
  const problem = isSame
    ? `${endpoint} is the endpoint of ${first.name} too`
    : `${endpoint} takes the port of ${first.name}, which listens on ${formatEndpoint(first.endpoint)}`;
  return { path: `${path}.endpoint`, problem, remedy };
}

/** Tells two listeners that cannot both have their port: they share an address, or one has all of them. */
function collide(first: PlacedListener, other: PlacedListener, machine: Machine): boolean {
  if (first.endpoint.port !== other.endpoint.port) return false;
  const taken = addressesOf(first.endpoint.host, machine);
  return addressesOf(other.endpoint.host, machine).some((address) => taken.includes(address));
}

function compareSettings(first: PlacedListener, other: PlacedListener): ConfigProblem | undefined {
  const { path, server } = other;
  if (isDeepStrictEqual(first.settings, other.settings)) return undefined;
  const endpoint = formatEndpoint(other.endpoint);
  if (server === 'grpc') {
    return {
      path,
      problem: `differs from that of ${first.name}, which shares the server at ${endpoint}`,
      remedy: 'give both the same settings or endpoints of their own',
    };
  }
  return {
    path: `${path}.tls`,
    problem: `differs from that of ${first.path}, which shares the server at ${endpoint}`,
    remedy: 'give both the same tls or endpoints of their own',
  };
}
