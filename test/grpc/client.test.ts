import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { constants, createServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer as createTcpServer } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { decompressors } from '../../src/exporters/compression.ts';
import type { GrpcClientOptions } from '../../src/grpc/client.ts';
import { GrpcClient } from '../../src/grpc/client.ts';
import type { CallEnd } from '../../src/grpc/client-call.ts';
import type { Address } from '../../src/grpc/client-target.ts';
import { parseTarget } from '../../src/grpc/client-target.ts';
import { frameMessage } from '../../src/grpc/message-reader.ts';
import { status } from '../../src/grpc/status.ts';
import { FakeClock } from '../support/fake-clock.ts';

interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A server of bare HTTP/2: what it answers is up to the test. */
class BareServer {
  readonly requests: Request[] = [];
  readonly sessions: ServerHttp2Session[] = [];
  readonly server = createServer();
  answer: (stream: ServerHttp2Stream, request: Request) => void;

  constructor(answer: (stream: ServerHttp2Stream, request: Request) => void = accept) {
    this.answer = answer;
    this.server.on('session', (session) => this.sessions.push(session.on('error', () => undefined)));
    this.server.on('stream', async (stream, headers) => {
      stream.on('error', () => undefined);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      await once(stream, 'end').catch(() => undefined);
      const request = { headers, body: Buffer.concat(chunks) };
      this.requests.push(request);
      if (!stream.destroyed) this.answer(stream, request);
    });
  }

  async listen(t: TestContext, port = 0): Promise<Address & { readonly port: number }> {
    await once(this.server.listen(port, '127.0.0.1'), 'listening');
    t.after(() => this.close());
    return { host: '127.0.0.1', port: (this.server.address() as AddressInfo).port };
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
    this.server.close();
  }
}

/** OK, with `hello`. */
function accept(stream: ServerHttp2Stream): void {
  respond(stream, frameMessage(Buffer.from('hello')), { 'grpc-status': '0' });
}

function respond(
  stream: ServerHttp2Stream,
  body: Buffer,
  trailers: OutgoingHttpHeaders,
  headers: OutgoingHttpHeaders = {},
): void {
  const head = { ':status': 200, 'content-type': 'application/grpc', ...headers };
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}

function refuse(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { endStream: true });
}

/** A client of these addresses; `clock` stands still. */
function clientOf(t: TestContext, addresses: readonly Address[], options: Partial<GrpcClientOptions> = {}): GrpcClient {
  const client = new GrpcClient({
    target: { authority: 'otlp.test', host: 'otlp.test', proxied: undefined, resolve: async () => addresses },
    tls: undefined,
    authority: '',
    userAgent: 'tests',
    balancer: 'round_robin',
    waitForReady: false,
    keepalive: undefined,
    maxReconnectBackoffMs: 10_000,
    maxResponseBytes: 1_000,
    compressor: undefined,
    decompressors,
    clock: new FakeClock(),
    random: () => 0.5,
    ...options,
  });
  t.after(() => client.close());
  return client;
}

const message = Buffer.from('profiles');

function call(client: GrpcClient, signal = new AbortController().signal): Promise<CallEnd> {
  return client.call({ path: '/test.Service/Export', headers: { 'x-team': 'a' }, pieces: [message] }, signal);
}

test('a call sends a framed message with the headers of gRPC, and gives the bytes of the answer', async (t) => {
  const server = new BareServer();
  const client = clientOf(t, [await server.listen(t)]);
  const end = await call(client);
  assert.deepEqual([end.status.code, Buffer.from(end.response!)], [status.OK, Buffer.from('hello')]);
  const [{ headers, body }] = server.requests as [Request];
  assert.deepEqual(body, frameMessage(message));
  const expected = {
    ':method': 'POST',
    ':path': '/test.Service/Export',
    ':authority': 'otlp.test',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'tests',
    'grpc-accept-encoding': 'identity,gzip,zstd',
    'x-team': 'a',
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(headers[name], value, name);
});

const statuses = [
  {
    name: 'headers alone',
    answer: (stream: ServerHttp2Stream) =>
      refuse(stream, {
        'grpc-status': '8',
        'grpc-message': '100 %25 gr%C3%B6%C3%9Fer',
        'grpc-status-details-bin': 'CAg',
      }),
    expected: { code: 8, details: '100 % größer', detailsBin: Buffer.of(8, 8) },
  },
  {
    name: 'trailers behind a message',
    answer: (stream: ServerHttp2Stream) => respond(stream, frameMessage(message), { 'grpc-status': '9' }),
    expected: { code: 9, details: '' },
  },
  {
    name: 'a code that nobody knows',
    answer: (stream: ServerHttp2Stream) => refuse(stream, { 'grpc-status': '99' }),
    expected: { code: 99, details: '' },
  },
  {
    name: 'no number',
    answer: (stream: ServerHttp2Stream) => refuse(stream, { 'grpc-status': 'fine' }),
    expected: { code: status.UNKNOWN, details: '' },
  },
  {
    name: 'OK without a message',
    answer: (stream: ServerHttp2Stream) => respond(stream, Buffer.alloc(0), { 'grpc-status': '0' }),
    expected: { code: status.UNIMPLEMENTED },
  },
  {
    name: 'OK with two messages',
    answer: (stream: ServerHttp2Stream) =>
      respond(stream, Buffer.concat([frameMessage(message), frameMessage(message)]), { 'grpc-status': '0' }),
    expected: { code: status.UNIMPLEMENTED },
  },
  {
    name: 'OK with a message that is too large',
    answer: (stream: ServerHttp2Stream) => respond(stream, frameMessage(Buffer.alloc(1_001)), { 'grpc-status': '0' }),
    expected: { code: status.RESOURCE_EXHAUSTED, details: 'Received message larger than max (1001 vs 1000)' },
  },
  {
    name: 'OK with a message that decompresses to more than it may',
    answer: (stream: ServerHttp2Stream) => {
      const body = frameMessage(gzipSync(Buffer.alloc(1_001)), true);
      respond(stream, body, { 'grpc-status': '0' }, { 'grpc-encoding': 'gzip' });
    },
    expected: { code: status.RESOURCE_EXHAUSTED },
  },
  {
    name: 'OK with a message in an encoding that nobody knows',
    answer: (stream: ServerHttp2Stream) =>
      respond(stream, frameMessage(message, true), { 'grpc-status': '0' }, { 'grpc-encoding': 'br' }),
    expected: { code: status.INTERNAL },
  },
  ...(
    [
      [302, 'UNKNOWN'],
      [400, 'INTERNAL'],
      [401, 'UNAUTHENTICATED'],
      [403, 'PERMISSION_DENIED'],
      [404, 'UNIMPLEMENTED'],
      [429, 'UNAVAILABLE'],
      [503, 'UNAVAILABLE'],
    ] as const
  ).map(([httpStatus, code]) => ({
    name: `the HTTP status ${httpStatus}`,
    answer: (stream: ServerHttp2Stream) => stream.respond({ ':status': httpStatus }, { endStream: true }),
    expected: { code: status[code], details: `Received HTTP status code ${httpStatus}` },
  })),
  ...(
    [
      ['CANCEL', 'CANCELLED'],
      ['ENHANCE_YOUR_CALM', 'RESOURCE_EXHAUSTED'],
      ['INTERNAL_ERROR', 'INTERNAL'],
    ] as const
  ).map(([reset, code]) => ({
    name: `a reset with ${reset}`,
    answer: (stream: ServerHttp2Stream) => stream.close(constants[`NGHTTP2_${reset}`]),
    expected: { code: status[code] },
  })),
];

for (const { name, answer, expected } of statuses) {
  test(`an answer of ${name} is the status ${expected.code}`, async (t) => {
    const server = new BareServer(answer);
    const end = await call(clientOf(t, [await server.listen(t)]));
    const told = end.status as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(told[key], value, key);
    assert.deepEqual([end.origin, server.requests.length], ['receiver', 1]);
  });
}

test('a receiver that answers before it has read all is not sent the rest', async (t) => {
  const server = createServer();
  server.on('stream', (stream) =>
    refuse(
      stream.on('error', () => undefined),
      { 'grpc-status': '8' },
    ),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const client = clientOf(t, [{ host: '127.0.0.1', port: (server.address() as AddressInfo).port }]);
  const request = { path: '/test.Service/Export', headers: {}, pieces: [Buffer.alloc(1 << 20)] };
  const end = await client.call(request, new AbortController().signal);
  assert.equal(end.status.code, status.RESOURCE_EXHAUSTED);
});

test('a stream on which the receiver has answered early is cancelled, so that it is not held open', async (t) => {
  const server = createServer();
  const { promise: closed, resolve } = Promise.withResolvers<number | undefined>();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined).pause();
    stream.on('close', () => resolve(stream.rstCode));
    refuse(stream, { 'grpc-status': '8' });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const client = clientOf(t, [{ host: '127.0.0.1', port: (server.address() as AddressInfo).port }]);
  // More than a window takes: the rest waits for a receiver that reads nothing.
  const request = { path: '/test.Service/Export', headers: {}, pieces: [Buffer.alloc(1 << 22)] };
  const end = await client.call(request, new AbortController().signal);
  assert.equal(end.status.code, status.RESOURCE_EXHAUSTED);
  assert.equal(end.isWritten, false);
  assert.equal(await closed, constants.NGHTTP2_CANCEL);
});

test('a message that says it is too large is not waited for', async (t) => {
  const server = new BareServer((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
  });
  const end = await call(clientOf(t, [await server.listen(t)]));
  assert.deepEqual([end.status.code, end.isAnswered], [status.RESOURCE_EXHAUSTED, true]);
});

test('a call that is cancelled ends at once, and its receiver is told', async (t) => {
  const server = new BareServer();
  const reset = new Promise<number | undefined>((resolve) => {
    server.answer = (stream) => {
      stream.on('close', () => resolve(stream.rstCode));
      cancel.abort();
    };
  });
  const cancel = new AbortController();
  const end = await call(clientOf(t, [await server.listen(t)]), cancel.signal);
  assert.deepEqual([end.status.code, await reset], [status.CANCELLED, constants.NGHTTP2_CANCEL]);
});

test('a connection that breaks is told as lost, and the next call makes another', async (t) => {
  const server = new BareServer((stream) => stream.session!.destroy());
  const client = clientOf(t, [await server.listen(t)]);
  const end = await call(client);
  assert.deepEqual([end.status.code, end.origin, end.isAnswered], [status.UNAVAILABLE, 'lost', false]);
  server.answer = accept;
  assert.equal((await call(client)).status.code, status.OK);
  assert.equal(server.sessions.length, 2);
});

test('a call that was refused unseen is made again, and not for ever', async (t) => {
  const server = new BareServer();
  let refusals = 1;
  server.answer = (stream) => {
    if (refusals-- > 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else accept(stream);
  };
  const client = clientOf(t, [await server.listen(t)]);
  const { status: told, isWritten } = await call(client);
  // Of the first try, the connection may still have pieces to write.
  assert.deepEqual([told.code, isWritten], [status.OK, false]);
  assert.equal(server.requests.length, 2);
  refusals = 100;
  const end = await call(client);
  assert.deepEqual([end.status.code, end.origin, server.requests.length], [status.UNAVAILABLE, 'lost', 6]);
});

test('behind a GOAWAY, open calls end and others take a new connection', async (t) => {
  const server = new BareServer();
  const waiting = new Promise<ServerHttp2Stream>((resolve) => {
    server.answer = (stream) => {
      server.answer = accept;
      resolve(stream);
    };
  });
  const client = clientOf(t, [await server.listen(t)]);
  const first = call(client);
  const stream = await waiting;
  stream.session!.close();
  while (server.sessions.length < 2) assert.equal((await call(client)).status.code, status.OK);
  accept(stream);
  assert.equal((await first).status.code, status.OK);
});

test('round_robin sends to all addresses in turns, and does without those that are gone', async (t) => {
  const servers = [new BareServer(), new BareServer()];
  const addresses = await Promise.all(servers.map((server) => server.listen(t)));
  const client = clientOf(t, addresses);
  while (servers.some(({ sessions }) => sessions.length === 0)) await call(client);
  const before = servers.map(({ requests }) => requests.length);
  for (let i = 0; i < 4; i++) await call(client);
  assert.deepEqual(
    servers.map(({ requests }, index) => requests.length - before[index]!),
    [2, 2],
  );
  const gone = once(servers[0]!.sessions[0]!, 'close');
  servers[0]!.close();
  await gone;
  const codes: number[] = [];
  for (let i = 0; i < 4; i++) codes.push((await call(client)).status.code);
  // A call may have gone to the server that was about to go.
  assert.ok(codes.filter((code) => code === status.OK).length >= 3, String(codes));
});

test('pick_first stays with the first address that can be reached', async (t) => {
  const servers = [new BareServer(), new BareServer()];
  const addresses = await Promise.all(servers.map((server) => server.listen(t)));
  const gone = { host: '127.0.0.1', port: 1 };
  const client = clientOf(t, [gone, ...addresses], { balancer: 'pick_first' });
  for (let i = 0; i < 3; i++) assert.equal((await call(client)).status.code, status.OK);
  assert.deepEqual(
    servers.map(({ requests }) => requests.length),
    [3, 0],
  );
  assert.equal(servers[1]!.sessions.length, 0);
});

test('a server that is not there is tried again after pauses that grow, and calls between fail at once', async (t) => {
  const clock = new FakeClock();
  let attempts = 0;
  const server = createTcpServer((socket: Socket) => {
    attempts++;
    socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const client = clientOf(t, [address], { clock, maxReconnectBackoffMs: 2_000 });
  const attemptedAt: number[] = [];
  for (let ms = 0; ms <= 7_000; ms += 100) {
    const before = attempts;
    const { status: told, origin } = await call(client);
    assert.deepEqual([told.code, origin], [status.UNAVAILABLE, 'unconnected']);
    assert.match(told.details, /ECONNRESET|Failed to connect/);
    if (attempts > before) attemptedAt.push(clock.nowMs());
    await clock.advance(100);
  }
  assert.deepEqual(attemptedAt, [0, 1_000, 2_600, 4_600, 6_600]);
});

test('pauses begin anew once a server was reached', async (t) => {
  const clock = new FakeClock();
  let isUp = false;
  const server = new BareServer();
  const front = createTcpServer((socket: Socket) => {
    if (isUp) server.server.emit('connection', socket);
    else socket.destroy();
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  t.after(() => front.close());
  t.after(() => server.close());
  const address = { host: '127.0.0.1', port: (front.address() as AddressInfo).port };
  const client = clientOf(t, [address], { clock, maxReconnectBackoffMs: 60_000 });
  const failUntil = async (endMs: number): Promise<void> => {
    for (; clock.nowMs() < endMs; await clock.advance(100)) {
      assert.equal((await call(client)).status.code, status.UNAVAILABLE);
    }
  };
  // Attempts after 0, 1 and 2.6 s; the next would be at 5.16 s.
  await failUntil(5_200);
  isUp = true;
  assert.equal((await call(client)).status.code, status.OK);
  isUp = false;
  for (const session of server.sessions) session.destroy();
  await call(client);
  const lostMs = clock.nowMs();
  assert.equal((await call(client)).status.code, status.UNAVAILABLE);
  isUp = true;
  for (; (await call(client)).status.code !== status.OK; await clock.advance(100)) {
    assert.ok(clock.nowMs() - lostMs < 2_000, 'the pause goes on growing');
  }
  assert.equal(clock.nowMs() - lostMs, 1_000);
});

test('with wait_for_ready a call waits for a server, until it is cancelled', async (t) => {
  const clock = new FakeClock();
  const server = new BareServer();
  const { port } = await server.listen(t);
  server.server.close();
  await once(server.server, 'close');
  const client = clientOf(t, [{ host: '127.0.0.1', port }], { clock, waitForReady: true });
  const cancel = new AbortController();
  const cancelled = call(client, cancel.signal);
  const waiting = call(client);
  cancel.abort();
  assert.equal((await cancelled).status.code, status.CANCELLED);
  const successor = new BareServer();
  await successor.listen(t, port);
  let isOver = false;
  void waiting.then(() => {
    isOver = true;
  });
  while (!isOver) await clock.advance(1_000);
  assert.equal((await waiting).status.code, status.OK);
});

test('a name that cannot be looked up fails the call, and is looked up again by the next', async (t) => {
  const server = new BareServer();
  const address = await server.listen(t);
  let lookups = 0;
  const resolve = async (): Promise<readonly Address[]> => {
    lookups++;
    if (lookups === 1) throw new Error('getaddrinfo ENOTFOUND otlp.test');
    return [address];
  };
  const target = { authority: 'otlp.test', host: 'otlp.test', proxied: undefined, resolve };
  const client = clientOf(t, [], { target });
  const { status: told, origin } = await call(client);
  assert.deepEqual([told.code, origin], [status.UNAVAILABLE, 'unconnected']);
  assert.match(told.details, /Name resolution failed for target otlp\.test: getaddrinfo ENOTFOUND/);
  assert.equal((await call(client)).status.code, status.OK);
});

test('a call tells whether the connection has taken all of its pieces', async (t) => {
  const server = new BareServer();
  const client = clientOf(t, [await server.listen(t)]);
  const pieces = [Buffer.alloc(100_000, 'a'), Buffer.alloc(3), Buffer.alloc(100_000, 'b')];
  const send = (): Promise<CallEnd> =>
    client.call({ path: '/test.Service/Export', headers: {}, pieces }, new AbortController().signal);
  assert.equal((await send()).isWritten, true);
  assert.deepEqual(server.requests[0]!.body.subarray(5), Buffer.concat(pieces));
});

test('messages are compressed, until the receiver says that it does not take that', async (t) => {
  const server = new BareServer();
  const compressor = { name: 'gzip', compress: async (bytes: Uint8Array) => gzipSync(bytes) };
  const client = clientOf(t, [await server.listen(t)], { compressor });
  await call(client);
  const accepting = (encodings: string) => (stream: ServerHttp2Stream) =>
    refuse(stream, { 'grpc-status': '12', 'grpc-accept-encoding': encodings });
  server.answer = accepting('identity, gzip');
  await call(client);
  server.answer = accepting('identity,deflate');
  await call(client);
  server.answer = accept;
  await call(client);
  assert.deepEqual(
    server.requests.map(({ headers, body }) => [headers['grpc-encoding'], body[0]]),
    [
      ['gzip', 1],
      ['gzip', 1],
      ['gzip', 1],
      [undefined, 0],
    ],
  );
  assert.deepEqual(gunzipSync(server.requests[0]!.body.subarray(5)), message);
});

test('an answer in gzip is decompressed', async (t) => {
  const server = new BareServer((stream) =>
    respond(stream, frameMessage(gzipSync('hello'), true), { 'grpc-status': '0' }, { 'grpc-encoding': 'gzip' }),
  );
  const { response } = await call(clientOf(t, [await server.listen(t)]));
  assert.deepEqual(Buffer.from(response!), Buffer.from('hello'));
});

for (const permitWithoutStream of [true, false]) {
  test(`a connection without a call is ${permitWithoutStream ? '' : 'not '}pinged when permit_without_stream is ${permitWithoutStream}`, async (t) => {
    const clock = new FakeClock();
    const server = new BareServer();
    const keepalive = { timeMs: 10_000, timeoutMs: 1_000, permitWithoutStream };
    const client = clientOf(t, [await server.listen(t)], { clock, keepalive });
    await call(client);
    let pings = 0;
    server.sessions[0]!.on('ping', () => pings++);
    for (let i = 0; i < 5; i++) {
      await clock.advance(10_000);
      await call(client);
    }
    assert.equal(pings, 0, 'a call within the interval is a sign of life');
    await clock.advance(10_000);
    await clock.advance(10_000);
    await call(client);
    assert.equal(pings, permitWithoutStream ? 1 : 0);
    assert.equal(server.sessions.length, 1);
  });
}

test('a server that is pinged too often is pinged half as often', async (t) => {
  const clock = new FakeClock();
  const server = new BareServer();
  const keepalive = { timeMs: 10_000, timeoutMs: 1_000, permitWithoutStream: true };
  const client = clientOf(t, [await server.listen(t)], { clock, keepalive });
  const pingsAfter = async (ms: number): Promise<number> => {
    await call(client);
    const session = server.sessions.at(-1)!;
    let pings = 0;
    session.on('ping', () => pings++);
    // The first interval has the call in it.
    for (let passed = 0; passed < ms; passed += 10_000) {
      await clock.advance(10_000);
      // Answers to pings have come before the clock goes on.
      await new Promise<void>((resolve) => session.ping(() => resolve()));
    }
    return pings;
  };
  assert.equal(await pingsAfter(30_000), 2);
  server.sessions[0]!.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
  while (server.sessions.length === 1) await call(client);
  assert.equal(await pingsAfter(60_000), 2);
});

test('a server that does not answer a ping loses the connection and its calls', async (t) => {
  const clock = new FakeClock();
  // Settings of HTTP/2, and nothing more.
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined).resume();
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const keepalive = { timeMs: 10_000, timeoutMs: 1_000, permitWithoutStream: false };
  const client = clientOf(t, [address], { clock, keepalive });
  let end: CallEnd | undefined;
  void call(client).then((ended) => {
    end = ended;
  });
  while (end === undefined) await clock.advance(5_000);
  assert.deepEqual([end.status.code, end.origin], [status.UNAVAILABLE, 'lost']);
});

for (const { name, credentials } of [
  { name: 'without credentials', credentials: '' },
  { name: 'with credentials', credentials: 'me:pass%20word@' },
]) {
  test(`a proxy ${name} is asked for the target, and the call goes through it`, async (t) => {
    const server = new BareServer();
    const { port } = await server.listen(t);
    let asked = '';
    const proxy = createTcpServer((socket) => {
      socket.once('data', (head: Buffer) => {
        asked = head.toString();
        const onward = connect(port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          socket.pipe(onward).pipe(socket);
        });
        onward.on('error', () => socket.destroy());
      });
      socket.on('error', () => undefined);
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    t.after(() => proxy.close());
    const url = `http://${credentials}127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const client = clientOf(t, [], { target: parseTarget('backend.test:4317', { grpc_proxy: url }) });
    assert.equal((await call(client)).status.code, status.OK);
    assert.match(asked, /^CONNECT backend\.test:4317 HTTP\/1\.1\r\n/);
    const authorization = /proxy-authorization: Basic (\S+)/i.exec(asked)?.[1];
    const expected = credentials === '' ? undefined : Buffer.from('me:pass word').toString('base64');
    assert.equal(authorization, expected);
    assert.equal(server.requests[0]!.headers[':authority'], 'backend.test:4317');
  });
}

test('a proxy that refuses is the reason why there is no connection', async (t) => {
  const proxy = createTcpServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  t.after(() => proxy.close());
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const client = clientOf(t, [], { target: parseTarget('backend.test:4317', { grpc_proxy: url }) });
  const { status: told } = await call(client);
  assert.match(told.details, /the proxy answered 403 to CONNECT backend\.test:4317/);
});
