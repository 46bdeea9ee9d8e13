import { converted, duration, flag, optionalSection, section, text } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { httpListenerKeys } from '../http-listener-config.ts';

const fiveMinutesMs = 300_000;
const ownPaths = ['/status', '/livez', '/readyz', '/config'];

const bodyTable = configTable({
  about: 'Texts instead of the JSON body of `path`.',
  keys: {
    healthy: text('healthy', { fallback: '' }, 'Body while the service is ready.'),
    unhealthy: text('unhealthy', { fallback: '' }, 'Body while it is not.'),
  },
});

const componentHealthTable = configTable({
  about: 'Errors of components that make `/status` answer 500.',
  keys: {
    includePermanentErrors: flag('include_permanent_errors', { fallback: false }, 'Permanent errors count.'),
    includeRecoverableErrors: flag(
      'include_recoverable_errors',
      { fallback: false },
      'Recoverable errors count once they are older than `recovery_duration`.',
    ),
    recoveryDurationMs: duration(
      'recovery_duration',
      { fallback: fiveMinutesMs, min: 0 },
      'Age from which a recoverable error counts.',
    ),
  },
});

export type ComponentHealthConfig = ConfigOf<typeof componentHealthTable>;

/** Extension `health_check`: the Collector's keys, and `component_health` of its healthcheckv2. */
export const healthCheckTable = configTable({
  about:
    'Readiness at `path`, as the health_check of the Collector; `/status` as its healthcheckv2; `/livez` and `/readyz`; `/config` with the configuration that runs, without secrets.',
  source: 'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/healthcheckextension',
  keys: {
    ...httpListenerKeys('localhost:13133'),
    path: converted(text('path', { fallback: '/' }, 'Path of readiness.'), (path, own) => {
      if (/^\/[\w./~-]*$/.test(path) && !ownPaths.includes(path)) return path;
      const remedy = `write a path that begins with "/" and is none of ${ownPaths.join(', ')}`;
      own.addProblem('path', `is ${JSON.stringify(path)}`, remedy);
      return '/';
    }),
    responseBody: optionalSection('response_body', bodyTable),
    componentHealth: section('component_health', componentHealthTable),
  },
  ignored: { check_collector_pipeline: 'it has none in the Collector either' },
});

export type HealthCheckConfig = ConfigOf<typeof healthCheckTable>;
