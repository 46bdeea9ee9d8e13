import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../../src/config/config-error.ts';
import { formatProblem } from '../../../src/config/config-error.ts';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { otlpReceiverTable } from '../../../src/receivers/otlp/otlp-receiver-config.ts';
import { plainHttpConfig } from '../../support/otlp-sender.ts';

function read(value: unknown) {
  const problems: ConfigProblem[] = [];
  const config = otlpReceiverTable.read(new ConfigSection('receivers.otlp', value, problems));
  return { config, faults: problems.map(formatProblem) };
}

test('a protocol is switched on by being named, with the defaults of the Collector', () => {
  const { config, faults } = read({ protocols: { grpc: null, http: {} } });
  assert.deepEqual(faults, []);
  assert.equal(config.grpc?.endpoint, 'localhost:4317');
  assert.deepEqual(config.http, { ...plainHttpConfig, endpoint: 'localhost:4318' });
});

test('each protocol can stand alone', () => {
  const { config, faults } = read({
    protocols: { http: { endpoint: '0.0.0.0:80', max_request_body_size: 0, compression_algorithms: ['', 'gzip'] } },
  });
  assert.deepEqual(faults, []);
  assert.equal(config.grpc, undefined);
  const { endpoint, maxRequestBodyBytes, compressionAlgorithms } = config.http!;
  assert.deepEqual([endpoint, maxRequestBodyBytes, compressionAlgorithms], ['0.0.0.0:80', 33_554_432, ['', 'gzip']]);
  assert.equal(read({ protocols: { grpc: {}, http: { enabled: false } } }).config.http, undefined);
});

test('bounds on time are whole milliseconds, as a server of Node.js takes them', () => {
  const bounds = { read_timeout: '1.5ms', read_header_timeout: '1us', idle_timeout: '2500us' };
  const { readTimeoutMs, readHeaderTimeoutMs, idleTimeoutMs } = read({ protocols: { http: bounds } }).config.http!;
  assert.deepEqual([readTimeoutMs, readHeaderTimeoutMs, idleTimeoutMs], [2, 1, 3]);
});

for (const { name, value, fault } of [
  {
    name: 'no protocol',
    value: undefined,
    fault:
      'receivers.otlp.protocols: must specify at least one protocol when using the OTLP receiver; write "protocols: {grpc: {}, http: {}}" for both with their defaults.',
  },
  {
    name: 'a protocol that is not known',
    value: { protocols: { grpc: {}, htttp: {} } },
    fault: 'receivers.otlp.protocols.htttp: unknown key; did you mean "http"? Rename or remove it.',
  },
  {
    name: 'an endpoint without a port',
    value: { protocols: { http: { endpoint: 'localhost' } } },
    fault:
      'receivers.otlp.protocols.http.endpoint: is "localhost"; write host:port, such as "localhost:4318" or "[::1]:4318".',
  },
  {
    name: 'a compression that is not known',
    value: { protocols: { http: { compression_algorithms: ['gzip', 'lz4'] } } },
    fault:
      'receivers.otlp.protocols.http.compression_algorithms: "lz4" is not known here; choose from "", gzip, zstd, zlib, snappy, deflate, x-snappy-framed.',
  },
]) {
  test(`${name} is a fault with a remedy`, () => assert.deepEqual(read(value).faults, [fault]));
}
