import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../src/cli/read-config.ts';
import { componentTypes } from '../../src/service/components.ts';
import type { Machine } from '../../src/service/machine.ts';
import { findResolvedOwnDestinations } from '../../src/service/own-destinations.ts';
import { findPipelineProblems } from '../../src/service/pipeline-problems.ts';
import { recordedIo } from '../support/recorded-io.ts';

const machine: Machine = { hostname: 'node-7', addresses: ['127.0.0.1', '::1', '10.0.0.7', 'fd00::7'] };

interface Case {
  readonly grpc?: string;
  readonly http?: string;
  readonly exporters: string;
  readonly used?: string;
  readonly env?: Record<string, string>;
}

function check({ grpc = 'localhost:4317', http = 'localhost:4318', exporters, used = 'otlp_grpc', env = {} }: Case) {
  const io = recordedIo(
    {
      'config.yaml': `
receivers: {frames: {protocols: {grpc: {endpoint: "${grpc}"}}}, otlp: {protocols: {http: {endpoint: "${http}"}}}}
processors: {symbol_store: {}, reporting_cycle: {}}
exporters: {debug: {}, ${exporters}}
extensions: {health_check: {}}
service:
  extensions: [health_check]
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [debug, ${used}]}}
`,
    },
    env,
  );
  const read = readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, (config) =>
    findPipelineProblems(config, undefined, machine),
  );
  return { read, faults: io.err };
}

for (const { name, ...config } of [
  { name: 'the name of the listener', exporters: 'otlp_grpc: {endpoint: "localhost:4317"}' },
  { name: 'an address of the listener', exporters: 'otlp_grpc: {endpoint: "127.0.0.1:4317"}' },
  { name: 'the other loopback', exporters: 'otlp_grpc: {endpoint: "[::1]:4317"}' },
  { name: 'another letter case', exporters: 'otlp_grpc: {endpoint: "LocalHost:4317"}' },
  { name: 'a scheme before it', exporters: 'otlp_grpc: {endpoint: "http://localhost:4317"}' },
  { name: 'a scheme of gRPC', exporters: 'otlp_grpc: {endpoint: "dns:///localhost:4317"}' },
  { name: 'any address', exporters: 'otlp_grpc: {endpoint: "0.0.0.0:4317", tls: {insecure: true}}' },
  { name: 'an address of an interface', grpc: ':4317', exporters: 'otlp_grpc: {endpoint: "10.0.0.7:4317"}' },
  { name: 'the name of the machine', grpc: '0.0.0.0:4317', exporters: 'otlp_grpc: {endpoint: "Node-7:4317"}' },
  { name: 'any other loopback', grpc: '[::]:4317', exporters: 'otlp_grpc: {endpoint: "127.9.9.9:4317"}' },
  { name: 'IPv4 as IPv6', grpc: '127.0.0.1:4317', exporters: 'otlp_grpc: {endpoint: "[::ffff:127.0.0.1]:4317"}' },
  { name: 'OTLP over HTTP', exporters: 'otlp_http: {endpoint: "http://localhost:4318"}', used: 'otlp_http' },
  { name: 'a listener of another protocol', exporters: 'otlp_grpc: {endpoint: "localhost:13133"}' },
  {
    name: 'the variable of OpenTelemetry',
    exporters: 'otlp_grpc: {}',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317' },
  },
]) {
  test(`an exporter to the service itself is refused: ${name}`, () => {
    assert.match(
      check(config).faults,
      /exporters\.\w+\.endpoint: \S+ is this service itself: (receiver|extension) ".*" listens on \S+; name the backend/,
    );
  });
}

const elsewhere: readonly (Case & { readonly name: string })[] = [
  { name: 'another port', exporters: 'otlp_grpc: {endpoint: "localhost:14317"}' },
  { name: 'another machine', grpc: ':4317', exporters: 'otlp_grpc: {endpoint: "10.0.0.8:4317"}' },
  { name: 'an address that does not listen', exporters: 'otlp_grpc: {endpoint: "10.0.0.7:4317"}' },
  { name: 'an exporter of no pipeline', exporters: 'otlp_grpc: {endpoint: "localhost:4317"}', used: 'debug/2' },
  {
    name: 'a socket of the file system',
    exporters: 'otlp_grpc: {endpoint: "unix:/run/otlp.sock", tls: {insecure: true}}',
  },
  {
    name: 'a proxy on the way',
    exporters: 'otlp_http: {endpoint: "http://localhost:4318", proxy_url: "http://p:1"}',
    used: 'otlp_http',
  },
  { name: 'any free port', grpc: 'localhost:0', exporters: 'otlp_grpc: {endpoint: "localhost:4317"}' },
];

for (const { name, ...config } of elsewhere) {
  test(`an exporter to another place is taken: ${name}`, () => {
    const exporters = config.used === 'debug/2' ? `${config.exporters}, debug/2: {}` : config.exporters;
    assert.doesNotMatch(check({ ...config, exporters }).faults, /Error/);
  });
}

test('a name that resolves to the machine is refused at start; one that does not resolve is taken', async () => {
  const { read } = check({
    grpc: ':4317',
    exporters: 'otlp_grpc: {endpoint: "collector.local:4317"}, otlp_http: {endpoint: "http://elsewhere:4318"}',
    used: 'otlp_grpc, otlp_http',
  });
  const asked: string[] = [];
  const resolve = async (host: string): Promise<string[]> => {
    asked.push(host);
    if (host === 'elsewhere') throw new Error('ENOTFOUND');
    return ['10.0.0.7'];
  };
  const problems = await findResolvedOwnDestinations(read!.checked, machine, resolve);
  assert.deepEqual(
    problems.map(({ path, problem }) => [path, problem]),
    [
      [
        'exporters.otlp_grpc.endpoint',
        'collector.local:4317 is this service itself: receiver "frames" listens on :4317',
      ],
    ],
  );
  assert.deepEqual(asked, ['collector.local', 'elsewhere']);
  assert.deepEqual(await findResolvedOwnDestinations(read!.checked, machine, async () => ['10.0.0.8']), []);
});
