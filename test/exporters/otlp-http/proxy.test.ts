import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request as proxyRequest } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createConnection } from 'node:net';
import { test } from 'node:test';
import { fakeRequest } from '../../support/fake-request.ts';
import { connectHttp } from '../connect.ts';
import { ca, serverTls } from '../tls-fixtures.ts';

test('otlp_http goes through a proxy, and shows its password to nobody else', async (t) => {
  const asked: unknown[] = [];
  const proxy = createServer((request, response) => {
    asked.push([request.url, request.headers['proxy-authorization']]);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = proxyRequest(request.url!, { method: request.method!, headers }, (answered) => {
      response.writeHead(answered.statusCode!, answered.headers);
      answered.pipe(response);
    });
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const proxyUrl = `http://me:hunter2@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { server, exporter, logs } = await connectHttp(t, {
    values: { proxy_url: proxyUrl },
    script: [{ kind: 'response', status: 503 }],
  });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 2);
  const seen = [`${server.endpoint}/v1development/profiles`, `Basic ${Buffer.from('me:hunter2').toString('base64')}`];
  assert.deepEqual(asked, [seen, seen]);
  assert.equal(server.requests[0]!.headers['proxy-authorization'], undefined);
  assert.doesNotMatch(JSON.stringify(logs.lines), /hunter2/);
});

test('otlp_http makes a tunnel through a proxy for TLS', async (t) => {
  const proxy = createServer();
  const tunnels: unknown[] = [];
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    tunnels.push(request.url);
    const onward = createConnection(Number(request.url!.split(':')[1]), '127.0.0.1');
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => undefined);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { server, exporter } = await connectHttp(t, {
    values: { proxy_url: proxyUrl, tls: ca },
    server: { tls: serverTls },
  });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
  assert.deepEqual(tunnels, [`localhost:${server.port}`]);
});
