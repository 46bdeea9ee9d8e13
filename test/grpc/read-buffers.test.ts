import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { frameMessage } from '../../src/grpc/message-reader.ts';
import { ReadBuffers } from '../../src/grpc/read-buffers.ts';
import { Http2GrpcServer } from '../../src/grpc/server.ts';
import type { Method } from '../../src/grpc/server-call.ts';
import { Authority } from '../support/certificates.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A stream as node:http2 gives it to its call, which may pause it, and may hold on to pieces. */
class ModelCall {
  readonly queued: Buffer[] = [];
  readonly held: Buffer[] = [];
  readonly #buffers: ReadBuffers;
  isFlowing = true;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
  }

  get isBehind(): boolean {
    return this.queued.length > 0;
  }

  addHeld(held: Set<ArrayBufferLike>): void {
    for (const { buffer } of this.held) held.add(buffer);
  }

  read(piece: Buffer, isHeld: boolean): void {
    if (!this.isFlowing || this.isBehind) this.queued.push(piece);
    else this.#give(piece, isHeld);
  }

  flow(): void {
    this.isFlowing = true;
    for (let piece = this.queued.shift(); piece !== undefined; piece = this.queued.shift()) this.#give(piece, false);
  }

  #give(piece: Buffer, isHeld: boolean): void {
    this.#buffers.note(piece);
    if (isHeld) this.held.push(piece);
  }
}

const stream = fc.nat(3);
const step = fc.oneof(
  {
    arbitrary: fc.record({ read: fc.array(fc.record({ stream, isHeld: fc.boolean() }), { maxLength: 4 }) }),
    weight: 4,
  },
  fc.record({ pause: stream }),
  { arbitrary: fc.record({ flow: stream }), weight: 4 },
  { arbitrary: fc.record({ letGo: stream }), weight: 3 },
  { arbitrary: fc.constant({ turn: true }), weight: 4 },
  fc.constant({ openOrClose: true }),
);

test('a buffer is freed only when another is read, and no piece of it is waiting or held', (t) => {
  t.mock.timers.enable({ apis: ['setImmediate'] });
  let freed = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 60 }), (steps) => {
      const buffers = new ReadBuffers();
      const calls = Array.from({ length: 4 }, () => new ModelCall(buffers));
      for (const call of calls) {
        buffers.open();
        buffers.add(call);
      }
      /** A stream that is no call has a piece of a buffer. */
      let strange: Buffer | undefined;
      const all: ArrayBuffer[] = [];
      for (const one of steps) {
        if ('read' in one) {
          const buffer = new ArrayBuffer(64);
          all.push(buffer);
          for (const { stream: index, isHeld } of one.read)
            calls[index]!.read(Buffer.from(buffer, 8 * index, 8), isHeld);
        } else if ('pause' in one) calls[one.pause]!.isFlowing = false;
        else if ('flow' in one) calls[one.flow]!.flow();
        else if ('letGo' in one) calls[one.letGo]!.held.length = 0;
        else if ('turn' in one) t.mock.timers.tick(1);
        else if (strange === undefined && all.length > 0) {
          buffers.open();
          strange = Buffer.from(all.at(-1)!);
        } else if (strange !== undefined) {
          buffers.close();
          strange = undefined;
        }
        const inUse = [...calls.flatMap(({ queued, held }) => [...queued, ...held]), ...(strange ? [strange] : [])];
        for (const { buffer } of inUse) assert.ok(buffer.byteLength > 0);
        assert.notEqual(all.at(-1)?.byteLength, 0);
      }
      freed += all.filter(({ byteLength }) => byteLength === 0).length;
      t.mock.timers.tick(1);
    }),
    { endOnFailure: true, numRuns: 2_000 },
  );
  assert.ok(freed > 500, `${freed} buffers were freed`);
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
  const server = new Http2GrpcServer({
    ...{ windowBytes: 1 << 20, maxConnections: 16, maxConcurrentStreams: 100, maxMessageBytes: 4_000_000 },
    ...{ minTlsVersion: 'TLSv1.2', decompressors: new Map(), maxConnectionIdleMs: undefined },
    ...{ maxConnectionAgeMs: undefined, maxConnectionAgeGraceMs: undefined, keepaliveTimeMs: 7_200_000 },
    ...{ keepaliveTimeoutMs: 20_000, settingsTimeoutMs: 120_000, clock: new FakeClock() },
    guard: { challenge: '', check: () => (Math.random() < 0.8 ? undefined : setImmediate(undefined)) },
    events: {
      ...{ onConnectionRefused: ignore, onIdleConnectionClosed: ignore, onMessageGivenUp: ignore },
      ...{ onMessageTooLarge: ignore, onFault: (error) => assert.fail(error as Error) },
    },
  });
  server.addService('test.Service', { Count: counting });
  const { key, cert } = new Authority().issue('read-buffers');
  const port = await server.listen('127.0.0.1', 0, isTls ? { key, cert } : undefined);
  const sessions = [0, 1].map(() =>
    connect(`${isTls ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false }),
  );
  t.after(async () => {
    for (const session of sessions) session.destroy();
    await server.close(AbortSignal.abort());
  });
  return sessions;
}

const ignore = (): void => undefined;

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
