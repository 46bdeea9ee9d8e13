import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { frameMessage } from '../../../src/grpc/message-reader.ts';
import { FairTurns } from '../../../src/support/fair-turns.ts';
import { PassingClock } from '../../support/fake-clock.ts';
import { decodeReply, encodeBatch, FramesClient, smallBatch } from '../../support/frames-client.ts';
import { startFramesServer } from '../../support/frames-server.ts';

const startUnixNano = 1_767_225_600_000_000_000n;

/** A batch that takes many steps, each of them a slice where a reading of the clock takes a millisecond. */
function longBatch(sequence: number): Buffer {
  const names = Array.from({ length: 10_000 }, (_, i) => `name_of_a_function_${i}`);
  return encodeBatch(smallBatch([startUnixNano], { sequence, strings: ['samples', 'count', ...names] }));
}

function shortBatch(sequence: number): Buffer {
  return encodeBatch(smallBatch([startUnixNano], { sequence, collector: { instanceId: Buffer.alloc(16, 9) } }));
}

async function serve(t: TestContext, mostWaitingBytes = 64 * 1024 * 1024) {
  const taken: bigint[] = [];
  const turns = new FairTurns(new PassingClock(), mostWaitingBytes);
  const server = await startFramesServer(
    ({ sequence, samples }) => {
      taken.push(sequence);
      const nothing = { rejections: [], namesNeeded: [], executablesNeeded: [], retryDelayMs: 0 };
      return { acceptedSamples: samples.count, ...nothing };
    },
    {},
    undefined,
    turns,
  );
  const [client, other] = [0, 1].map(() => new FramesClient(server.port, { 'grpc.use_local_subchannel_pool': 1 })) as [
    FramesClient,
    FramesClient,
  ];
  t.after(async () => {
    client.close();
    other.close();
    await server.stop();
  });
  return { ...server, turns, client, other, taken };
}

test('replies of a stream come in the order of its batches, long ones among them', async (t) => {
  const { client, taken } = await serve(t);
  const batches = [longBatch(1), shortBatch(2), longBatch(3), shortBatch(4)];
  const { replies, code } = await client.stream(batches);
  assert.deepEqual(
    replies.map(({ sequence }) => sequence),
    ['1', '2', '3', '4'],
  );
  assert.deepEqual([code, taken], [status.OK, [1n, 2n, 3n, 4n]]);
});

test('long and short batches of several connections are each taken once', async (t) => {
  const { client, other, taken } = await serve(t);
  const calls = [1, 2, 3].flatMap((n) => [client.submit(longBatch(n)), other.submit(shortBatch(10 + n))]);
  const replies = await Promise.all([...calls, client.submit(longBatch(1))]);
  assert.equal(replies.filter(({ duplicate }) => duplicate).length, 1);
  assert.deepEqual([...taken].sort(), [1n, 11n, 12n, 13n, 2n, 3n].sort());
});

test('a batch beyond what may wait is refused with a delay, and counted', async (t) => {
  const { client, other, metrics, taken } = await serve(t, 1024 * 1024);
  const sizes = Array.from({ length: 8 }, (_, i) => client.submit(longBatch(1 + i)));
  const good = other.submit(shortBatch(100));
  const outcomes = await Promise.allSettled(sizes);
  assert.equal((await good).acceptedSamples, 1);
  const refused = outcomes.filter(({ status: outcome }) => outcome === 'rejected');
  assert.ok(refused.length > 0 && refused.length < 8, `${refused.length} refused`);
  for (const { reason } of refused as PromiseRejectedResult[]) assert.equal(reason.code, status.RESOURCE_EXHAUSTED);
  const counted = [...(await metrics())].find(([name]) => name.includes('refused_batches') && name.includes('busy'));
  assert.equal(counted?.[1], refused.length);
  assert.equal(taken.length, 9 - refused.length);
});

for (const method of ['Submit', 'Stream']) {
  test(`a batch whose ${method} call has ended by its turn is not taken, and counted`, async (t) => {
    const { client, port, turns, metrics, taken } = await serve(t);
    let isHeld = true;
    const held = turns.run({
      ...{ sender: {}, sizeBytes: 1, giveUp: () => assert.fail('nothing is given up') },
      *begin() {
        while (isHeld) yield;
      },
    });
    const session = http2.connect(`http://127.0.0.1:${port}`);
    t.after(() => session.destroy());
    // The server has read what was sent before a ping when it answers, and handles that within some turns of the loop.
    const settle = async (): Promise<void> => {
      await new Promise<void>((resolve) => void session.ping(() => resolve()));
      for (let turn = 0; turn < 50; turn++) await setImmediate();
    };
    const stream = session.request({
      ...{ ':method': 'POST', ':path': `/framekeeper.frames.v1.FramesService/${method}`, te: 'trailers' },
      'content-type': 'application/grpc+proto',
    });
    stream.on('error', () => undefined);
    stream.end(frameMessage(shortBatch(1)));
    await settle();
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await settle();
    isHeld = false;
    await held;
    assert.equal((await client.submit(shortBatch(2))).acceptedSamples, 1);
    assert.deepEqual(taken, [2n]);
    const counted = [...(await metrics())].find(([name]) => /refused_batches.*cancelled/.test(name));
    assert.equal(counted?.[1], 1);
  });
}

test('a bad batch among long ones is refused alone', async (t) => {
  const { client, other, taken } = await serve(t);
  const long = client.submit(longBatch(1));
  const bad = longBatch(2);
  // The last field has the wrong length.
  const broken = other.submit(Buffer.concat([bad, Buffer.from([0x62, 100])]));
  await assert.rejects(broken, { code: status.INVALID_ARGUMENT });
  assert.equal((await long).acceptedSamples, 1);
  assert.equal((await other.submit(shortBatch(3))).acceptedSamples, 1);
  assert.deepEqual(taken, [1n, 3n]);
});

test('a stop answers the long batch at hand before it ends the stream', async (t) => {
  const { client, receiver, taken } = await serve(t);
  const call = client.open();
  const replies: bigint[] = [];
  call.on('data', (bytes: Buffer) => replies.push(BigInt(decodeReply(bytes).sequence)));
  const ended = once(call, 'error');
  call.write(shortBatch(1));
  await once(call, 'data');
  // Enough of them that the stop comes amid one.
  for (let n = 2; n < 12; n++) call.write(longBatch(n));
  while (taken.length < 3) await setImmediate();
  for (let turn = 0; turn < 3; turn++) await setImmediate();
  assert.equal(taken.length, 3);
  await receiver.stop(AbortSignal.timeout(5_000));
  const [{ code }] = (await ended) as [{ code: number }];
  assert.equal(code, status.UNAVAILABLE);
  // What is in work still would be taken by then.
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  assert.deepEqual(replies, taken);
  assert.ok(taken.length < 11, 'the stop came when all batches had been taken');
});
