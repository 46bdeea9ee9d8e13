import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { GrpcClient } from '../../../src/grpc/client.ts';
import { parseTarget } from '../../../src/grpc/client-target.ts';
import { PieceQueue } from '../../../src/grpc/http2/piece-queue.ts';
import { frameMessage } from '../../../src/grpc/message-reader.ts';
import type { Method } from '../../../src/grpc/server-call.ts';
import { unaryMethod } from '../../../src/grpc/unary.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { Authority } from '../../support/certificates.ts';
import { serveGrpc } from '../serve-grpc.ts';
import { acceptLent, overwriteReads, read } from './lent-reads.ts';

test('bytes that wait come out as they went in, whatever becomes of the pieces that they came in', () => {
  const step = fc.oneof(
    fc.record({ add: fc.constantFrom(1, 7, 100, 4_095, 4_096, 9_000) }),
    fc.constant({ take: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new PieceQueue();
      let [added, taken] = ['', ''];
      let next = 0;
      const take = (): boolean => {
        const piece = queue.take();
        taken += piece?.toString('latin1') ?? '';
        return piece !== undefined;
      };
      for (const one of steps) {
        if ('take' in one) take();
        else {
          const piece = Buffer.alloc(one.add, next++);
          added += piece.toString('latin1');
          queue.add(piece);
          piece.fill('?');
        }
        assert.equal(queue.sizeBytes, added.length - taken.length);
      }
      while (take());
      assert.equal(taken, added);
      assert.equal(queue.sizeBytes, 0);
    }),
  );
});

test('sockets are read into one memory, one read after the other', async (t) => {
  const [one, other] = [await acceptLent(t), await acceptLent(t)];
  const texts: string[] = [];
  const memories = new Set<ArrayBufferLike>();
  for (const [{ peer, socket }, text] of [
    [one, 'first'],
    [other, 'second'],
    [one, 'third'],
  ] as const) {
    peer.write(text);
    const bytes = await read(socket);
    texts.push(bytes.toString());
    memories.add(bytes.buffer);
  }
  assert.deepEqual(texts, ['first', 'second', 'third']);
  assert.equal(memories.size, 1);
});

test('a socket that pauses reads nothing, has what was put back first, and ends as any other', async (t) => {
  const { peer, socket, server } = await acceptLent(t);
  const taken: string[] = [];
  socket.once('data', (bytes: Buffer) => {
    socket.pause();
    socket.unshift(Buffer.from(bytes.subarray(2)));
  });
  socket.on('data', (bytes: Buffer) => taken.push(bytes.toString()));
  peer.write('abcd');
  while (!socket.isPaused()) await setImmediate();
  peer.end('more');
  // Turns of the loop in which the socket would be read.
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  assert.deepEqual([taken, socket.bytesRead], [['abcd'], 4]);
  const closed = once(server.close(), 'close');
  socket.resume();
  await once(socket, 'end');
  assert.deepEqual([taken.join(), socket.bytesRead], ['abcd,cd,more', 8]);
  await once(socket, 'close');
  await closed;
});

test('a socket whose peer breaks off has an error and is closed, and is not counted any more', async (t) => {
  const { peer, socket, server } = await acceptLent(t);
  const codes: (string | undefined)[] = [];
  socket.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  peer.resetAndDestroy();
  await closed;
  assert.deepEqual(codes, ['ECONNRESET']);
  await once(server.close(), 'close');
});

test('what comes before anybody listens is kept', async (t) => {
  const { peer, socket } = await acceptLent(t);
  peer.write('early');
  while (socket.readableLength === 0) await setImmediate();
  peer.write(' late');
  while (socket.bytesRead < 10) await setImmediate();
  assert.equal(socket.read().toString(), 'early late');
});

test('a socket is read as any other where Node.js has no way to lend it memory', async (t) => {
  const { peer, accepted, socket } = await acceptLent(t, withoutUserBuffer);
  assert.equal(socket, accepted);
  peer.write('as ever');
  assert.equal((await read(socket)).toString(), 'as ever');
});

function withoutUserBuffer(accepted: Socket): void {
  const { _handle: handle } = accepted as Socket & { readonly _handle: object };
  Object.defineProperty(handle, 'useUserBuffer', { value: undefined });
}

/** Takes messages that say what is in them, pauses now and then, and answers with their number. */
const counting: Method = (call) => {
  let count = 0;
  let isDone = false;
  const finish = (): void => call.finish(Buffer.from([count]));
  return {
    onMessage: (message) => {
      assert.ok(message.equals(messageOf(message.readUInt32BE(0), message.length)), 'a message has changed');
      count++;
      if (count % 5 !== 0) return;
      call.pause();
      void setImmediate().then(() => {
        call.resume();
        if (isDone) finish();
      });
    },
    onHalfClose: () => {
      isDone = true;
      finish();
    },
    onCancel: () => undefined,
  };
};

function messageOf(number: number, length: number): Buffer {
  const message = Buffer.alloc(length, `message ${number} of `);
  message.writeUInt32BE(number);
  return message;
}

async function sendMessages(session: ClientHttp2Session, first: number, sizes: readonly number[]): Promise<void> {
  const headers = { ':method': 'POST', ':path': '/test.Service/Count', 'content-type': 'application/grpc' };
  const request = session.request(headers).resume();
  let told = '';
  request.on('trailers', (trailers) => {
    told = `${trailers['grpc-status']}`;
  });
  for (const [index, size] of sizes.entries()) request.write(frameMessage(messageOf(first + index, size)));
  request.end();
  await once(request, 'close');
  assert.equal(told, '0');
}

async function serve(t: TestContext, isTls: boolean): Promise<ClientHttp2Session[]> {
  const { key, cert } = new Authority().issue('reused-reads');
  const { port, told } = await serveGrpc(
    t,
    { Count: counting },
    {
      maxMessageBytes: 4_000_000,
      guard: { challenge: '', check: () => (Math.random() < 0.8 ? undefined : setImmediate(undefined)) },
      secure: isTls ? { key, cert } : undefined,
    },
  );
  const sessions = [0, 1].map(() =>
    connect(`${isTls ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false }).on(
      'error',
      () => undefined,
    ),
  );
  t.after(() => {
    for (const session of sessions) session.destroy();
    assert.deepEqual(told, []);
  });
  return sessions;
}

for (const isTls of [false, true]) {
  test(`messages of many streams come out as they went in, ${isTls ? 'over TLS' : 'in plain'}, whatever is read behind them`, {
    timeout: 60_000,
  }, async (t) => {
    await overwriteReads(t);
    const freeing = t.mock.method(ArrayBuffer.prototype, 'transfer').mock;
    const sessions = await serve(t, isTls);
    const sizes = [4, 5, 100, 5_000, 9_000, 20_000, 70_000, 300_000];
    for (let round = 0; round < 10; round++) {
      const sending = Array.from({ length: 12 }, (_, index) => {
        const own = Array.from({ length: 7 }, (__, place) => sizes[(index * 5 + place * 3 + round) % sizes.length]!);
        return sendMessages(sessions[index % 2]!, 1_000 * round + 10 * index, own);
      });
      await Promise.all(sending);
    }
    // One buffer that is detached makes all code of the process slower that reads typed arrays.
    assert.equal(freeing.callCount() > 0, isTls);
  });
}

test('responses are whole that come in several reads, whatever is read between', { timeout: 60_000 }, async (t) => {
  await overwriteReads(t);
  const answers = [5_000, 200_000, 70_000].map((length, number) => messageOf(number, length));
  const { port } = await serveGrpc(t, {
    Unary: unaryMethod((message) => answers[message[0]!]!),
    Stream: (call) => ({
      onMessage: (message) => call.send(answers[message[0]!]!),
      onHalfClose: () => call.end(),
      onCancel: () => undefined,
    }),
  });
  const client = new GrpcClient({
    ...{ target: parseTarget(`127.0.0.1:${port}`, {}), tls: undefined, authority: '', userAgent: 'test' },
    ...{ balancer: 'pick_first', waitForReady: false, compressor: undefined, decompressors: new Map() },
    ...{ keepalive: undefined, maxReconnectBackoffMs: 100, maxResponseBytes: 1_000_000, clock: systemClock },
    random: () => 0.5,
  });
  t.after(() => client.close());
  const never = new AbortController().signal;
  const streamed: Buffer[] = [];
  const call = client.stream('/test.Service/Stream', {}, (bytes) => streamed.push(Buffer.from(bytes)), never);
  for (const number of answers.keys()) call.send(Buffer.from([number]));
  call.end();
  const ends = await Promise.all(
    answers.map((_, number) =>
      client.call({ path: '/test.Service/Unary', headers: {}, pieces: [Buffer.from([number])] }, never),
    ),
  );
  assert.equal((await call.ended).status.code, 0);
  const isSame = (bytes: Uint8Array | undefined, number: number): boolean => answers[number]!.equals(bytes!);
  assert.deepEqual(
    [...streamed, ...ends.map(({ response }) => response)].map((bytes, at) => isSame(bytes, at % 3)),
    Array(6).fill(true),
  );
});
