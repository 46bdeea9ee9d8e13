import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { GrpcClient } from '../../src/grpc/client.ts';
import { parseTarget } from '../../src/grpc/client-target.ts';
import { status } from '../../src/grpc/status.ts';
import { systemClock } from '../../src/support/clock.ts';

const path = '/test.Echo/Stream';
const never = new AbortController().signal;

/** grpc-js's server; `answer` gets each message. */
async function startServer(
  t: TestContext,
  answer: (call: ServerDuplexStream<Buffer, Buffer>, message: Buffer) => void,
): Promise<number> {
  const server = new Server();
  const asIs = (bytes: Buffer): Buffer => bytes;
  const serialization = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService(
    { stream: { path, requestStream: true, responseStream: true, ...serialization } },
    {
      stream: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('error', () => undefined);
        call.on('data', (message: Buffer) => answer(call, message));
        call.on('end', () => call.end());
      },
    },
  );
  t.after(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}

function clientOf(t: TestContext, port: number, maxResponseBytes = 1_000): GrpcClient {
  const client = new GrpcClient({
    ...{ target: parseTarget(`127.0.0.1:${port}`, {}), tls: undefined, authority: '', userAgent: 'test' },
    ...{ balancer: 'pick_first', waitForReady: false, compressor: undefined, decompressors: new Map() },
    ...{ keepalive: undefined, maxReconnectBackoffMs: 100, maxResponseBytes, clock: systemClock, random: () => 0.5 },
  });
  t.after(() => client.close());
  return client;
}

test('a stream sends messages from before its connection on, and gets each reply', async (t) => {
  const client = clientOf(t, await startServer(t, (call, message) => call.write(Buffer.concat([message, message]))));
  const replies: string[] = [];
  const call = client.stream(
    path,
    {},
    (bytes) => {
      replies.push(Buffer.from(bytes).toString());
      if (replies.length === 1) call.send(Buffer.from('b'));
      else call.end();
    },
    never,
  );
  call.send(Buffer.from('a'));
  const { status: end, origin } = await call.ended;
  assert.deepEqual([replies, end.code, origin], [['aa', 'bb'], status.OK, 'receiver']);
});

test('a stream ends with the status of the receiver, and its details', async (t) => {
  const port = await startServer(t, (call) => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from('why'));
    call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'full: 100 %', metadata });
  });
  const call = clientOf(t, port).stream(path, {}, () => undefined, never);
  call.send(Buffer.from('a'));
  const { status: end } = await call.ended;
  assert.deepEqual([end.code, end.details, Buffer.from(end.detailsBin!).toString()], [8, 'full: 100 %', 'why']);
});

test('a signal cancels a stream, of which nothing more is read', async (t) => {
  const cancelling = new AbortController();
  const port = await startServer(t, (call, message) => call.write(message));
  const replies: Uint8Array[] = [];
  const call = clientOf(t, port).stream(
    path,
    {},
    (bytes) => {
      replies.push(bytes);
      cancelling.abort();
    },
    cancelling.signal,
  );
  call.send(Buffer.from('a'));
  call.send(Buffer.from('b'));
  assert.deepEqual([(await call.ended).status.code, replies.length], [status.CANCELLED, 1]);
  // Sent to nobody, and no fault.
  call.send(Buffer.from('c'));
});

for (const { name, reply, read, code, details } of [
  {
    name: 'is too large',
    reply: 2_000,
    read: () => undefined,
    code: status.RESOURCE_EXHAUSTED,
    details: /2000 vs 1000/,
  },
  {
    name: 'cannot be read',
    reply: 10,
    read: () => assert.fail('no reply'),
    code: status.INTERNAL,
    details: /no reply/,
  },
]) {
  test(`a stream ends at a reply that ${name}`, async (t) => {
    const port = await startServer(t, (call) => call.write(Buffer.alloc(reply)));
    const call = clientOf(t, port).stream(path, {}, read, never);
    call.send(Buffer.from('a'));
    const { status: end } = await call.ended;
    assert.equal(end.code, code);
    assert.match(end.details, details);
  });
}

test('a stream ends as unavailable where nobody listens, and where the connection breaks', async (t) => {
  const server = createServer();
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('stream', (stream) => stream.on('error', () => undefined).on('data', () => stream.session!.destroy()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const client = clientOf(t, port);
  const lost = client.stream(path, {}, () => undefined, never);
  lost.send(Buffer.from('a'));
  const { status: end, origin } = await lost.ended;
  assert.deepEqual([end.code, origin], [status.UNAVAILABLE, 'lost']);
  server.close();
  await once(server, 'close');
  const unconnected = await clientOf(t, port).stream(path, {}, () => undefined, never).ended;
  assert.deepEqual([unconnected.status.code, unconnected.origin], [status.UNAVAILABLE, 'unconnected']);
  assert.match(unconnected.status.details, /ECONNREFUSED/);
});
