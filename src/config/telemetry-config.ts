import type { LoggerConfig } from '../support/logger.ts';
import type { OtlpReaderConfig, PrometheusReaderConfig, TelemetryConfig } from '../support/telemetry.ts';
import type { ConfigSection } from './config-section.ts';

export interface ServiceTelemetryConfig {
  readonly metrics: TelemetryConfig;
  readonly logs: LoggerConfig;
}

/** Section `service.telemetry`, in the Collector's grammar. */
export function readTelemetryConfig(section: ConfigSection): ServiceTelemetryConfig {
  const metrics = section.section('metrics');
  const level = metrics.oneOf('level', 'normal', ['none', 'basic', 'normal', 'detailed']);
  const readers = metrics.sections('readers')?.map(readReader);
  metrics.end();
  const config = {
    metrics: {
      level,
      resource: readResource(section.section('resource')),
      prometheus: readers?.flatMap(({ prometheus }) => prometheus ?? []) ?? [{ host: 'localhost', port: 8888 }],
      otlp: readers?.flatMap(({ otlp }) => otlp ?? []) ?? [],
    },
    logs: readLogs(section.section('logs')),
  };
  section.end();
  return config;
}

interface Reader {
  readonly prometheus?: PrometheusReaderConfig;
  readonly otlp?: OtlpReaderConfig;
}

function readReader(section: ConfigSection): Reader {
  const pull = section.optionalSection('pull');
  const periodic = section.optionalSection('periodic');
  section.end();
  if (pull !== undefined) return { prometheus: readPull(pull) };
  if (periodic !== undefined) return { otlp: readPeriodic(periodic) };
  section.addProblem('pull', 'is missing, and so is "periodic"', 'write one of them');
  return {};
}

function readPull(section: ConfigSection): PrometheusReaderConfig {
  const exporter = section.section('exporter');
  const prometheus = exporter.section('prometheus');
  const config = {
    host: prometheus.string('host', 'localhost'),
    port: prometheus.integer('port', 8888, { min: 0, max: 65_535 }),
  };
  for (const key of ['without_scope_info', 'without_type_suffix', 'without_units']) {
    if (!prometheus.boolean(key, true)) {
      prometheus.addProblem(key, 'is false', "remove it: names are the Collector's default ones, without suffixes");
    }
  }
  for (const read of [prometheus, exporter, section]) read.end();
  return config;
}

const minuteMs = 60_000;

/** Times are whole milliseconds here: this part of the grammar is OpenTelemetry's declarative configuration. */
function readPeriodic(section: ConfigSection): OtlpReaderConfig {
  const exporter = section.section('exporter');
  const otlp = exporter.section(exporter.has('otlp_http') ? 'otlp_http' : 'otlp');
  otlp.oneOf('protocol', 'http/protobuf', ['http/protobuf']);
  const config = {
    url: readUrl(otlp),
    headers: otlp.stringMap('headers'),
    intervalMs: section.integer('interval', minuteMs, { min: 100 }),
    timeoutMs: Math.min(
      section.integer('timeout', 30_000, { min: 1 }),
      otlp.integer('timeout', 10_000, { min: 1 }),
      section.integer('interval', minuteMs, { min: 100 }),
    ),
  };
  for (const read of [otlp, exporter, section]) read.end();
  return config;
}

/** The endpoint with the path of the metrics signal, unless it has a path of its own. */
function readUrl(section: ConfigSection): string {
  const fallback = 'http://localhost:4318';
  const text = section.string('endpoint', fallback);
  const isUrl = /^https?:\/\//.test(text) && URL.canParse(text);
  if (!isUrl) section.addProblem('endpoint', `is ${JSON.stringify(text)}`, `write a URL, e.g. "${fallback}"`);
  const url = new URL(isUrl ? text : fallback);
  if (url.pathname === '/') url.pathname = '/v1/metrics';
  return url.href;
}

function readResource(section: ConfigSection): ReadonlyMap<string, string | undefined> {
  const attributes = new Map<string, string | undefined>();
  for (const key of section.keys()) attributes.set(key, section.string(key, '') || undefined);
  section.end();
  return attributes;
}

function readLogs(section: ConfigSection): LoggerConfig {
  const fields = section.section('initial_fields');
  const config: LoggerConfig = {
    level: section.oneOf('level', 'info', ['debug', 'info', 'warn', 'error']),
    encoding: section.oneOf('encoding', 'console', ['console', 'json']),
    initialFields: new Map(fields.keys().map((key) => [key, fields.string(key, '')])),
  };
  fields.end();
  section.end();
  return config;
}
