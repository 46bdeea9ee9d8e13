import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../../src/config/config-error.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { ConfigNotes } from '../../../src/config/config-notes.ts';
import { ConfigSection } from '../../../src/config/config-section.ts';
import type { OtlpHttpConfig } from '../../../src/exporters/otlp-http/otlp-http-config.ts';
import { otlpHttpTable } from '../../../src/exporters/otlp-http/otlp-http-config.ts';

function read(values: Record<string, unknown>): { config: OtlpHttpConfig; message: string } {
  const problems: ConfigProblem[] = [];
  const config = otlpHttpTable.read(new ConfigSection('http', values, problems));
  return { config, message: new ConfigError(problems).message };
}

test('otlp_http has the defaults of the Collector', () => {
  const { config, message } = read({ endpoint: 'http://localhost:4318' });
  assert.equal(message, '');
  const { tls, retry: _retry, queue: _queue, url, ...rest } = config;
  assert.deepEqual(rest, {
    dialect: 'generic',
    dialectOptions: { functionsTwice: true, underscores: false },
    encoding: 'proto',
    authenticator: '',
    compression: 'gzip',
    compressionLevel: 6,
    headers: new Map(),
    proxyUrl: undefined,
    maxConnsPerHost: 0,
    idleConnTimeoutMs: 90_000,
    disableKeepAlives: false,
    timeoutMs: 30_000,
    retryOnAuthFailure: undefined,
    maxRequestBytes: 20_000_000,
  });
  assert.equal(tls.minVersion, 'TLSv1.2');
});

for (const { values, url } of [
  { values: { endpoint: 'http://localhost:4318' }, url: 'http://localhost:4318/v1development/profiles' },
  { values: { endpoint: 'http://localhost:4318/' }, url: 'http://localhost:4318/v1development/profiles' },
  { values: { endpoint: ' HTTPS://a.example/otlp/ ' }, url: 'https://a.example/otlp/v1development/profiles' },
  { values: { endpoint: 'http://[::1]:4318' }, url: 'http://[::1]:4318/v1development/profiles' },
  { values: { profiles_endpoint: 'http://localhost:4318/' }, url: 'http://localhost:4318/' },
  { values: { profiles_endpoint: 'http://a:1/x/?key=v' }, url: 'http://a:1/x/?key=v' },
  { values: { endpoint: 'http://a:1', profiles_endpoint: 'http://b:2/x' }, url: 'http://b:2/x' },
  { values: { optional: true }, url: undefined },
]) {
  test(`otlp_http posts to ${url} with ${JSON.stringify(values)}`, () => {
    const { config, message } = read(values);
    assert.deepEqual([message, config.url?.href], ['', url]);
  });
}

const writeBase = 'write a URL such as http://localhost:4318';

for (const { values, message } of [
  { values: {}, message: `http.endpoint: is empty; ${writeBase}, or optional: true to switch the exporter off.` },
  {
    values: { endpoint: 'localhost:4318' },
    message: `http.endpoint: does not begin with http:// or https://; ${writeBase}.`,
  },
  { values: { endpoint: 'http://' }, message: `http.endpoint: is no URL; ${writeBase}.` },
  { values: { endpoint: 'http://a:65536' }, message: `http.endpoint: is no URL; ${writeBase}.` },
  {
    values: { endpoint: 'http://a:1?b' },
    message: `http.endpoint: has a query, which a base URL cannot have; ${writeBase}.`,
  },
  {
    values: { profiles_endpoint: 'http://a:1/#b' },
    message: `http.profiles_endpoint: has a fragment, which is never sent; ${writeBase}/v1development/profiles.`,
  },
  {
    values: { endpoint: 'http://a:1', tls: { ca_file: '/ca.pem' } },
    message: 'http.endpoint: begins with http://, which is without TLS, but tls is set; write https://.',
  },
  {
    values: { endpoint: 'http://a:1', compression: 'snappy' },
    message: 'http.compression: "snappy" is not known here; write one of gzip, zstd, none.',
  },
  {
    values: { endpoint: 'http://a:1', compression_params: { level: 10 } },
    message: /^http\.compression_params\.level: 10 is out of range; /,
  },
  { values: { endpoint: 'http://a:1', encoding: 'protobuf' }, message: /^http\.encoding: .* proto, json\.$/ },
  {
    values: { endpoint: 'http://a:1', max_idle_conns: 100 },
    message:
      'http.max_idle_conns: is set, but no more connections are idle than were in use; ' +
      'remove it, or bound them with max_conns_per_host or idle_conn_timeout.',
  },
  { values: { endpoint: 'http://a:1', cookies: {} }, message: /^http\.cookies: unknown key; / },
]) {
  test(`otlp_http refuses ${JSON.stringify(values)}`, () => {
    if (typeof message === 'string') assert.equal(read(values).message, message);
    else assert.match(read(values).message, message);
  });
}

for (const { values, path } of [
  { values: { endpoint: 'http://me:hunter2@a:1' }, path: 'http.endpoint' },
  { values: { endpoint: 'http://a:1', proxy_url: 'me:hunter2@proxy:3128' }, path: 'http.proxy_url' },
  { values: { endpoint: 'http://a:1', headers: { authorization: 'hunter2\n' } }, path: 'http.headers.authorization' },
  { values: { endpoint: 'http://a:1', headers: { 'a header': 'hunter2' } }, path: 'http.headers.a header' },
  { values: { endpoint: 'http://a:1', headers: { 'Content-Type': 'hunter2' } }, path: 'http.headers.Content-Type' },
  {
    values: { endpoint: 'http://a:1', headers: { 'OTLP-Profiles-Development-Version': 'hunter2' } },
    path: 'http.headers.OTLP-Profiles-Development-Version',
  },
]) {
  test(`otlp_http refuses a secret in ${path} without telling it`, () => {
    const { message } = read(values);
    assert.ok(message.startsWith(`${path}: `), message);
    assert.doesNotMatch(message, /hunter2/);
  });
}

test('otlp_http keeps a proxy with its password as a secret', () => {
  const { config } = read({ endpoint: 'http://a:1', proxy_url: 'http://me:hunter2@proxy:3128' });
  assert.equal(config.proxyUrl?.reveal(), 'http://me:hunter2@proxy:3128');
  assert.doesNotMatch(JSON.stringify(config), /hunter2/);
});

for (const { values, warned } of [
  { values: { endpoint: 'https://a', tls: { insecure: true } }, warned: ['http.tls.insecure'] },
  { values: { endpoint: 'https://a', tls: { insecure: false } }, warned: [] },
  { values: { endpoint: 'http://a', tls: { insecure: true } }, warned: [] },
]) {
  test(`otlp_http warns of ${warned.length} keys without effect in ${JSON.stringify(values)}`, () => {
    const notes = new ConfigNotes();
    otlpHttpTable.read(new ConfigSection('http', values, [], notes));
    assert.deepEqual(
      notes.warnings.map((warning) => warning.split(': has no effect')[0]),
      warned,
    );
  });
}
