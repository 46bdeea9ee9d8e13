import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTarget } from '../../src/grpc/client-target.ts';

for (const { text, authority, host, addresses } of [
  {
    text: '127.0.0.1:4317',
    authority: '127.0.0.1:4317',
    host: '127.0.0.1',
    addresses: [{ host: '127.0.0.1', port: 4317 }],
  },
  { text: '[::1]:4317', authority: '[::1]:4317', host: '::1', addresses: [{ host: '::1', port: 4317 }] },
  {
    text: 'dns:127.0.0.1:1',
    authority: '127.0.0.1:1',
    host: '127.0.0.1',
    addresses: [{ host: '127.0.0.1', port: 1 }],
  },
  {
    text: 'dns:///127.0.0.1:1',
    authority: '127.0.0.1:1',
    host: '127.0.0.1',
    addresses: [{ host: '127.0.0.1', port: 1 }],
  },
  { text: 'unix:otlp.sock', authority: 'localhost', host: 'localhost', addresses: [{ path: 'otlp.sock' }] },
  { text: 'unix:/run/otlp', authority: 'localhost', host: 'localhost', addresses: [{ path: '/run/otlp' }] },
  { text: 'unix:///run/otlp', authority: 'localhost', host: 'localhost', addresses: [{ path: '/run/otlp' }] },
]) {
  test(`the target ${text} is ${JSON.stringify(addresses)}`, async () => {
    const target = parseTarget(text, {});
    assert.deepEqual([target.authority, target.host, target.proxied], [authority, host, undefined]);
    assert.deepEqual(await target.resolve(), addresses);
  });
}

test('a name is looked up, and one that nobody knows is said to be so', async () => {
  const addresses = await parseTarget('localhost:4317', {}).resolve();
  assert.ok(addresses.length > 0 && addresses.every((address) => 'port' in address && address.port === 4317));
  await assert.rejects(parseTarget('framekeeper.invalid:4317', {}).resolve(), /framekeeper\.invalid/);
  // A server of names that is not there; none of the machine's own is asked.
  await assert.rejects(parseTarget('dns://127.0.0.1:1/localhost:4317', {}).resolve(), /ECONNREFUSED/);
});

const proxy = 'http://10.1.1.1:3128';

for (const { what, target = '10.0.0.1:1', environment, expected } of [
  { what: 'grpc_proxy', environment: { grpc_proxy: proxy }, expected: '10.1.1.1:3128' },
  {
    what: 'https_proxy',
    environment: { https_proxy: proxy, http_proxy: 'http://10.2.2.2:1' },
    expected: '10.1.1.1:3128',
  },
  { what: 'http_proxy without a port', environment: { http_proxy: 'http://10.1.1.1' }, expected: '10.1.1.1:80' },
  { what: 'a proxy that wants TLS, which is not known', environment: { grpc_proxy: 'https://10.1.1.1:1' } },
  { what: 'a proxy that is no URL', environment: { grpc_proxy: '10.1.1.1' } },
  { what: 'no_proxy with the address', environment: { grpc_proxy: proxy, no_proxy: '10.9.9.9, 10.0.0.1' } },
  { what: 'no_proxy with a range', environment: { grpc_proxy: proxy, no_proxy: '10.0.0.0/24' } },
  {
    what: 'no_proxy with another range',
    environment: { grpc_proxy: proxy, no_proxy: '10.0.1.0/24' },
    expected: '10.1.1.1:3128',
  },
  {
    what: 'no_grpc_proxy before no_proxy',
    environment: { grpc_proxy: proxy, no_grpc_proxy: '10.0.0.1', no_proxy: 'x' },
  },
  { what: 'a Unix socket', target: 'unix:/run/otlp', environment: { grpc_proxy: proxy } },
]) {
  test(`with ${what}, the connection goes to ${expected ?? 'the target'}`, async () => {
    const parsed = parseTarget(target, environment);
    if (expected === undefined) {
      assert.equal(parsed.proxied, undefined);
      return;
    }
    const [address] = await parsed.resolve();
    const { host, port } = address as { host: string; port: number };
    assert.deepEqual([`${host}:${port}`, parsed.proxied?.hostAndPort, parsed.authority], [expected, target, target]);
  });
}

test('a name that ends as an exception says has no proxy', () => {
  const environment = { grpc_proxy: proxy, no_proxy: '.example.org' };
  assert.equal(parseTarget('otlp.example.org:1', environment).proxied, undefined);
  assert.notEqual(parseTarget('otlp.example.com:1', environment).proxied, undefined);
});
