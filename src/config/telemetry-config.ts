import type { LoggerConfig } from '../support/logger.ts';
import type { OtlpReaderConfig, PrometheusReaderConfig, TelemetryConfig } from '../support/telemetry.ts';
import { readAuthenticatorId } from './auth-config.ts';
import type { ConfigSection } from './config-section.ts';
import { ignoreKeys } from './ignored-keys.ts';
import { readServerTlsConfig, readTlsFiles } from './tls-config.ts';

/** What the service says about itself: `service.telemetry`, as in the Collector. */
export interface ServiceTelemetryConfig {
  readonly logs: LoggerConfig;
  readonly metrics: TelemetryConfig;
}

const defaultHost = 'localhost';
const defaultPort = 8888;
const plain = { tls: undefined, authenticator: '' };
const longestMs = 86_400_000;

/** Reads `service.telemetry`; without readers, Prometheus is served on localhost:8888. */
export function readTelemetryConfig(section: ConfigSection): ServiceTelemetryConfig {
  const logs = readLogsConfig(section.section('logs'));
  const metrics = { ...readMetricsConfig(section.section('metrics')), resource: readResource(section) };
  if (section.has('traces')) {
    section.addProblem('traces', 'there are no traces of Framekeeper itself', 'remove it');
  }
  section.end();
  return { logs, metrics };
}

function readLogsConfig(section: ConfigSection): LoggerConfig {
  const config: LoggerConfig = {
    // zap, the Collector's logger, takes INFO as well as info.
    level: section.oneOf('level', 'info', ['debug', 'info', 'warn', 'error'], { ignoreCase: true }),
    encoding: section.oneOf('encoding', 'console', ['console', 'json']),
    initialFields: section.stringMap('initial_fields'),
  };
  ignoreKeys(section, zapKeys);
  section.end();
  return config;
}

/** Of the Collector's logger. Lines here have neither, and are few: nothing is logged per sample. */
const zapKeys = {
  development: 'it is for the logger of the Collector',
  disable_caller: 'lines name no place in the source',
  disable_stacktrace: 'lines have no stack trace',
  sampling: 'all lines are written',
};

type MetricReaderConfig = { readonly prometheus: PrometheusReaderConfig } | { readonly otlp: OtlpReaderConfig };

function readMetricsConfig(section: ConfigSection): Omit<TelemetryConfig, 'resource'> {
  const level = section.oneOf('level', 'normal', ['none', 'basic', 'normal', 'detailed']);
  const hasAddress = section.has('address');
  const hasReaders = section.has('readers');
  const address = readAddress(section);
  const readers = section.sections('readers').map(readReader);
  if (hasAddress && hasReaders) {
    section.addProblem('address', 'is an older form of readers, and both are there', 'remove address');
  }
  section.end();
  const configured = hasReaders ? readers.filter((reader) => reader !== undefined) : [address];
  return {
    level,
    prometheus:
      level === 'none' ? [] : configured.flatMap((reader) => ('prometheus' in reader ? reader.prometheus : [])),
    otlp: level === 'none' ? [] : configured.flatMap((reader) => ('otlp' in reader ? reader.otlp : [])),
  };
}

/** The Collector's older key: `host:port`, where no host is every one. */
function readAddress(section: ConfigSection): MetricReaderConfig {
  const address = section.string('address', `${defaultHost}:${defaultPort}`);
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  if (port !== undefined && Number(port) <= 65_535) {
    return { prometheus: { ...plain, host: host!.replace(/^\[(.*)\]$/, '$1'), port: Number(port) } };
  }
  section.addProblem('address', `"${address}" is not host:port`, `write "${defaultHost}:${defaultPort}"`);
  return { prometheus: { ...plain, host: defaultHost, port: defaultPort } };
}

function readReader(section: ConfigSection): MetricReaderConfig | undefined {
  const hasPull = section.has('pull');
  const hasPeriodic = section.has('periodic');
  if (hasPull === hasPeriodic) {
    section.addProblem(
      hasPull ? 'periodic' : 'pull',
      'a reader is either pull or periodic',
      'write exactly one of them',
    );
    return undefined;
  }
  const reader = hasPull ? readPull(section.section('pull')) : readPeriodic(section.section('periodic'));
  section.end();
  return reader;
}

function readPull(section: ConfigSection): MetricReaderConfig {
  const exporter = section.section('exporter');
  if (!exporter.has('prometheus')) exporter.addProblem('prometheus', 'is missing', 'write "prometheus:"');
  const prometheus = exporter.section('prometheus');
  const host = prometheus.string('host', defaultHost);
  const port = prometheus.integer('port', defaultPort, { min: 0, max: 65_535 });
  // Names without units and suffixes are the Collector's own defaults, and the only form there is here.
  for (const key of ['without_scope_info', 'without_units', 'without_type_suffix']) {
    if (!prometheus.boolean(key, true)) prometheus.addProblem(key, 'false is not supported', 'remove it');
  }
  // The Collector has neither here; these are the keys of its other HTTP servers.
  const tls = prometheus.optionalSection('tls');
  const reader = { host, port, tls: tls && readServerTlsConfig(tls), authenticator: readAuthenticatorId(prometheus) };
  prometheus.end();
  exporter.end();
  section.end();
  return { prometheus: reader };
}

function readPeriodic(section: ConfigSection): MetricReaderConfig | undefined {
  // Whole milliseconds, as in OpenTelemetry's declarative configuration, which the Collector embeds here.
  const intervalMs = section.milliseconds('interval', 60_000, { min: 1, max: longestMs });
  const timeoutMs = section.milliseconds('timeout', 30_000, { min: 1, max: longestMs });
  const exporter = section.section('exporter');
  const target = exporter.has('otlp') ? readOtlpTarget(exporter.section('otlp')) : undefined;
  if (target === undefined) exporter.addProblem('otlp', 'is missing', 'write "otlp:" with an endpoint below it');
  exporter.end();
  section.end();
  if (target === undefined) return undefined;
  return { otlp: { ...target, intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs) } };
}

function readOtlpTarget(section: ConfigSection): Pick<OtlpReaderConfig, 'url' | 'headers' | 'tlsFiles'> {
  section.oneOf('protocol', 'http/protobuf', ['http/protobuf']);
  // The keys of OpenTelemetry's declarative configuration.
  const tlsFiles = readTlsFiles(section, {
    authority: 'certificate',
    certificate: 'client_certificate',
    privateKey: 'client_key',
  });
  const target = { url: readUrl(section), headers: section.opaqueMap('headers'), tlsFiles };
  section.end();
  return target;
}

/** The endpoint with the path of the metrics signal, unless it has a path of its own. */
function readUrl(section: ConfigSection): string {
  const example = 'http://localhost:4318/v1/metrics';
  const text = section.requiredString('endpoint', `a URL such as "${example}"`);
  const isUrl = /^https?:\/\/[^/]/.test(text) && URL.canParse(text);
  if (text !== '' && !isUrl) section.addProblem('endpoint', `"${text}" is not an HTTP URL`, `write "${example}"`);
  const url = new URL(isUrl ? text : example);
  if (url.pathname === '/') url.pathname = '/v1/metrics';
  return url.href;
}

/** `name: value` pairs, or a list of them under `attributes`. */
function readResource(section: ConfigSection): ReadonlyMap<string, string | undefined> {
  const resource = section.section('resource');
  const texts = resource.has('attributes') ? resource.stringMap('attributes') : section.stringMap('resource');
  // An empty value takes a default attribute away.
  return new Map([...texts].map(([key, text]) => [key, text === '' ? undefined : text]));
}
