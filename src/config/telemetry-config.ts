import type { LoggerConfig } from '../support/logger.ts';
import type { OtlpReaderConfig, PrometheusReaderConfig, TelemetryConfig } from '../support/telemetry.ts';
import {
  choice,
  converted,
  flag,
  integer,
  milliseconds,
  optionalSection,
  requiredText,
  secretMap,
  section,
  sectionIfPresent,
  sections,
  text,
  textMap,
} from './config-keys.ts';
import type { ConfigKey, ConfigTable } from './config-table.ts';
import { configTable } from './config-table.ts';
import { allowedHostsKey } from './endpoint.ts';
import { authKey } from './references.ts';
import { checkClientFiles, clientFileKeys, serverTlsTable } from './tls-config.ts';

/** ServiceTelemetryConfig is `service.telemetry`, as in the Collector. */
export interface ServiceTelemetryConfig {
  readonly logs: LoggerConfig;
  readonly metrics: TelemetryConfig;
}

const defaultHost = 'localhost';
const defaultPort = 8888;
const longestMs = 86_400_000;

const logsTable: ConfigTable<LoggerConfig> = configTable({
  about: 'The log, on standard error.',
  keys: {
    level: choice(
      'level',
      // zap, the logger of the Collector, takes INFO as well as info.
      { choices: ['debug', 'info', 'warn', 'error'], fallback: 'info', ignoreCase: true },
      'Lowest level that is written, in upper or lower case.',
    ),
    encoding: choice('encoding', { choices: ['console', 'json'], fallback: 'console' }, 'Form of a line.'),
    initialFields: textMap('initial_fields', 'Fields that every line carries, by name.'),
  },
  // Lines have neither, and are few: nothing is logged per sample.
  ignored: {
    development: 'it is for the logger of the Collector',
    disable_caller: 'lines name no place in the source',
    disable_stacktrace: 'lines have no stack trace',
    sampling: 'all lines are written',
  },
});

type MetricReaderConfig = { readonly prometheus: PrometheusReaderConfig } | { readonly otlp: OtlpReaderConfig };

/** Scopes have no labels here, as by the Collector's own default. */
function onlyTrue(key: string, meaning: string): ConfigKey<boolean> {
  return converted(flag(key, { fallback: true }, meaning), (value, parent) => {
    if (!value) parent.addProblem(key, 'false is not supported', 'remove it');
    return value;
  });
}

const prometheusTable = configTable(
  {
    about: 'Metrics as Prometheus text at `/metrics`.',
    keys: {
      host: text('host', { fallback: defaultHost }, 'Name or address to listen on; empty for all interfaces.'),
      port: integer(
        'port',
        { fallback: defaultPort, min: 0, max: 65_535 },
        'Port to listen on; 0 lets the system choose.',
      ),
      scope: onlyTrue('without_scope_info', 'Only `true`.'),
      withoutUnits: flag(
        'without_units',
        { fallback: true },
        'Names do not end in their unit. `false`: `_seconds`, `_bytes`.',
      ),
      withoutSuffix: flag(
        'without_type_suffix',
        { fallback: true },
        'Names of counters do not end in `_total`. `false`: they do, and clients that prefer OpenMetrics get it; with `true`, those that take nothing else.',
      ),
      // The Collector has neither key here; both are keys of its other HTTP servers.
      tls: optionalSection('tls', serverTlsTable),
      allowedHosts: allowedHostsKey,
      authenticator: authKey('server authenticator'),
    },
  },
  ({ host, port, tls, authenticator, allowedHosts, withoutUnits, withoutSuffix }): PrometheusReaderConfig => ({
    ...{ host, port, tls, authenticator },
    ...(allowedHosts.length > 0 && { allowedHosts }),
    ...(!(withoutUnits && withoutSuffix) && { names: { hasUnits: !withoutUnits, hasTypeSuffix: !withoutSuffix } }),
  }),
);

const pullTable = configTable(
  {
    about: 'Metrics to be scraped.',
    keys: {
      exporter: section(
        'exporter',
        configTable({
          about: 'The form of the metrics.',
          keys: { prometheus: present('prometheus', prometheusTable, 'write "prometheus:"') },
        }),
      ),
    },
  },
  ({ exporter: { prometheus } }): MetricReaderConfig | undefined => prometheus && { prometheus },
);

/** The endpoint with the path of the metrics signal, unless it has a path of its own. */
const urlKey = converted(
  requiredText(
    'endpoint',
    { example: 'a URL such as "http://localhost:4318/v1/metrics"' },
    'URL of an OTLP receiver; `/v1/metrics` is added where the URL has no path.',
  ),
  (written, parent) => {
    const example = 'http://localhost:4318/v1/metrics';
    const isUrl = /^https?:\/\/[^/]/.test(written) && URL.canParse(written);
    if (written !== '' && !isUrl)
      parent.addProblem('endpoint', `"${written}" is not an HTTP URL`, `write "${example}"`);
    const url = new URL(isUrl ? written : example);
    if (url.pathname === '/') url.pathname = '/v1/metrics';
    return url.href;
  },
);

// The keys of OpenTelemetry's declarative configuration.
const otlpTable = configTable(
  {
    about: 'Metrics pushed by OTLP over HTTP.',
    keys: {
      protocol: choice('protocol', { choices: ['http/protobuf'], fallback: 'http/protobuf' }, 'Only `http/protobuf`.'),
      ...clientFileKeys,
      url: urlKey,
      headers: secretMap('headers', 'Headers of each request, by name.'),
    },
  },
  ({ authority, certificate, privateKey, url, headers }, own) => {
    return { url, headers, tlsFiles: checkClientFiles({ authority, certificate, privateKey }, own) };
  },
);

const periodicTable = configTable(
  {
    about: 'Metrics pushed at intervals.',
    keys: {
      // Whole milliseconds, as in OpenTelemetry's declarative configuration, which the Collector embeds here.
      intervalMs: milliseconds(
        'interval',
        { fallback: 60_000, min: 1, max: longestMs },
        'Milliseconds between two pushes.',
      ),
      timeoutMs: milliseconds(
        'timeout',
        { fallback: 30_000, min: 1, max: longestMs },
        'Milliseconds that a push may take; at most the interval.',
      ),
      exporter: section(
        'exporter',
        configTable({
          about: 'The form of the metrics.',
          keys: { otlp: present('otlp', otlpTable, 'write "otlp:" with an endpoint below it') },
        }),
      ),
    },
  },
  ({ intervalMs, timeoutMs, exporter: { otlp } }): MetricReaderConfig | undefined => {
    return otlp && { otlp: { ...otlp, intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs) } };
  },
);

const readerTable = configTable(
  {
    about: 'A way of metrics out of the service: either `pull` or `periodic`.',
    keys: { pull: alone('pull', pullTable, 'periodic'), periodic: alone('periodic', periodicTable, 'pull') },
  },
  ({ pull, periodic }, own): MetricReaderConfig | undefined => {
    if (own.has('pull') !== own.has('periodic')) return pull ?? periodic;
    const key = own.has('pull') ? 'periodic' : 'pull';
    own.addProblem(key, 'a reader is either pull or periodic', 'write exactly one of them');
    return undefined;
  },
);

const addressText = text(
  'address',
  { fallback: `${defaultHost}:${defaultPort}` },
  'Older form of `readers`: `host:port` of the Prometheus text, where an empty host is every interface. Without `readers` alone.',
);

/** The Collector's older key; `undefined` beside `readers`, where it does not hold. */
const addressKey: ConfigKey<MetricReaderConfig | undefined> = {
  ...addressText,
  read: (own) => {
    if (own.has('readers')) {
      if (own.has('address')) {
        own.addProblem('address', 'is an older form of readers, and both are there', 'remove address');
      }
      return undefined;
    }
    const plaintext = { tls: undefined, authenticator: '' };
    const address = addressText.read(own);
    const [, host, port] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
    if (port !== undefined && Number(port) <= 65_535) {
      return { prometheus: { ...plaintext, host: host!.replace(/^\[(.*)\]$/, '$1'), port: Number(port) } };
    }
    own.addProblem('address', `"${address}" is not host:port`, `write "${defaultHost}:${defaultPort}"`);
    return undefined;
  },
};

const metricsTable = configTable(
  {
    about: 'The metrics of the service.',
    keys: {
      level: choice(
        'level',
        { choices: ['none', 'basic', 'normal', 'detailed'], fallback: 'normal' },
        '`none` switches all readers off; the others are alike.',
      ),
      address: addressKey,
      readers: sections('readers', readerTable),
    },
  },
  ({ level, address, readers }): Omit<TelemetryConfig, 'resource'> => {
    const configured = [...readers, address].filter((reader) => reader !== undefined);
    if (level === 'none') return { level, prometheus: [], otlp: [] };
    return {
      level,
      prometheus: configured.flatMap((reader) => ('prometheus' in reader ? reader.prometheus : [])),
      otlp: configured.flatMap((reader) => ('otlp' in reader ? reader.otlp : [])),
    };
  },
);

/** `name: value` pairs, or a list of them under `attributes`. An empty value takes a default attribute away. */
const resourceKey: ConfigKey<TelemetryConfig['resource']> = {
  ...textMap(
    'resource',
    'Attributes of the metrics, by name, or a list of `{name, value}` under `attributes`. An empty value takes a default away.',
  ),
  read: (parent) => {
    const resource = parent.section('resource');
    const texts = resource.has('attributes') ? resource.stringMap('attributes') : parent.stringMap('resource');
    return new Map([...texts].map(([key, value]) => [key, value === '' ? undefined : value]));
  },
};

/** `service.telemetry`; without readers, Prometheus text is served on localhost:8888. */
export const telemetryTable: ConfigTable<ServiceTelemetryConfig> = configTable(
  {
    about: 'The log and the metrics of the service itself.',
    source: 'https://opentelemetry.io/docs/collector/internal-telemetry/',
    keys: { logs: section('logs', logsTable), metrics: section('metrics', metricsTable), resource: resourceKey },
    refused: { traces: ['there are no traces of Framekeeper itself', 'remove it'] },
  },
  ({ logs, metrics, resource }): ServiceTelemetryConfig => ({ logs, metrics: { ...metrics, resource } }),
);

/** A section that must be there. */
function present<Config>(key: string, table: ConfigTable<Config>, remedy: string): ConfigKey<Config | undefined> {
  return converted(sectionIfPresent(key, table), (config, parent) => {
    if (!parent.has(key)) parent.addProblem(key, 'is missing', remedy);
    return config;
  });
}

/** A section that is read where another is absent: of two that are both there, neither is worth a fault of its own. */
function alone<Config>(key: string, table: ConfigTable<Config>, other: string): ConfigKey<Config | undefined> {
  const own = sectionIfPresent(key, table);
  return { ...own, read: (parent) => (parent.has(key) && parent.has(other) ? undefined : own.read(parent)) };
}
