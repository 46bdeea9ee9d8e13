import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { HttpMount } from '../../src/http/http-server.ts';
import { groupByServer, HttpServer } from '../../src/http/http-server.ts';
import type { RequestGuard } from '../../src/model/authentication.ts';
import { systemClock } from '../../src/support/clock.ts';
import { exchange, plainParts, serve, silentLogger } from '../support/http-harness.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { patienceMs } from '../support/patience.ts';

const tools = { clock: systemClock, logger: silentLogger, meter: new MeterProvider().getMeter('test') };
const free = { host: '127.0.0.1', port: 0 };

function mountOf(path: string, answer: () => unknown = () => path): HttpMount {
  return { id: path.slice(1), addRoutes: (app) => void app.get(path, async () => answer()) };
}

test('groupByServer puts parts with equal endpoints on one server', () => {
  const at = (host: string, port: number, path: string) => plainParts({ host, port }, [mountOf(path)]);
  const parts = [at('localhost', 1, '/a'), at('localhost', 2, '/b'), at('LOCALHOST', 1, '/c')].flat();
  const servers = groupByServer(parts).map((group) => new HttpServer(group, tools));
  assert.deepEqual(
    servers.map(({ id }) => id),
    ['a+c', 'b'],
  );
});

test('HttpServer serves all its mounts on a port that the system chose', async (context) => {
  const base = await serve(context, mountOf('/a'), mountOf('/b'));
  assert.equal(await (await fetch(`${base}/a`)).text(), '/a');
  assert.equal(await (await fetch(`${base}/b`)).text(), '/b');
});

test('HttpServer tells nothing of what went wrong inside', async (context) => {
  const base = await serve(
    context,
    mountOf('/a', () => assert.fail('secret path /home/me')),
  );
  const response = await fetch(`${base}/a`);
  assert.deepEqual([response.status, await response.text()], [500, '500 internal error\n']);
});

test('HttpServer answers a request with a body, does not read it, and closes the connection', async (context) => {
  const base = await serve(context, mountOf('/a'));
  const answer = await exchange(base, `POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nabc`);
  assert.match(answer, /^HTTP\/1.1 404 Not Found\r\n/);
  assert.match(answer, /\r\nconnection: close\r\n/i);
});

for (const { name, request, code } of [
  { name: 'a body of a GET', request: 'GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc', code: 400 },
  {
    name: 'a chunked body of a GET',
    request: 'GET /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    code: 400,
  },
  {
    name: 'an unknown transfer coding',
    request: 'POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    code: 400,
  },
  {
    name: 'an unknown transfer coding beside a known one',
    request:
      'POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    code: 400,
  },
  { name: 'TRACE', request: 'TRACE /a HTTP/1.1\r\nHost: localhost\r\n\r\n', code: 405 },
  {
    name: 'headers that are too large',
    request: `GET /a HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    code: 431,
  },
  { name: 'what is not HTTP', request: '\x16\x03\x01\x02\x00garbage\r\n\r\n', code: 400 },
  {
    name: 'a path with a broken escape',
    request: 'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    code: 400,
  },
]) {
  test(`HttpServer refuses ${name} with ${code} and goes on`, async (context) => {
    const base = await serve(context, mountOf('/a'));
    const answer = await exchange(base, request);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${code} `));
    assert.doesNotMatch(answer, /node_modules|at .*\.js/);
    assert.equal((await fetch(`${base}/a`)).status, 200);
  });
}

for (const { host, guarded, missing } of [
  { host: '0.0.0.0', guarded: [false, false], missing: 'TLS and authentication' },
  { host: '0.0.0.0', guarded: [true, false], missing: 'TLS and authentication' },
  { host: '0.0.0.0', guarded: [true, true], missing: 'TLS' },
  { host: '127.0.0.1', guarded: [false, false], missing: undefined },
]) {
  test(`HttpServer on ${host} with ${guarded.filter(Boolean).length} of 2 parts guarded ${missing === undefined ? 'warns of nothing' : `warns that it lacks ${missing}`}`, async () => {
    const { logger, lines } = recordLogs();
    const guard: RequestGuard = { challenge: 'Bearer', check: async () => undefined };
    // Two parts with one path: the server ends before it listens.
    const parts = plainParts({ host, port: 0 }, [mountOf('/a'), mountOf('/a')]);
    const server = new HttpServer(
      parts.map((part, index) => ({ ...part, guard: guarded[index] ? guard : undefined })),
      { ...tools, logger },
    );
    await assert.rejects(server.start(), /answers a path of a for another part already/);
    await server.stop(AbortSignal.timeout(patienceMs));
    const warnings = lines.map((line) => JSON.stringify(line)).filter((line) => line.includes('ALL interfaces'));
    assert.equal(warnings.length, missing === undefined ? 0 : 1);
    if (missing !== undefined) assert.match(warnings[0]!, new RegExp(`ALL interfaces without ${missing}: `));
  });
}

test('HttpServer says which endpoint is taken', async (context) => {
  const other = createServer().listen(0, '127.0.0.1');
  context.after(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const endpoint = { host: '127.0.0.1', port: (other.address() as AddressInfo).port };
  const server = new HttpServer(plainParts(endpoint, [mountOf('/a')]), tools);
  const message = new RegExp(
    `^a: endpoint: cannot listen on 127.0.0.1:${endpoint.port}: .*EADDRINUSE.*; free it or set another.$`,
  );
  await assert.rejects(server.start(), { message });
  await server.stop(AbortSignal.timeout(patienceMs));
});

test('HttpServer says which part has a path that another one has', async () => {
  const server = new HttpServer(plainParts(free, [mountOf('/a'), { ...mountOf('/a'), id: 'b' }]), tools);
  await assert.rejects(server.start(), {
    message:
      'b: endpoint: 127.0.0.1:0 answers a path of b for another part already; give each an endpoint or a path of its own.',
  });
  await server.stop(AbortSignal.timeout(patienceMs));
});

test('HttpServer stops under its deadline although a response does not end', { timeout: patienceMs }, async () => {
  let isClosed = false;
  const endless: HttpMount = {
    id: 'endless',
    addRoutes: (app) => {
      app.get('/', (_request, reply) => {
        reply.hijack();
        reply.raw.write('x');
      });
    },
    close: () => {
      isClosed = true;
    },
  };
  const server = new HttpServer(plainParts(free, [endless]), tools);
  await server.start();
  const response = await fetch(`http://127.0.0.1:${server.address.port}/`);
  await server.stop(AbortSignal.abort());
  await assert.rejects(response.text());
  assert.ok(isClosed);
});

test('HttpServer answers health while others hold all its connections, by closing the oldest of theirs', async (context) => {
  const endless: HttpMount = {
    id: 'endless',
    addRoutes: (app) => {
      app.get('/endless', (_request, reply) => {
        reply.hijack();
        reply.raw.write('x');
      });
    },
  };
  const base = await serve(context, endless, { ...mountOf('/health'), isVital: true });
  const sockets: Socket[] = [];
  context.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let i = 0; i < 128; i++) {
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    sockets.push(socket);
    socket.write('GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
  }
  const isOldestClosed = once(
    sockets[0]!.on('error', () => undefined),
    'close',
  );
  const answer = await exchange(base, 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1.1 200 /);
  await isOldestClosed;
  assert.equal(sockets.filter(({ closed }) => closed).length, 1);
});

for (const { host, allowed = [], code } of [
  { host: 'localhost', code: 200 },
  { host: 'localhost:8888', code: 200 },
  { host: '127.0.0.1', code: 200 },
  { host: '[::1]:1', code: 200 },
  { host: 'page.localhost', code: 200 },
  { host: 'attacker.example', code: 403 },
  { host: 'localhost.attacker.example', code: 403 },
  { host: 'Metrics.internal:8888', allowed: ['metrics.INTERNAL'], code: 200 },
  { host: 'attacker.example', allowed: ['metrics.internal'], code: 403 },
  { host: 'attacker.example', allowed: ['*'], code: 200 },
]) {
  test(`HttpServer on the loopback answers ${code} to a request for ${host}, with allowed_hosts [${allowed}]`, async (context) => {
    const parts = plainParts({ host: '127.0.0.1', port: 0 }, [mountOf('/a')]);
    const server = new HttpServer(
      parts.map((part) => ({ ...part, allowedHosts: allowed })),
      tools,
    );
    await server.start();
    context.after(() => server.stop(AbortSignal.timeout(1000)));
    const request = `GET /a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const answer = await exchange(`http://127.0.0.1:${server.address.port}`, request);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${code} `));
    if (code === 403) assert.match(answer, /403 foreign host: .*allowed_hosts/);
  });
}

test('HttpServer gives a head that does not end up soon after its deadline, not when Node.js looks next', async (context) => {
  const server = new HttpServer(plainParts(free, [mountOf('/a')]), { ...tools, requestMs: 200 });
  await server.start();
  context.after(() => server.stop(AbortSignal.timeout(1000)));
  const base = `http://127.0.0.1:${server.address.port}`;
  const startMs = performance.now();
  const answer = await exchange(base, 'GET /a HTTP/1.1\r\nHost: localhost\r\nx-');
  assert.match(answer, /^HTTP\/1.1 408 /);
  const tookMs = performance.now() - startMs;
  // Node.js looks every 30 s by itself.
  assert.ok(tookMs >= 200 && tookMs < 20_000, `${tookMs} ms`);
});
