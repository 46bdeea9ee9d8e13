import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { ServiceTelemetryConfig } from '../../src/config/telemetry-config.ts';
import { readTelemetryConfig } from '../../src/config/telemetry-config.ts';
import { Secret } from '../../src/support/secret.ts';

function read(keys: object): { config: ServiceTelemetryConfig; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  return { config: readTelemetryConfig(new ConfigSection('service.telemetry', keys, problems)), problems };
}

test('readTelemetryConfig defaults to a scrape at localhost:8888 and info on the console', () => {
  assert.deepEqual(read({}), {
    config: {
      metrics: { level: 'normal', resource: new Map(), prometheus: [{ host: 'localhost', port: 8888 }], otlp: [] },
      logs: { level: 'info', encoding: 'console', initialFields: new Map() },
    },
    problems: [],
  });
});

test('readTelemetryConfig reads readers, resource and logs as the Collector writes them', () => {
  const { config, problems } = read({
    resource: { 'service.name': null, region: 'eu' },
    logs: { level: 'debug', encoding: 'json', initial_fields: { node: 'n1' } },
    metrics: {
      level: 'detailed',
      readers: [
        { pull: { exporter: { prometheus: { host: '0.0.0.0', port: 9999, without_units: true } } } },
        {
          periodic: {
            interval: 5000,
            exporter: {
              otlp: { protocol: 'http/protobuf', endpoint: 'https://c:4318', headers: [{ name: 'k', value: 'v' }] },
            },
          },
        },
        { periodic: { exporter: { otlp: { endpoint: 'http://c/otlp/v1/metrics' } } } },
      ],
    },
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(config, {
    metrics: {
      level: 'detailed',
      resource: new Map([
        ['service.name', undefined],
        ['region', 'eu'],
      ]),
      prometheus: [{ host: '0.0.0.0', port: 9999 }],
      otlp: [
        {
          url: 'https://c:4318/v1/metrics',
          headers: new Map([['k', new Secret('v')]]),
          intervalMs: 5000,
          timeoutMs: 5000,
        },
        { url: 'http://c/otlp/v1/metrics', headers: new Map(), intervalMs: 60_000, timeoutMs: 30_000 },
      ],
    },
    logs: { level: 'debug', encoding: 'json', initialFields: new Map([['node', 'n1']]) },
  });
});

test('readTelemetryConfig serves no metrics when the list of readers is empty', () => {
  assert.deepEqual(read({ metrics: { readers: [] } }).config.metrics.prometheus, []);
});

for (const { keys, path } of [
  { keys: { logs: { level: 'loud' } }, path: 'service.telemetry.logs.level' },
  { keys: { traces: {} }, path: 'service.telemetry.traces' },
  { keys: { metrics: { readers: { pull: {} } } }, path: 'service.telemetry.metrics.readers' },
  { keys: { metrics: { readers: [{}] } }, path: 'service.telemetry.metrics.readers[0].pull' },
  {
    keys: { metrics: { readers: [{ pull: { exporter: { prometheus: { without_units: false } } } }] } },
    path: 'service.telemetry.metrics.readers[0].pull.exporter.prometheus.without_units',
  },
  {
    keys: { metrics: { readers: [{ periodic: { exporter: { otlp: { endpoint: 'c:4318' } } } }] } },
    path: 'service.telemetry.metrics.readers[0].periodic.exporter.otlp.endpoint',
  },
  {
    keys: { metrics: { readers: [{ periodic: { exporter: { otlp: { endpoint: 'http://c', protocol: 'grpc' } } } }] } },
    path: 'service.telemetry.metrics.readers[0].periodic.exporter.otlp.protocol',
  },
]) {
  test(`readTelemetryConfig reports a fault of ${path}`, () => {
    assert.deepEqual(
      read(keys).problems.map((problem) => problem.path),
      [path],
    );
  });
}
