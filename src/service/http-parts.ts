import type { CheckedConfig } from '../config/check-document.ts';
import { HealthCheck } from '../http/health/health-check.ts';
import type { HealthCheckConfig } from '../http/health/health-check-config.ts';
import type { HealthStatus } from '../http/health/health-status.ts';
import type { HttpListenerConfig } from '../http/http-listener-config.ts';
import type { HttpPart } from '../http/http-server.ts';
import { serverKeyOf } from '../http/http-server.ts';
import type { LivePage } from '../http/live-page/live-page.ts';
import { MetricsEndpoint } from '../http/metrics/metrics-endpoint.ts';
import type { RequestGuard } from '../model/authentication.ts';
import type { Clock } from '../support/clock.ts';

export interface HttpPartsTools {
  readonly status: HealthStatus;
  readonly clock: Clock;
  /** The pages by the identifiers of their extensions. */
  readonly livePages: ReadonlyMap<string, LivePage>;
  readonly prometheusText: () => Promise<string>;
  readonly guardOf: (authenticator: string) => RequestGuard | undefined;
}

/** What is served over HTTP besides data: health, live pages and metrics, each where its configuration says. */
export function createHttpParts(config: CheckedConfig, tools: HttpPartsTools): HttpPart[] {
  const { status, clock, livePages, prometheusText, guardOf } = tools;
  return httpListeners(config).map(({ id, path, config: listener }) => {
    const { endpoint, tls, authenticator } = listener;
    const mount = path.startsWith('extensions.')
      ? (livePages.get(id) ?? new HealthCheck(id, listener as HealthCheckConfig, status, clock))
      : new MetricsEndpoint(prometheusText);
    return { endpoint, tls, guard: guardOf(authenticator), mount };
  });
}

/** A part that is served over HTTP, as configured. */
export interface ConfiguredListener {
  readonly id: string;
  /** Of its section. */
  readonly path: string;
  readonly config: HttpListenerConfig;
}

/** Those that start, in the order in which servers are made for them: health goes first and stops last. */
export function httpListeners({ extensions, serviceExtensions, telemetry }: CheckedConfig): ConfiguredListener[] {
  const ofType = (type: string): ConfiguredListener[] =>
    serviceExtensions.flatMap((id) => {
      const extension = extensions.get(id);
      if (extension?.type.type !== type) return [];
      return { id, path: `extensions.${id}`, config: extension.config as HttpListenerConfig };
    });
  const metrics = telemetry.metrics.prometheus.map(({ host, port, tls, authenticator }) => ({
    id: 'metrics',
    path: 'service.telemetry.metrics.readers',
    config: { endpoint: { host, port }, tls, authenticator },
  }));
  return [...ofType('health_check'), ...ofType('live_page'), ...metrics];
}

/** By the servers that they share. */
export function sharedHttpServers(config: CheckedConfig): readonly (readonly ConfiguredListener[])[] {
  return [...Map.groupBy(httpListeners(config), ({ config: { endpoint } }) => serverKeyOf(endpoint)).values()];
}
