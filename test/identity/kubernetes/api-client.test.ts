import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ApiClient, ApiFailure } from '../../../src/identity/kubernetes/api-client.ts';
import { fakeHost } from '../fake-host.ts';
import { ApiServer } from './api-server.ts';

const { signal } = new AbortController();

async function clientOf(t: TestContext, answer: RequestListener): Promise<ApiClient> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new ApiClient({ authType: 'none', server: { endpoint, tokenFile: '', caFile: '' } }, fakeHost());
}

async function linesOf(client: ApiClient, silenceMs = 20_000): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of client.lines('/w', silenceMs, signal)) lines.push(line);
  return lines;
}

function failure(message: RegExp) {
  return (error: unknown): boolean => error instanceof ApiFailure && message.test(error.message);
}

test('events are read whole, however they are cut on their way', async (t) => {
  const client = await clientOf(t, (_, response) => {
    response.write('{"a":');
    response.flushHeaders();
    setImmediate(() => response.write('1}\n{"b":"é'.slice(0, 9)));
    setImmediate(() => setImmediate(() => response.end('é"}\n\n{"c":3}\n')));
  });
  assert.deepEqual(await linesOf(client), [{ a: 1 }, { b: 'é' }, { c: 3 }]);
});

test('an event without an end is refused before it fills the memory', async (t) => {
  const client = await clientOf(t, (_, response) => void response.end(`"${'x'.repeat(5 * 1024 * 1024)}`));
  await assert.rejects(linesOf(client), failure(/\/w: an event is longer than 4194304/));
});

test('an answer that is too large is refused', async (t) => {
  const client = await clientOf(t, (_, response) => {
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    let left = 65;
    const more = (): void => {
      if (left-- === 0) response.end();
      else response.write(chunk, () => setImmediate(more));
    };
    response.on('error', () => undefined);
    more();
  });
  await assert.rejects(client.get('/big', signal), failure(/\/big: the answer is larger than 67108864 bytes/));
});

test('a connection on which nothing comes is taken for lost', async (t) => {
  const client = await clientOf(t, (_, response) => {
    response.write('{}\n');
  });
  await assert.rejects(linesOf(client, 50), failure(/nothing came for 50 ms/));
});

test('garbage is a failure of the request', async (t) => {
  const client = await clientOf(t, (_, response) => void response.end('<html>\n'));
  await assert.rejects(client.get('/x', signal), failure(/^\/x: [\s\S]*JSON/));
  await assert.rejects(linesOf(client), failure(/^\/w: [\s\S]*JSON/));
});

for (const { env, message } of [
  { env: {}, message: /KUBERNETES_SERVICE_HOST is not set: run in a pod, or write api_server\.endpoint/ },
  { env: { KUBERNETES_SERVICE_HOST: '::1', KUBERNETES_SERVICE_PORT: '1' }, message: /^\/x: .*(::1|ADDR)/ },
  { env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' }, message: /^\/x: .*127\.0\.0\.1:1/ },
]) {
  test(`the server of ${JSON.stringify(env)} is asked, or it is said why not`, async () => {
    const host = fakeHost(env, { '/ca': 'none' });
    const config = { authType: 'none', server: { endpoint: '', tokenFile: '', caFile: '/ca' } } as const;
    await assert.rejects(new ApiClient(config, host).get('/x', signal), failure(message));
  });
}

test('a certificate that nobody has signed is taken where that is allowed, and only there', async (t) => {
  const server = new ApiServer();
  await server.start(t);
  const host = fakeHost({}, { '/token': 'token-1', '/ca': new ApiServer().authority.cert });
  const config = {
    authType: 'serviceAccount',
    server: { endpoint: server.endpoint, tokenFile: '/token', caFile: '/ca' },
  } as const;
  await assert.rejects(new ApiClient(config, host).get('/pods', signal), failure(/certificate|signature/));
  const trusting = new ApiClient({ ...config, skipsVerification: true }, host);
  assert.deepEqual(((await trusting.get('/pods', signal)) as { items: unknown[] }).items, []);
});
