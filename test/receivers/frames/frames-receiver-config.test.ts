import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ConfigProblem } from '../../../src/config/config-error.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { ConfigSection } from '../../../src/config/config-section.ts';
import type { FramesReceiverConfig } from '../../../src/receivers/frames/frames-receiver-config.ts';
import { framesReceiverTable } from '../../../src/receivers/frames/frames-receiver-config.ts';

const fixtures = join(import.meta.dirname, '../fixtures');

function read(yaml: string): { config: FramesReceiverConfig; faults: string } {
  const problems: ConfigProblem[] = [];
  const config = framesReceiverTable.read(new ConfigSection('receivers.frames', parse(yaml), problems));
  return { config, faults: new ConfigError(problems).message };
}

test('the defaults are those of the Collector', () => {
  const { config, faults } = read('protocols: {grpc: }');
  assert.equal(faults, '');
  assert.deepEqual(config, {
    grpc: {
      endpoint: 'localhost:4317',
      tls: undefined,
      authenticator: '',
      maxReceiveMessageBytes: 33_554_432,
      maxConcurrentStreams: 100,
      maxConnections: 256,
      maxConnectionIdleMs: undefined,
      maxConnectionAgeMs: undefined,
      maxConnectionAgeGraceMs: undefined,
      keepaliveTimeMs: 7_200_000,
      keepaliveTimeoutMs: 20_000,
    },
    timeBounds: { maxAgeMs: 86_400_000, maxFutureMs: 3_600_000 },
  });
});

test('every key is read', () => {
  const { config, faults } = read(`
    protocols:
      grpc:
        endpoint: 0.0.0.0:4318
        tls: {cert_file: ${fixtures}/server.pem, key_file: ${fixtures}/server.key, client_ca_file: ${fixtures}/ca.pem, min_version: "1.3", reload_interval: 30s}
        max_recv_msg_size_mib: 16
        max_concurrent_streams: 7
        max_connections: 8
        keepalive:
          server_parameters: {max_connection_idle: 1m, max_connection_age: 2m, max_connection_age_grace: 3s, time: 30s, timeout: 5s}
    max_age: 1h
    max_future: 1m`);
  assert.equal(faults, '');
  const { grpc, timeBounds } = config;
  assert.deepEqual(timeBounds, { maxAgeMs: 3_600_000, maxFutureMs: 60_000 });
  assert.deepEqual(
    [grpc.endpoint, grpc.maxReceiveMessageBytes, grpc.maxConcurrentStreams, grpc.maxConnections],
    ['0.0.0.0:4318', 16_777_216, 7, 8],
  );
  assert.deepEqual(
    [
      grpc.maxConnectionIdleMs,
      grpc.maxConnectionAgeMs,
      grpc.maxConnectionAgeGraceMs,
      grpc.keepaliveTimeMs,
      grpc.keepaliveTimeoutMs,
    ],
    [60_000, 120_000, 3_000, 30_000, 5_000],
  );
  assert.equal(grpc.tls?.minVersion, 'TLSv1.3');
  assert.deepEqual(grpc.tls?.files, {
    authority: { key: 'client_ca_file', path: join(fixtures, 'ca.pem') },
    certificate: { key: 'cert_file', path: join(fixtures, 'server.pem') },
    privateKey: { key: 'key_file', path: join(fixtures, 'server.key') },
    reloadIntervalMs: 30_000,
  });
});

for (const { yaml, fault } of [
  {
    yaml: '',
    fault: /^receivers\.frames\.protocols: names no protocol; write "protocols: \{grpc: \{\}\}" for the defaults\.$/,
  },
  { yaml: 'protocols: {}', fault: /names no protocol/ },
  { yaml: 'protocols: {grpcs: {}, grpc: {}}', fault: /protocols\.grpcs: unknown key; did you mean "grpc"/ },
  { yaml: 'protocols: {grpc: {endpoint: localhost}}', fault: /grpc\.endpoint: is "localhost"; write host:port/ },
  { yaml: 'protocols: {grpc: {endpoint: "localhost:99999"}}', fault: /grpc\.endpoint: is "localhost:99999"/ },
  {
    yaml: 'protocols: {grpc: {max_recv_msg_size_mib: -1}}',
    fault: /max_recv_msg_size_mib: -1 is out of range; write a whole number from 0 to 1024/,
  },
  { yaml: 'protocols: {grpc: {tls: {}}}', fault: /tls\.cert_file: is not set; .*\n.*tls\.key_file: is not set/ },
  {
    yaml: 'protocols: {grpc: {tls: {cert_file: /nowhere.pem, key_file: /nowhere.key}}}',
    fault: /tls\.cert_file: cannot read \/nowhere\.pem \(ENOENT/,
  },
  {
    yaml: `protocols: {grpc: {tls: {cert_file: ${fixtures}/ca.pem, key_file: ${fixtures}/server.key}}}`,
    fault: /tls\.cert_file: certificate and key do not work together/,
  },
  {
    yaml: 'protocols: {grpc: {tls: {min_version: "1.0"}}}',
    fault: /tls\.min_version: "1\.0" is not known here; .*one of 1\.2, 1\.3/,
  },
  {
    yaml: 'protocols: {grpc: {tls: {reload_interval: 20ms}}}',
    fault: /tls\.reload_interval: is 20ms, shorter than a second; write at least 1s, or 0s/,
  },
  {
    yaml: 'protocols: {grpc: {keepalive: {server_parameters: {tme: 1s}}}}',
    fault: /server_parameters\.tme: unknown key; did you mean "time"/,
  },
  {
    yaml: 'protocols: {grpc: {keepalive: {server_parameters: {max_connection_age: 720h}}}}',
    fault: /server_parameters\.max_connection_age: "720h" is out of range; write a duration from 0s to 504h/,
  },
  {
    yaml: 'protocols: {grpc: {}}\nmax_age: 0s',
    fault: /max_age: "0s" is out of range; write a duration of at least 1s/,
  },
]) {
  test(`a configuration is refused: ${yaml.slice(0, 70)}`, () => assert.match(read(yaml).faults, fault));
}
