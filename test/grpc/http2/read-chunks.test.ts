import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { PieceQueue } from '../../../src/grpc/http2/piece-queue.ts';
import { ReadChunks } from '../../../src/grpc/http2/read-chunks.ts';
import { frameMessage } from '../../../src/grpc/message-reader.ts';
import type { Method } from '../../../src/grpc/server-call.ts';
import { Authority } from '../../support/certificates.ts';
import { serveGrpc } from '../serve-grpc.ts';

const chunkBytes = 20_000;

test('a chunk is freed at once where no piece is lent, else once no stream holds on to any, and one that shares its memory never', () => {
  const chunks = new ReadChunks();
  const chunk = (): Buffer => Buffer.from(new ArrayBuffer(chunkBytes));
  const [free, held, other, later] = [chunk(), chunk(), chunk(), chunk()];
  const shared = Buffer.from(new ArrayBuffer(2 * chunkBytes), 0, chunkBytes);
  const small = Buffer.from(new ArrayBuffer(100));
  for (const each of [free, shared, small]) chunks.add(each);
  assert.deepEqual([free.length, shared.length, small.length], [0, chunkBytes, 100]);
  chunks.count(1);
  chunks.count(1);
  chunks.lend();
  chunks.add(held);
  chunks.count(-1);
  chunks.add(other);
  chunks.lend();
  chunks.add(later);
  assert.deepEqual([held.length, other.length, later.length], [chunkBytes, 0, chunkBytes]);
  chunks.count(-1);
  assert.deepEqual([held.length, later.length], [0, 0]);
});

test('pieces that wait come out as they went in, and those that are no views are copies', () => {
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
          if (one.add < 4_096) piece.fill('?');
        }
        assert.equal(queue.sizeBytes, added.length - taken.length);
      }
      while (take());
      assert.equal(taken, added);
      assert.deepEqual([queue.sizeBytes, queue.isLent], [0, false]);
    }),
  );
});

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
  const { key, cert } = new Authority().issue('read-chunks');
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
  test(`messages of many streams come out as they went in, ${isTls ? 'over TLS' : 'in plain'}, and what they were read into is freed`, {
    timeout: 60_000,
  }, async (t) => {
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
    assert.ok(freeing.callCount() > 20, `${freeing.callCount()} buffers were freed`);
  });
}
