import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigNotes } from '../../src/config/config-notes.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { telemetryTable } from '../../src/config/telemetry-config.ts';
import { otlpGrpcTable } from '../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { otlpHttpTable } from '../../src/exporters/otlp-http/otlp-http-config.ts';
import { healthCheckTable } from '../../src/http/health/health-check-config.ts';
import { otlpReceiverTable } from '../../src/receivers/otlp/otlp-receiver-config.ts';

const buffers = { read_buffer_size: 524_288, write_buffer_size: 524_288 };

for (const { name, read, values, ignored } of [
  {
    name: 'the otlp receiver',
    read: otlpReceiverTable.read,
    values: {
      protocols: {
        grpc: {
          transport: 'tcp',
          include_metadata: true,
          ...buffers,
          keepalive: { enforcement_policy: { min_time: '10s', permit_without_stream: true } },
        },
        http: { transport: 'tcp', include_metadata: true, traces_url_path: '/v1/traces' },
      },
    },
    ignored: [
      'k.protocols.grpc.keepalive.enforcement_policy',
      'k.protocols.grpc.include_metadata',
      'k.protocols.grpc.read_buffer_size',
      'k.protocols.grpc.write_buffer_size',
      'k.protocols.http.include_metadata',
      'k.protocols.http.traces_url_path',
    ],
  },
  {
    name: 'otlp_grpc',
    read: otlpGrpcTable.read,
    values: { endpoint: 'a:1', ...buffers },
    ignored: ['k.read_buffer_size', 'k.write_buffer_size'],
  },
  {
    name: 'otlp_http',
    read: otlpHttpTable.read,
    values: { endpoint: 'http://a', ...buffers, force_attempt_http2: true, traces_endpoint: 'http://b' },
    ignored: ['k.read_buffer_size', 'k.write_buffer_size', 'k.force_attempt_http2', 'k.traces_endpoint'],
  },
  {
    name: 'health_check',
    read: healthCheckTable.read,
    values: { check_collector_pipeline: { enabled: false } },
    ignored: ['k.check_collector_pipeline'],
  },
  {
    name: 'telemetry',
    read: telemetryTable.read,
    values: { logs: { development: true, sampling: { enabled: true } } },
    ignored: ['k.logs.development', 'k.logs.sampling'],
  },
]) {
  test(`${name} takes keys of the Collector's that change nothing here, with a warning for each`, () => {
    const problems: ConfigProblem[] = [];
    const notes = new ConfigNotes();
    read(new ConfigSection('k', values, problems, notes));
    assert.deepEqual(problems, []);
    assert.deepEqual(
      notes.warnings.map((warning) => warning.split(': has no effect: ')[0]),
      ignored,
    );
  });
}

test('a key that is ignored is not offered where another is unknown', () => {
  const problems: ConfigProblem[] = [];
  otlpGrpcTable.read(new ConfigSection('k', { endpoint: 'a:1', zzz: 1 }, problems));
  assert.doesNotMatch(problems[0]!.remedy, /buffer_size/);
});
