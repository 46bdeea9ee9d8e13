import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:http2';
import { createConnection } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { frameMessage } from '../../src/grpc/message-reader.ts';
import type { Http2ServerOptions } from '../../src/grpc/server.ts';
import type { Method } from '../../src/grpc/server-call.ts';
import { status } from '../../src/grpc/status.ts';
import { unaryMethod } from '../../src/grpc/unary.ts';
import { decompress } from '../../src/receivers/content-encoding.ts';
import type { GrpcServed } from './serve-grpc.ts';
import { serveGrpc } from './serve-grpc.ts';

interface Served extends GrpcServed {
  readonly session: ClientHttp2Session;
}

/** A server, and a client of Node.js's HTTP/2. */
async function serve(
  t: TestContext,
  methods?: Readonly<Record<string, Method>>,
  options?: Partial<Http2ServerOptions>,
): Promise<Served> {
  const served = await serveGrpc(t, methods, {
    maxMessageBytes: 100_000,
    decompressors: new Map([['gzip', (bytes, maxBytes) => decompress(bytes, 'gzip', maxBytes)]]),
    ...options,
  });
  const session = connect(`http://127.0.0.1:${served.port}`).on('error', () => undefined);
  await once(session, 'connect');
  t.after(() => session.destroy());
  return { ...served, session };
}

function open(session: ClientHttp2Session, method: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
  const head = { ':method': 'POST', ':path': `/test.Service/${method}`, 'content-type': 'application/grpc' };
  return session.request({ ...head, te: 'trailers', ...headers }).on('error', () => undefined);
}

interface Ended {
  /** Headers of the response and its trailers, together. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly hasTrailers: boolean;
}

async function end(request: ClientHttp2Stream): Promise<Ended> {
  let headers: IncomingHttpHeaders = {};
  let hasTrailers = false;
  const chunks: Buffer[] = [];
  request.on('response', (got) => {
    headers = { ...headers, ...got };
  });
  request.on('trailers', (got) => {
    hasTrailers = true;
    headers = { ...headers, ...got };
  });
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(request, 'close');
  return { headers, body: Buffer.concat(chunks), hasTrailers };
}

/** Sends `body`, ends the client's side, and resolves at the end of the call. */
function call(session: ClientHttp2Session, method: string, body: Uint8Array, headers?: OutgoingHttpHeaders) {
  const request = open(session, method, headers);
  // A GET has no body.
  if (!request.writableEnded) request.end(body);
  return end(request);
}

/** Resolves when the server has read what was sent before. */
async function pinged(session: ClientHttp2Session): Promise<void> {
  if (session.connecting) await once(session, 'connect');
  await new Promise<void>((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}

const hello = Buffer.from('hello');

test('a unary call gets a message, and the status OK behind it', async (t) => {
  const { session } = await serve(t);
  const { headers, body, hasTrailers } = await call(session, 'Echo', frameMessage(hello));
  assert.deepEqual([headers[':status'], headers['grpc-status'], hasTrailers], [200, '0', true]);
  assert.match(String(headers['content-type']), /^application\/grpc/);
  assert.deepEqual(body, frameMessage(hello));
});

test('memory that calls give back serves other calls, and none of them gets the bytes of another', async (t) => {
  const copyOf = unaryMethod((message, { release }) => {
    const copy = Buffer.from(message);
    message.fill(0);
    release();
    return copy;
  });
  const { session } = await serve(t, { Copy: copyOf });
  for (let round = 0; round < 4; round++) {
    const messages = Array.from({ length: 12 }, (_, i) => Buffer.alloc(1 + 7_000 * i + round, `message ${round} ${i}`));
    const ended = await Promise.all(messages.map((message) => call(session, 'Copy', frameMessage(message))));
    for (const [i, { body }] of ended.entries()) assert.ok(body.equals(frameMessage(messages[i]!)), `${round} ${i}`);
  }
});

test('memory that is still to be given back holds nothing of its call', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const releases: (() => void)[] = [];
  const calls: WeakRef<object>[] = [];
  const keeping = unaryMethod((_, { release }) => {
    releases.push(release);
    return Buffer.alloc(0);
  });
  const method: Method = (opened) => {
    calls.push(new WeakRef(opened));
    return keeping(opened);
  };
  const { session } = await serve(t, { Keep: method });
  for (let i = 0; i < 4; i++) await call(session, 'Keep', frameMessage(Buffer.alloc(10_000)));
  // The last one may still be known to the session.
  const isFreed = () => calls.slice(0, 3).every((each) => each.deref() === undefined);
  for (let i = 0; i < 50 && !isFreed(); i++) {
    await sleep(10);
    collect();
  }
  assert.ok(isFreed());
  for (const release of releases) release();
});

test('a message may come in DATA frames of any size, an empty one included', async (t) => {
  const { session } = await serve(t);
  const message = Buffer.alloc(50_000, 'frames');
  const frame = frameMessage(message);
  for (const sizeBytes of [1_000, 16_384, 50_005]) {
    const request = open(session, 'Echo');
    // The prefix comes in two parts.
    request.write(frame.subarray(0, 3));
    request.write(frame.subarray(3, 5));
    for (let offset = 5; offset < frame.length; offset += sizeBytes) {
      request.write(frame.subarray(offset, offset + sizeBytes));
      if (sizeBytes === 1_000) await pinged(session);
    }
    request.end();
    const { headers, body } = await end(request);
    assert.equal(headers['grpc-status'], '0');
    assert.ok(body.equals(frame));
  }
  assert.deepEqual((await call(session, 'Echo', frameMessage(Buffer.alloc(0)))).body, Buffer.alloc(5));
});

test('a compressed message is decompressed, and one of the same call that is not stays as it is', async (t) => {
  const { session } = await serve(t);
  const gzip = { 'grpc-encoding': 'gzip' };
  const compressed = await call(session, 'Echo', frameMessage(gzipSync(hello), true), gzip);
  assert.deepEqual(compressed.body, frameMessage(hello));
  assert.deepEqual((await call(session, 'Echo', frameMessage(hello), gzip)).body, frameMessage(hello));
});

const refusals = [
  { name: 'an unknown method', method: 'Other', body: frameMessage(hello), code: status.UNIMPLEMENTED },
  {
    name: 'an unknown encoding',
    headers: { 'grpc-encoding': 'br' },
    body: frameMessage(hello, true),
    code: status.UNIMPLEMENTED,
    more: { 'grpc-accept-encoding': 'identity,gzip' },
  },
  {
    name: 'a compressed message of a call without an encoding',
    body: frameMessage(hello, true),
    code: status.INTERNAL,
  },
  {
    name: 'a message that is not of the encoding that the call names',
    headers: { 'grpc-encoding': 'gzip' },
    body: frameMessage(hello, true),
    code: status.INTERNAL,
  },
  { name: 'a flag that is neither 0 nor 1', body: Buffer.from([2, 0, 0, 0, 0]), code: status.INTERNAL },
  { name: 'half a message', body: frameMessage(hello).subarray(0, 7), code: status.INTERNAL },
  { name: 'half a prefix', body: frameMessage(hello).subarray(0, 3), code: status.INTERNAL },
  { name: 'no message', body: Buffer.alloc(0), code: status.UNIMPLEMENTED },
  {
    name: 'two messages of a unary call',
    body: Buffer.concat([frameMessage(hello), frameMessage(hello)]),
    code: status.UNIMPLEMENTED,
  },
  {
    name: 'a message that says it is too large',
    body: Buffer.from([0, 0, 1, 0x86, 0xa1]),
    code: status.RESOURCE_EXHAUSTED,
    details: /^Received message larger than max \(100001 vs\. 100000\); raise max_recv_msg_size_mib, or send less/,
    told: 'too large: /test.Service/Echo',
  },
  {
    name: 'a message that decompresses to more than it may',
    headers: { 'grpc-encoding': 'gzip' },
    body: frameMessage(gzipSync(Buffer.alloc(100_001)), true),
    code: status.RESOURCE_EXHAUSTED,
    details: /decompresses to a size larger than 100000; raise max_recv_msg_size_mib/,
    told: 'too large: /test.Service/Echo',
  },
  {
    name: 'a timeout that is none',
    headers: { 'grpc-timeout': '5s' },
    body: frameMessage(hello),
    code: status.INTERNAL,
    details: /^Invalid grpc-timeout: 5s/,
  },
];

for (const { name, method = 'Echo', headers, body, code, details, more, told: expected } of refusals) {
  test(`${name} is answered with ${code}, in headers alone, and the connection goes on`, async (t) => {
    const { session, told } = await serve(t);
    const ended = await call(session, method, body, headers);
    assert.deepEqual([ended.headers[':status'], ended.headers['grpc-status']], [200, String(code)]);
    assert.deepEqual([ended.hasTrailers, ended.body.length], [false, 0]);
    if (details !== undefined) assert.match(String(ended.headers['grpc-message']), details);
    for (const [key, value] of Object.entries(more ?? {})) assert.equal(ended.headers[key], value);
    assert.deepEqual(told, expected === undefined ? [] : [expected]);
    assert.equal((await call(session, 'Echo', frameMessage(hello))).headers['grpc-status'], '0');
  });
}

for (const { name, headers, httpStatus } of [
  { name: 'a GET', headers: { ':method': 'GET' }, httpStatus: 405 },
  { name: 'another content type', headers: { 'content-type': 'application/json' }, httpStatus: 415 },
  { name: 'the content type of gRPC-Web', headers: { 'content-type': 'application/grpc-web' }, httpStatus: 415 },
]) {
  test(`${name} is no gRPC, and gets the HTTP status ${httpStatus}`, async (t) => {
    const { session } = await serve(t);
    const { headers: got } = await call(session, 'Echo', Buffer.alloc(0), headers);
    assert.equal(got[':status'], httpStatus);
  });
}

for (const type of ['application/grpc+proto', 'application/grpc;charset=utf-8']) {
  test(`the content type ${type} is one of gRPC`, async (t) => {
    const { session } = await serve(t);
    assert.equal(
      (await call(session, 'Echo', frameMessage(hello), { 'content-type': type })).headers['grpc-status'],
      '0',
    );
  });
}

test('a refusal that comes before the client has sent all ends the stream without an error', async (t) => {
  const { session } = await serve(t);
  const request = open(session, 'Other');
  request.write(frameMessage(Buffer.alloc(10)).subarray(0, 8));
  const { headers } = await end(request);
  assert.deepEqual([headers['grpc-status'], request.rstCode], [String(status.UNIMPLEMENTED), 0]);
});

test('a status has its text percent-encoded and its details in base64', async (t) => {
  const refuse = unaryMethod(() => ({ code: 8, details: '100 % größer\n', detailsBin: Uint8Array.of(8, 8) }));
  const { session } = await serve(t, { Refuse: refuse });
  const { headers } = await call(session, 'Refuse', frameMessage(hello));
  assert.equal(headers['grpc-message'], '100 %25 gr%C3%B6%C3%9Fer%0A');
  assert.equal(headers['grpc-status-details-bin'], 'CAg');
});

for (const { name, answer } of [
  {
    name: 'throws',
    answer: () => {
      throw new Error('a bug');
    },
  },
  { name: 'rejects', answer: () => Promise.reject(new Error('a bug')) },
]) {
  test(`a handler that ${name} costs its call alone`, async (t) => {
    const { session, told } = await serve(t, { Fail: unaryMethod(answer), Echo: unaryMethod((message) => message) });
    assert.equal((await call(session, 'Fail', frameMessage(hello))).headers['grpc-status'], String(status.INTERNAL));
    assert.deepEqual(told, ['fault: a bug']);
    assert.equal((await call(session, 'Echo', frameMessage(hello))).headers['grpc-status'], '0');
  });
}

/** A method that never answers, and notes what it is told. */
function silent(notes: string[]): Method {
  return unaryMethod((_, open) => {
    notes.push('called');
    open.onCancelled = () => notes.push('cancelled');
    return new Promise(() => undefined);
  });
}

test('a call past its deadline ends with DEADLINE_EXCEEDED, and its handler is told', async (t) => {
  const notes: string[] = [];
  const { session, clock } = await serve(t, { Wait: silent(notes) });
  const ended = call(session, 'Wait', frameMessage(hello), { 'grpc-timeout': '500m' });
  while (notes.length === 0) await pinged(session);
  await clock.advance(499);
  assert.deepEqual(notes, ['called']);
  await clock.advance(1);
  assert.equal((await ended).headers['grpc-status'], String(status.DEADLINE_EXCEEDED));
  assert.deepEqual(notes, ['called', 'cancelled']);
});

test('a deadline passes for a call of which no message has come, too', async (t) => {
  const { session, clock } = await serve(t);
  const request = open(session, 'Echo', { 'grpc-timeout': '1S' });
  const ended = end(request);
  await pinged(session);
  await clock.advance(1_000);
  assert.equal((await ended).headers['grpc-status'], String(status.DEADLINE_EXCEEDED));
});

for (const { name, leave } of [
  { name: 'cancels', leave: (request: ClientHttp2Stream) => request.close(8) },
  { name: 'loses its connection', leave: (request: ClientHttp2Stream) => request.session!.destroy() },
]) {
  test(`the handler of a call hears of a client that ${name}, once`, async (t) => {
    const notes: string[] = [];
    const { session, port } = await serve(t, { Wait: silent(notes) });
    const request = open(session, 'Wait');
    request.end(frameMessage(hello));
    while (notes.length === 0) await pinged(session);
    leave(request);
    const other = connect(`http://127.0.0.1:${port}`);
    t.after(() => other.destroy());
    while (notes.length < 2) await pinged(other);
    await pinged(other);
    assert.deepEqual(notes, ['called', 'cancelled']);
  });
}

/** A method that echoes each message; it is paused after each until `resume` is called. */
function pausing(notes: string[], resumes: (() => void)[]): Method {
  return (open) => ({
    onMessage: (message) => {
      notes.push(message.toString());
      open.pause();
      resumes.push(() => open.resume());
      open.send(message);
    },
    onHalfClose: () => {
      notes.push('half-closed');
      open.end();
    },
    onCancel: () => notes.push('cancelled'),
  });
}

test('messages of one DATA frame wait while their call is paused, and keep their order', async (t) => {
  const notes: string[] = [];
  const resumes: (() => void)[] = [];
  const { session } = await serve(t, { Stream: pausing(notes, resumes) });
  const ended = call(session, 'Stream', Buffer.concat(['a', 'b', 'c'].map((text) => frameMessage(Buffer.from(text)))));
  for (let count = 1; count <= 3; count++) {
    while (resumes.length < count) await pinged(session);
    await pinged(session);
    assert.equal(notes.length, count);
    resumes[count - 1]!();
  }
  assert.deepEqual([(await ended).headers['grpc-status'], notes], ['0', ['a', 'b', 'c', 'half-closed']]);
});

test('a call that is paused before it gets anything waits until it is resumed', async (t) => {
  const notes: string[] = [];
  const resumes: (() => void)[] = [];
  const { session } = await serve(t, {
    Stream: (open) => {
      open.pause();
      resumes.push(() => open.resume());
      return {
        onMessage: (message) => notes.push(message.toString()),
        onHalfClose: () => open.end(),
        onCancel: () => undefined,
      };
    },
  });
  const ended = call(session, 'Stream', frameMessage(Buffer.from('a')));
  while (resumes.length === 0) await pinged(session);
  await pinged(session);
  assert.deepEqual(notes, []);
  resumes[0]!();
  assert.equal((await ended).headers['grpc-status'], '0');
  assert.deepEqual(notes, ['a']);
});

test('compressed messages keep their order beside those that are not', async (t) => {
  const notes: string[] = [];
  const method: Method = (open) => ({
    onMessage: (message) => void notes.push(message.toString()),
    onHalfClose: () => open.end(),
    onCancel: () => undefined,
  });
  const { session } = await serve(t, { Stream: method });
  const large = gzipSync(Buffer.alloc(90_000, 'x'));
  const body = [frameMessage(large, true), frameMessage(Buffer.from('plain')), frameMessage(gzipSync('last'), true)];
  await call(session, 'Stream', Buffer.concat(body), { 'grpc-encoding': 'gzip' });
  assert.deepEqual([notes[0]!.length, ...notes.slice(1)], [90_000, 'plain', 'last']);
});

test('a status behind messages is a trailer, and the messages before it arrive', async (t) => {
  const method: Method = (open) => ({
    onMessage: (message) => {
      open.send(message);
      open.end({ code: status.ABORTED, details: 'enough' });
    },
    onHalfClose: () => assert.fail('the call has ended'),
    onCancel: () => assert.fail('the call has ended'),
  });
  const { session } = await serve(t, { Stream: method });
  const request = open(session, 'Stream');
  request.write(frameMessage(hello));
  request.once('trailers', () => request.end());
  const { headers, body, hasTrailers } = await end(request);
  assert.deepEqual([headers['grpc-status'], headers['grpc-message'], hasTrailers], ['10', 'enough', true]);
  assert.deepEqual(body, frameMessage(hello));
});

test('an old connection takes no new call, lets those that are open end, and is destroyed after its grace', async (t) => {
  const notes: string[] = [];
  const limits = { maxConnectionAgeMs: 10_000, maxConnectionAgeGraceMs: 5_000 };
  const { session, clock } = await serve(t, { Wait: silent(notes) }, limits);
  const ended = call(session, 'Wait', frameMessage(hello));
  while (notes.length === 0) await pinged(session);
  const goaway = once(session, 'goaway');
  await clock.advance(11_000);
  const [code] = await goaway;
  assert.equal(code, 0);
  assert.ok(!session.destroyed);
  const closed = once(session, 'close');
  await clock.advance(5_000);
  await closed;
  await ended;
  assert.deepEqual(notes, ['called', 'cancelled']);
});

test('a connection without a call for too long is closed, and one with a call is not', async (t) => {
  const notes: string[] = [];
  const methods = { Wait: silent(notes), Echo: unaryMethod((message) => message) };
  const { session, clock, port } = await serve(t, methods, { maxConnectionIdleMs: 1_000 });
  const busy = connect(`http://127.0.0.1:${port}`).on('error', () => undefined);
  t.after(() => busy.destroy());
  open(busy, 'Wait').end(frameMessage(hello));
  while (notes.length === 0) await pinged(busy);
  await call(session, 'Echo', frameMessage(hello));
  await clock.advance(900);
  await call(session, 'Echo', frameMessage(hello));
  await clock.advance(900);
  assert.ok(!session.closed, 'the time begins anew with each call');
  const closed = once(session, 'close');
  await clock.advance(100);
  await closed;
  assert.ok(!busy.closed);
});

test('a client that does not answer pings is closed, and one that answers is not', async (t) => {
  const { session, clock, port } = await serve(t, {}, { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 1_000 });
  const mute = createConnection(port, '127.0.0.1').on('error', () => undefined);
  t.after(() => mute.destroy());
  mute.write(
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
  );
  await Promise.all([once(mute, 'data'), pinged(session)]);
  mute.resume();
  const wasPinged = once(session, 'ping');
  const closed = once(mute, 'close');
  // The first interval tells that there was silence, the second that it goes on.
  await clock.advance(10_000);
  await clock.advance(10_000);
  await wasPinged;
  await pinged(session);
  await clock.advance(1_000);
  await closed;
  assert.ok(!session.destroyed);
});

test('a close waits for open calls, and takes no new connection', async (t) => {
  let finish = (): void => undefined;
  const wait = unaryMethod(
    (message) =>
      new Promise<Uint8Array>((resolve) => {
        finish = () => resolve(message);
      }),
  );
  const { session, server, port } = await serve(t, { Wait: wait });
  const before = finish;
  const ended = call(session, 'Wait', frameMessage(hello));
  while (finish === before) await pinged(session);
  const closed = server.close(AbortSignal.timeout(60_000));
  const late = createConnection(port, '127.0.0.1');
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
  finish();
  assert.deepEqual((await ended).body, frameMessage(hello));
  assert.equal(await closed, true);
});

test('a name is listened on at each of its addresses', async (t) => {
  const { server } = await serve(t);
  const port = await server.listen('localhost', 0, undefined);
  const session = connect(`http://localhost:${port}`);
  t.after(() => session.destroy());
  assert.equal((await call(session, 'Echo', frameMessage(hello))).headers['grpc-status'], '0');
});
