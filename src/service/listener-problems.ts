import { isDeepStrictEqual } from 'node:util';
import type { CheckedConfig } from '../config/check-document.ts';
import type { Listener } from '../config/component-type.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { httpListener } from '../http/http-listener-config.ts';

/** A listener of a part that starts. */
interface PlacedListener extends Listener {
  /** The part, e.g. `receiver "otlp"`. */
  readonly name: string;
  /** Two parts of one type cannot share a gRPC server: each of its services is there once. */
  readonly type: string;
}

/** Finds listeners whose endpoints collide, and listeners that share a server and disagree on its settings. */
export function findListenerProblems(config: CheckedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const earlier: PlacedListener[] = [];
  for (const listener of listenersOf(config)) {
    const own = earlier.filter(({ endpoint }) => endpoint.toLowerCase() === listener.endpoint.toLowerCase());
    earlier.push(listener);
    // Each that asks for any free port gets its own.
    if (listener.endpoint.endsWith(':0')) continue;
    const problem = own.map((other) => compare(other, listener)).find((each) => each !== undefined);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

/** The listeners of all parts that start, receivers first. */
function listenersOf({
  pipelines,
  receivers,
  extensions,
  serviceExtensions,
  telemetry,
}: CheckedConfig): PlacedListener[] {
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
  const metrics = telemetry.metrics.prometheus.map(({ host, port, tls, authenticator }): PlacedListener => {
    const listener = httpListener('service.telemetry.metrics.readers', {
      endpoint: { host, port },
      tls,
      authenticator,
    });
    return { ...listener, name: 'metrics', type: 'metrics' };
  });
  return [...placed, ...metrics];
}

/** The fault of a listener beside an earlier one at the same endpoint. */
function compare(first: PlacedListener, other: PlacedListener): ConfigProblem | undefined {
  const { path, endpoint, server, type } = other;
  const isShared = first.server === server && server !== 'exclusive';
  if (!isShared || (server === 'grpc' && first.type === type && first.name !== other.name)) {
    const remedy = `give each receiver of ${type} an endpoint of its own`;
    return { path: `${path}.endpoint`, problem: `${endpoint} is the endpoint of ${first.name} too`, remedy };
  }
  if (isDeepStrictEqual(first.settings, other.settings)) return undefined;
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
