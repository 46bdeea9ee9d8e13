import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { formatProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { ServiceTelemetryConfig } from '../../src/config/telemetry-config.ts';
import { telemetryTable } from '../../src/config/telemetry-config.ts';
import { Secret } from '../../src/support/secret.ts';

function read(keys: object): { config: ServiceTelemetryConfig; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  return { config: telemetryTable.read(new ConfigSection('service.telemetry', keys, problems)), problems };
}

const tlsFiles = { authority: undefined, certificate: undefined, privateKey: undefined, reloadIntervalMs: 60_000 };
const plain = { tls: undefined, authenticator: '' };

test('telemetryTable.read defaults to a scrape at localhost:8888 and info on the console', () => {
  assert.deepEqual(read({}), {
    config: {
      metrics: {
        level: 'normal',
        resource: new Map(),
        prometheus: [{ ...plain, host: 'localhost', port: 8888 }],
        otlp: [],
      },
      logs: { level: 'info', encoding: 'console', initialFields: new Map() },
    },
    problems: [],
  });
});

test('telemetryTable.read reads readers, resource and logs as the Collector writes them', () => {
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
      prometheus: [{ ...plain, host: '0.0.0.0', port: 9999 }],
      otlp: [
        {
          url: 'https://c:4318/v1/metrics',
          headers: new Map([['k', new Secret('v')]]),
          intervalMs: 5000,
          timeoutMs: 5000,
          tlsFiles,
        },
        { url: 'http://c/otlp/v1/metrics', headers: new Map(), tlsFiles, intervalMs: 60_000, timeoutMs: 30_000 },
      ],
    },
    logs: { level: 'debug', encoding: 'json', initialFields: new Map([['node', 'n1']]) },
  });
});

test('telemetryTable.read serves no metrics when the list of readers is empty', () => {
  assert.deepEqual(read({ metrics: { readers: [] } }).config.metrics.prometheus, []);
});

for (const { keys, path } of [
  { keys: { logs: { level: 'loud' } }, path: 'service.telemetry.logs.level' },
  { keys: { traces: {} }, path: 'service.telemetry.traces' },
  { keys: { metrics: { readers: { pull: {} } } }, path: 'service.telemetry.metrics.readers' },
  { keys: { metrics: { readers: [{}] } }, path: 'service.telemetry.metrics.readers[0].pull' },
  {
    keys: { metrics: { readers: [{ pull: { exporter: { prometheus: { without_scope_info: false } } } }] } },
    path: 'service.telemetry.metrics.readers[0].pull.exporter.prometheus.without_scope_info',
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
  test(`telemetryTable.read reports a fault of ${path}`, () => {
    assert.deepEqual(
      read(keys).problems.map((problem) => problem.path),
      [path],
    );
  });
}

const scrape = { ...plain, host: 'localhost', port: 8888 } as const;

function readText(text: string): { config: ServiceTelemetryConfig; messages: string[] } {
  const problems: ConfigProblem[] = [];
  const config = telemetryTable.read(new ConfigSection('t', parse(text), problems));
  return { config, messages: problems.map(formatProblem) };
}

for (const { text, logs } of [
  { text: 'logs: {level: debug}', logs: { level: 'debug', encoding: 'console', initialFields: new Map() } },
  { text: 'logs: {level: WARN, encoding: json}', logs: { level: 'warn', encoding: 'json', initialFields: new Map() } },
]) {
  test(`telemetry reads ${text}`, () => {
    const { config, messages } = readText(text);
    assert.deepEqual([config.logs, messages], [logs, []]);
  });
}

for (const { text, prometheus, level = 'normal' } of [
  { text: 'level: none', level: 'none', prometheus: [] },
  { text: 'level: none, readers: [{pull: {exporter: {prometheus: }}}]', level: 'none', prometheus: [] },
  { text: 'level: detailed', level: 'detailed', prometheus: [scrape] },
  { text: 'readers: []', prometheus: [] },
  { text: 'address: "127.0.0.1:9999"', prometheus: [{ ...plain, host: '127.0.0.1', port: 9999 }] },
  { text: 'address: ":8888"', prometheus: [{ ...plain, host: '', port: 8888 }] },
  { text: 'address: "[::1]:0"', prometheus: [{ ...plain, host: '::1', port: 0 }] },
  { text: 'readers: [{pull: {exporter: {prometheus: }}}]', prometheus: [scrape] },
  {
    text: 'readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 0, without_scope_info: true, without_units: true, without_type_suffix: true}}}}]',
    prometheus: [{ ...plain, host: '0.0.0.0', port: 0 }],
  },
  {
    text: 'readers: [{pull: {exporter: {prometheus: {without_type_suffix: false}}}}]',
    prometheus: [{ ...scrape, names: { hasUnits: false, hasTypeSuffix: true } }],
  },
]) {
  test(`telemetry.metrics reads ${text}`, () => {
    const { config, messages } = readText(`metrics: {${text}}`);
    assert.deepEqual([config.metrics, messages], [{ level, prometheus, otlp: [], resource: new Map() }, []]);
  });
}

const reader = (text: string): string => `metrics: {readers: [${text}]}`;

for (const { text, messages } of [
  {
    text: 'logs: {level: verbose}',
    messages: ['t.logs.level: "verbose" is not known here; write one of debug, info, warn, error.'],
  },
  {
    text: 'logs: {encodng: json}',
    messages: ['t.logs.encodng: unknown key; did you mean "encoding"? Rename or remove it.'],
  },
  { text: 'traces: {level: none}', messages: ['t.traces: there are no traces of Framekeeper itself; remove it.'] },
  { text: 'metric: {}', messages: ['t.metric: unknown key; did you mean "metrics"? Rename or remove it.'] },
  {
    text: 'metrics: {level: high}',
    messages: ['t.metrics.level: "high" is not known here; write one of none, basic, normal, detailed.'],
  },
  {
    text: 'metrics: {address: localhost}',
    messages: ['t.metrics.address: "localhost" is not host:port; write "localhost:8888".'],
  },
  {
    text: 'metrics: {address: "localhost:99999"}',
    messages: ['t.metrics.address: "localhost:99999" is not host:port; write "localhost:8888".'],
  },
  {
    text: 'metrics: {address: ":1", readers: []}',
    messages: ['t.metrics.address: is an older form of readers, and both are there; remove address.'],
  },
  {
    text: 'metrics: {readers: {pull: }}',
    messages: ['t.metrics.readers: a map is not a list; start each entry with "- ".'],
  },
  {
    text: reader('{}'),
    messages: ['t.metrics.readers[0].pull: a reader is either pull or periodic; write exactly one of them.'],
  },
  {
    text: reader('{pull: , periodic: }'),
    messages: ['t.metrics.readers[0].periodic: a reader is either pull or periodic; write exactly one of them.'],
  },
  {
    text: reader('{pull: {exporter: {prometheus: }}, x: 1}'),
    messages: ['t.metrics.readers[0].x: unknown key; remove it, or use one of periodic, pull.'],
  },
  {
    text: reader('{pull: }'),
    messages: ['t.metrics.readers[0].pull.exporter.prometheus: is missing; write "prometheus:".'],
  },
  {
    text: reader('{pull: {exporter: {prometheus: {host: 1, port: 70000, without_scope_info: false}}}}'),
    messages: [
      't.metrics.readers[0].pull.exporter.prometheus.host: 1 is not text; put it in quotes.',
      't.metrics.readers[0].pull.exporter.prometheus.port: 70000 is out of range; write a whole number from 0 to 65535.',
      't.metrics.readers[0].pull.exporter.prometheus.without_scope_info: false is not supported; remove it.',
    ],
  },
  {
    text: reader('{periodic: {interval: 10s, exporter: {console: }}}'),
    messages: [
      't.metrics.readers[0].periodic.interval: "10s" is not a whole number of milliseconds; write it in milliseconds: 10000.',
      't.metrics.readers[0].periodic.exporter.otlp: is missing; write "otlp:" with an endpoint below it.',
      't.metrics.readers[0].periodic.exporter.console: unknown key; remove it, or use one of otlp.',
    ],
  },
  {
    text: reader('{periodic: {exporter: {otlp: {protocol: grpc}}}}'),
    messages: [
      't.metrics.readers[0].periodic.exporter.otlp.protocol: "grpc" is not known here; write one of http/protobuf.',
      't.metrics.readers[0].periodic.exporter.otlp.endpoint: is missing; write a URL such as "http://localhost:4318/v1/metrics".',
    ],
  },
  {
    text: reader('{periodic: {exporter: {otlp: {endpoint: "localhost:4318", headers: {a: 4711}}}}}'),
    messages: [
      't.metrics.readers[0].periodic.exporter.otlp.endpoint: "localhost:4318" is not an HTTP URL; write "http://localhost:4318/v1/metrics".',
      't.metrics.readers[0].periodic.exporter.otlp.headers.a: the value is not text; put it in quotes.',
    ],
  },
]) {
  test(`telemetry refuses ${text}`, () => assert.deepEqual(readText(text).messages, messages));
}
