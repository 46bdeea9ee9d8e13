import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import { endpointKey, formatEndpoint, parseEndpoint } from '../../src/config/endpoint.ts';

for (const [text, endpoint] of [
  ['localhost:13133', { host: 'localhost', port: 13133 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  [':8888', { host: '', port: 8888 }],
  ['[::1]:65535', { host: '::1', port: 65535 }],
  ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
] as const) {
  test(`parseEndpoint reads ${text}, and formatEndpoint writes it back`, () => {
    assert.deepEqual(parseEndpoint(text), endpoint);
    assert.equal(formatEndpoint(endpoint), text);
  });
}

for (const text of [
  '',
  'localhost',
  'localhost:',
  'localhost:65536',
  'localhost:http',
  '::1:80',
  'http://a:80',
  'a b:80',
]) {
  test(`parseEndpoint refuses ${JSON.stringify(text)}`, () => assert.equal(parseEndpoint(text), undefined));
}

test('endpointKey names the key, the value and what to write', () => {
  const problems: ConstructorParameters<typeof ConfigSection>[2] = [];
  const section = new ConfigSection('extensions.health_check', { endpoint: 'localhost' }, problems);
  assert.deepEqual(endpointKey('localhost:1').read(section), { host: 'localhost', port: 1 });
  assert.deepEqual(problems, [
    {
      path: 'extensions.health_check.endpoint',
      problem: 'is "localhost"',
      remedy: 'write host:port, e.g. "localhost:1", or :port for all interfaces',
    },
  ]);
});
