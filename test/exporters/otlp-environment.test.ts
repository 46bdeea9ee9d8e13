import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDocument } from '../../src/config/check-document.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { redact } from '../../src/config/redact.ts';
import type { OtlpGrpcConfig } from '../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import type { OtlpHttpConfig } from '../../src/exporters/otlp-http/otlp-http-config.ts';
import { componentTypes } from '../../src/service/components.ts';

function read(exporter: string, env: Record<string, string>) {
  const text = `
receivers: {frames: {protocols: {grpc: {}}}}
processors: {symbol_store: {}, reporting_cycle: {}}
exporters:
  ${exporter}
service: {pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [EXPORTER]}}}
`.replace('EXPORTER', exporter.split(':')[0]!);
  const sources = { configs: ['config.yaml'], sets: [] };
  const document = loadConfig(sources, { env, readFile: () => text }, componentTypes);
  const { exporters } = checkDocument(document, componentTypes);
  return {
    config: [...exporters.values()][0]!.config,
    printed: redact(document.completed(), document.notes.opaquePaths),
  };
}

const grpcTarget = (exporter: string, env: Record<string, string>): string | undefined =>
  (read(exporter, env).config as OtlpGrpcConfig).endpoint?.target;
const httpUrl = (exporter: string, env: Record<string, string>): string | undefined =>
  (read(exporter, env).config as OtlpHttpConfig).url?.href;

function headersOf(exporter: string, env: Record<string, string>): Record<string, string> {
  const { headers } = read(exporter, env).config as OtlpGrpcConfig;
  return Object.fromEntries([...headers].map(([name, value]) => [name, value.reveal()]));
}

const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://base:4317' };
const profiles = { OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT: 'http://profiles:4317/own' };
const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, X-Tenant = a ,,' };

test('otlp_grpc takes the endpoint of the environment where it has none', () => {
  assert.equal(grpcTarget('otlp_grpc:', base), 'base:4317');
  assert.equal(grpcTarget('otlp:', base), 'base:4317', 'by its alias too');
  assert.equal(
    grpcTarget('otlp_grpc/a: {timeout: 1s}', { ...base, OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT: 'http://p:1' }),
    'p:1',
  );
  assert.equal(grpcTarget('otlp_grpc: {endpoint: "own:4317"}', base), 'own:4317');
  assert.equal(grpcTarget('otlp_grpc: {endpoint: "", optional: true}', base), undefined, 'empty is switched off');
  assert.equal(grpcTarget('otlp_grpc: {optional: true}', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }), undefined);
});

test('otlp_http appends its path to the base of the environment, and takes the one of profiles as it is', () => {
  assert.equal(httpUrl('otlp_http:', base), 'http://base:4317/v1development/profiles');
  assert.equal(httpUrl('otlp_http:', { ...base, ...profiles }), 'http://profiles:4317/own');
  const own = 'otlp_http: {profiles_endpoint: "http://own/path"}';
  assert.equal(httpUrl(own, { ...base, ...profiles }), 'http://own/path');
});

test('a dialect comes with the endpoint of the environment, unless the exporter has its own', () => {
  const dialect = { FRAMEKEEPER_DIALECT: 'pyroscope' };
  const dialectOf = (exporter: string, env: Record<string, string>): string =>
    (read(exporter, env).config as OtlpGrpcConfig).dialect;
  assert.equal(dialectOf('otlp_grpc:', { ...base, ...dialect }), 'pyroscope');
  assert.equal(dialectOf('otlp_http:', { ...base, ...dialect }), 'pyroscope');
  assert.equal(dialectOf('otlp_grpc: {dialect: parca}', { ...base, ...dialect }), 'parca');
  assert.equal(dialectOf('otlp_grpc: {endpoint: "own:4317"}', { ...base, ...dialect }), 'generic');
  assert.equal(dialectOf('otlp_grpc:', { ...base, FRAMEKEEPER_DIALECT: '' }), 'generic');
  assert.throws(
    () => dialectOf('otlp_grpc:', { ...base, FRAMEKEEPER_DIALECT: 'grafana' }),
    /FRAMEKEEPER_DIALECT: is "grafana"; write one of generic, pyroscope, parca, devfiler, elastic/,
  );
});

test('headers come with the endpoint of the environment, and those of the configuration go before them', () => {
  const both = { authorization: 'Bearer abc', 'x-tenant': 'a' };
  assert.deepEqual(headersOf('otlp_grpc:', { ...base, ...headers }), both);
  assert.deepEqual(headersOf('otlp_http:', { ...base, ...headers }), both);
  const own = 'otlp_grpc: {headers: {Authorization: own}}';
  assert.deepEqual(headersOf(own, { ...base, ...headers }), { authorization: 'own', 'x-tenant': 'a' });
  const ofProfiles = { OTEL_EXPORTER_OTLP_PROFILES_HEADERS: 'a=b' };
  assert.deepEqual(headersOf('otlp_grpc:', { ...base, ...headers, ...ofProfiles }), { a: 'b' });
});

test('an exporter whose headers are a list takes the endpoint of the environment and its headers too', () => {
  const own = 'otlp_grpc: {headers: [{name: Authorization, value: own}, {name: x-b, value: b}]}';
  assert.equal(grpcTarget(own, base), 'base:4317');
  assert.deepEqual(headersOf(own, { ...base, ...headers }), { authorization: 'own', 'x-b': 'b', 'x-tenant': 'a' });
  const referred = { ...base, ...headers, OWN: '{Authorization: own}' };
  const all = { authorization: 'own', 'x-tenant': 'a' };
  assert.deepEqual(headersOf(`otlp_grpc: {headers: "\${env:OWN}"}`, referred), all, 'or come from elsewhere');
});

test('headers of the environment are not sent to an endpoint of the configuration', () => {
  assert.deepEqual(headersOf('otlp_grpc: {endpoint: "other:4317"}', { ...base, ...headers }), {});
  assert.deepEqual(headersOf('otlp_http: {endpoint: "http://other"}', { ...base, ...headers }), {});
});

test('print-config shows the endpoint, and the headers without their values', () => {
  const { printed } = read('otlp_grpc:', { ...base, ...headers });
  const { endpoint, headers: shown } = (printed as { exporters: { otlp_grpc: Record<string, unknown> } }).exporters
    .otlp_grpc;
  assert.deepEqual([endpoint, shown], ['http://base:4317', { authorization: '[REDACTED]', 'X-Tenant': '[REDACTED]' }]);
});

for (const { text, place } of [
  { text: 'secret-token', place: 1 },
  { text: 'a=b,secret', place: 2 },
  { text: '=secret', place: 1 },
  { text: 'a=secret%zz', place: 1 },
]) {
  test(`OTEL_EXPORTER_OTLP_HEADERS "${text}" is refused, without showing it`, () => {
    assert.throws(
      () => read('otlp_grpc:', { ...base, OTEL_EXPORTER_OTLP_HEADERS: text }),
      (error) =>
        error instanceof ConfigError &&
        error.message ===
          `OTEL_EXPORTER_OTLP_HEADERS: has no key=value at place ${place}; write pairs such as key=value, parted by commas.`,
    );
  });
}

test('an endpoint of the environment that is none is refused by the rules of the key', () => {
  assert.throws(() => read('otlp_http:', { OTEL_EXPORTER_OTLP_ENDPOINT: 'base:4317' }), {
    message: /^exporters\.otlp_http\.endpoint: does not begin with http/,
  });
});
