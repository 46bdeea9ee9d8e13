import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../../src/config/config-error.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { ConfigSection } from '../../../src/config/config-section.ts';
import type { OtlpGrpcConfig } from '../../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { otlpGrpcTable } from '../../../src/exporters/otlp-grpc/otlp-grpc-config.ts';

function read(values: Record<string, unknown>): { config: OtlpGrpcConfig; message: string } {
  const problems: ConfigProblem[] = [];
  const config = otlpGrpcTable.read(new ConfigSection('otlp', values, problems));
  return { config, message: new ConfigError(problems).message };
}

test('otlp_grpc has the defaults of the Collector', () => {
  const { config, message } = read({ endpoint: 'localhost:4317' });
  assert.equal(message, '');
  const { tls, retry: _retry, queue: _queue, ...rest } = config;
  assert.deepEqual(rest, {
    dialect: 'generic',
    dialectOptions: { functionsTwice: true, underscores: false },
    endpoint: { target: 'localhost:4317', security: undefined },
    isTls: true,
    authenticator: '',
    compression: 'gzip',
    headers: new Map(),
    keepalive: undefined,
    waitForReady: false,
    balancerName: 'round_robin',
    authority: '',
    userAgent: '',
    timeoutMs: 5000,
    retryOnAuthFailure: undefined,
    maxRequestBytes: 4_000_000,
  });
  assert.deepEqual(tls, {
    path: 'otlp.tls',
    insecure: false,
    insecureSkipVerify: false,
    files: { authority: undefined, certificate: undefined, privateKey: undefined, reloadIntervalMs: 60_000 },
    serverNameOverride: '',
    minVersion: 'TLSv1.2',
  });
});

test('otlp_grpc with keepalive has the times of the Collector', () => {
  const { config } = read({ endpoint: 'localhost:4317', keepalive: {} });
  assert.deepEqual(config.keepalive, { timeMs: 10_000, timeoutMs: 10_000, permitWithoutStream: false });
});

for (const { endpoint, tls = {}, target, isTls } of [
  { endpoint: 'localhost:4317', target: 'localhost:4317', isTls: true },
  { endpoint: 'localhost:4317', tls: { insecure: true }, target: 'localhost:4317', isTls: false },
  { endpoint: 'http://localhost:4317', target: 'localhost:4317', isTls: false },
  { endpoint: 'http://localhost:4317/', target: 'localhost:4317', isTls: false },
  { endpoint: 'https://a.example:443', tls: { insecure: true }, target: 'a.example:443', isTls: true },
  { endpoint: 'dns:///a.example:4317', target: 'dns:///a.example:4317', isTls: true },
  { endpoint: 'dns://1.1.1.1/a.example:4317', target: 'dns://1.1.1.1/a.example:4317', isTls: true },
  { endpoint: '[::1]:4317', tls: { insecure: true }, target: '[::1]:4317', isTls: false },
  { endpoint: 'http://[::1]:4317', target: '[::1]:4317', isTls: false },
  { endpoint: 'unix:///run/otlp.sock', tls: { insecure: true }, target: 'unix:///run/otlp.sock', isTls: false },
  { endpoint: ' localhost:4317 ', target: 'localhost:4317', isTls: true },
]) {
  test(`otlp_grpc reads the endpoint ${endpoint} with tls ${JSON.stringify(tls)}`, () => {
    const { config, message } = read({ endpoint, tls });
    assert.deepEqual([message, config.endpoint?.target, config.isTls], ['', target, isTls]);
  });
}

const writeHostAndPort = 'write host:port, e.g. localhost:4317.';

for (const { values, message } of [
  {
    values: {},
    message: 'otlp.endpoint: is empty; write host:port, or optional: true to switch the exporter off.',
  },
  { values: { endpoint: 'localhost' }, message: `otlp.endpoint: "localhost" has no port; ${writeHostAndPort}` },
  {
    values: { endpoint: 'localhost:otlp' },
    message: `otlp.endpoint: "localhost:otlp" has the invalid port "otlp"; ${writeHostAndPort}`,
  },
  {
    values: { endpoint: 'localhost:65536' },
    message: `otlp.endpoint: "localhost:65536" has the invalid port "65536"; ${writeHostAndPort}`,
  },
  {
    values: { endpoint: 'http://a:1/v1' },
    message: `otlp.endpoint: "http://a:1/v1" has the invalid port "1/v1"; ${writeHostAndPort}`,
  },
  { values: { endpoint: 'unix:' }, message: `otlp.endpoint: "unix:" has no path; ${writeHostAndPort}` },
  { values: { endpoint: 'a b:1' }, message: `otlp.endpoint: "a b:1" is no address; ${writeHostAndPort}` },
  {
    values: { endpoint: 'http://a:1', tls: { ca_file: '/ca.pem' } },
    message: 'otlp.endpoint: begins with http://, which is without TLS, but tls is set; write https://.',
  },
  {
    values: { endpoint: 'a:1', tls: { insecure: true, ca_file: '/ca.pem' } },
    message:
      'otlp.tls.insecure: is true, which is without TLS, but a certificate or name for TLS is set beside it; remove insecure, or all else of tls.',
  },
  {
    values: { endpoint: 'a:1', compression: 'snappy' },
    message: /^otlp\.compression: "snappy" .* gzip, zstd, none\.$/,
  },
  {
    values: { endpoint: 'a:1', tls: { cert_file: '/c.pem' } },
    message: 'otlp.tls.key_file: is missing while cert_file is set; set both or neither.',
  },
  {
    values: { endpoint: 'a:1', tls: { min_version: '1.4' } },
    message: /^otlp\.tls\.min_version: "1\.4" /,
  },
  {
    values: { endpoint: 'a:1', keepalive: { time: '0s' } },
    message: /^otlp\.keepalive\.time: "0s" /,
  },
  {
    values: { endpoint: 'a:1', keepalive: { time: '1000h' } },
    message: 'otlp.keepalive.time: "1000h" is out of range; write a duration from 1ms to 504h.',
  },
  {
    values: { endpoint: 'a:1', retry_on_failuer: {} },
    message: /^otlp\.retry_on_failuer: .*"retry_on_failure"/,
  },
]) {
  test(`otlp_grpc refuses ${JSON.stringify(values)}`, () => {
    if (typeof message === 'string') assert.equal(read(values).message, message);
    else assert.match(read(values).message, message);
  });
}

for (const [name, value] of [
  ['authorization', 'Bearer hunter2\n'],
  ['authorization', 'hünter2'],
  ['a header', 'hunter2'],
  ['token-bin', 'hunter2'],
  ['grpc-timeout', 'hunter2'],
  ['OTLP-Profiles-Development-Version', 'hunter2'],
] as const) {
  test(`otlp_grpc refuses the header ${name} = ${JSON.stringify(value)} without telling its value`, () => {
    const { message } = read({ endpoint: 'a:1', headers: { [name]: value } });
    assert.ok(message.startsWith(`otlp.headers.${name}: `), message);
    assert.doesNotMatch(message, /nter2/);
  });
}

for (const [key, value] of [
  ['authority', 'profiles.example\nx: y'],
  ['authority', 'two words'],
  ['user_agent', 'Müller/1'],
] as const) {
  test(`otlp_grpc refuses ${key}: ${JSON.stringify(value)}, which no header can carry`, () => {
    const { message } = read({ endpoint: 'a:1', [key]: value });
    assert.equal(message.split(' has ')[0], `otlp.${key}: ${JSON.stringify(value)}`);
  });
}
