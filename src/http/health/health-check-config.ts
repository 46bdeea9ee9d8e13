import type { ConfigSection } from '../../config/config-section.ts';
import { ignoreKeys } from '../../config/ignored-keys.ts';
import type { HttpListenerConfig } from '../http-listener-config.ts';
import { readHttpListenerConfig } from '../http-listener-config.ts';

/** Extension `health_check`: the Collector's keys, and `component_health` of its healthcheckv2. */
export interface HealthCheckConfig extends HttpListenerConfig {
  readonly path: string;
  /** Replaces the JSON body; `undefined` keeps it. */
  readonly responseBody: { readonly healthy: string; readonly unhealthy: string } | undefined;
  readonly componentHealth: ComponentHealthConfig;
}

/** Which component errors make `/status` answer 500. */
export interface ComponentHealthConfig {
  readonly includePermanentErrors: boolean;
  readonly includeRecoverableErrors: boolean;
  /** How old a recoverable error must be to count. */
  readonly recoveryDurationMs: number;
}

const fiveMinutesMs = 300_000;

export function readHealthCheckConfig(section: ConfigSection): HealthCheckConfig {
  const body = section.optionalSection('response_body');
  const health = section.section('component_health');
  const config: HealthCheckConfig = {
    ...readHttpListenerConfig(section, 'localhost:13133'),
    path: readPath(section, '/'),
    responseBody: body && { healthy: body.string('healthy', ''), unhealthy: body.string('unhealthy', '') },
    componentHealth: {
      includePermanentErrors: health.boolean('include_permanent_errors', false),
      includeRecoverableErrors: health.boolean('include_recoverable_errors', false),
      recoveryDurationMs: health.durationMs('recovery_duration', fiveMinutesMs, { min: 0 }),
    },
  };
  body?.end();
  health.end();
  ignoreKeys(section, { check_collector_pipeline: 'it has none in the Collector either' });
  section.end();
  return config;
}

const ownPaths = ['/status', '/livez', '/readyz'];

function readPath(section: ConfigSection, fallback: string): string {
  const path = section.string('path', fallback);
  const isUsable = /^\/[\w./~-]*$/.test(path) && !ownPaths.includes(path);
  if (isUsable) return path;
  section.addProblem(
    'path',
    `is ${JSON.stringify(path)}`,
    `write a path that begins with "/" and is none of ${ownPaths.join(', ')}`,
  );
  return fallback;
}
