import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { ServiceError } from '@grpc/grpc-js';
import { compressionAlgorithms, status } from '@grpc/grpc-js';
import type { Admission } from '../../../src/model/admission.ts';
import type { BatchOutcome } from '../../../src/model/batch-outcome.ts';
import type { FrameBatch } from '../../../src/model/frame-batch.ts';
import { frameKinds } from '../../../src/model/frame-kind.ts';
import { readRetryDelayMs } from '../../../src/otlp/protobuf/retry-info.ts';
import type { GrpcServerConfig } from '../../../src/receivers/grpc-server-config.ts';
import { BufferPool } from '../../../src/support/buffer-pool.ts';
import { FairTurns } from '../../../src/support/fair-turns.ts';
import { fileIdOf } from '../../support/batch.ts';
import { FakeClock, PassingClock } from '../../support/fake-clock.ts';
import type { PlainBatch } from '../../support/frames-client.ts';
import { encodeBatch, FramesClient, smallBatch } from '../../support/frames-client.ts';
import type { FramesServer } from '../../support/frames-server.ts';
import { acceptAll, startFramesServer } from '../../support/frames-server.ts';
import { patienceMs } from '../../support/patience.ts';

const now = 1_767_225_600_000_000_000n;
const small = (more: PlainBatch = {}): PlainBatch => smallBatch([now], more);
const badBatch = small({ stacks: [{ frames: [9] }] });
const labels = 'receiver="frames",transport="grpc"';

async function serve(
  t: TestContext,
  submit: (batch: FrameBatch) => BatchOutcome = acceptAll,
  config: Partial<GrpcServerConfig> = {},
  admission?: Admission,
): Promise<FramesServer & { client: FramesClient }> {
  const server = await startFramesServer(submit, config, admission);
  const client = new FramesClient(server.port);
  t.after(async () => {
    client.close();
    await server.stop();
  });
  return { ...server, client };
}

async function codeOf(call: Promise<unknown>): Promise<[string, string]> {
  try {
    await call;
    return ['OK', ''];
  } catch (error) {
    const { code, details } = error as ServiceError;
    return [status[code]!, details];
  }
}

test('Submit hands the batch on and tells what became of it', async (t) => {
  const { client, metrics } = await serve(t, ({ samples }) => ({
    acceptedSamples: samples.count - 1,
    rejections: [{ path: 'samples[1].stack', reason: 'no room; send less' }],
    namesNeeded: [
      {
        owner: { fileId: { word0: 0xffffffff, word1: 1, word2: 2, word3: 3 } },
        addressHigh: 0xffffffff,
        addressLow: 0x81000000,
        kind: frameKinds.jvm,
      },
      { owner: { pid: 77, startTimeNano: 2n ** 64n - 1n }, addressHigh: 1, addressLow: 2, kind: frameKinds.v8js },
    ],
    executablesNeeded: [fileIdOf(7), { word0: 0xffffffff, word1: 0, word2: 0, word3: 0x80000000 }],
    retryDelayMs: 250,
  }));
  const sample = { stack: 1, process: 1, profileType: 1, timestamps: [now] };
  const reply = await client.submit(small({ sequence: 5, samples: [{ ...sample, stack: 0 }, sample, sample] }));
  assert.deepEqual(reply, {
    sequence: '5',
    acceptedSamples: 1,
    rejectedSamples: 2,
    rejections: [
      {
        path: 'samples[0].stack',
        reason: 'index 0 is out of range [1..1]; refer to an entry of the table of the same batch, counted from 1',
      },
      // The sink's sample 1 was sent as sample 2: one before it was left out.
      { path: 'samples[2].stack', reason: 'no room; send less' },
    ],
    namesNeeded: [
      {
        fileId: 'ffffffff000000010000000200000003',
        pid: 0,
        startTimeNano: '0',
        addressOrLine: '18446744071578845184',
        kind: 3,
      },
      { fileId: '', pid: 77, startTimeNano: '18446744073709551615', addressOrLine: '4294967298', kind: 5 },
    ],
    executablesNeeded: '5eed0000000000000000000000000007ffffffff000000000000000080000000',
    retryDelayMs: 250,
    duplicate: false,
  });
  const values = await metrics();
  assert.equal(values.get(`otelcol_receiver_accepted_profile_samples{${labels}}`), 1);
  assert.equal(values.get(`otelcol_receiver_refused_profile_samples{${labels}}`), 2);
  assert.equal(values.get(`framekeeper_frames_rejected_samples{${labels},reason="stack"}`), 1);
  assert.equal(values.get(`framekeeper_frames_rejected_samples{${labels},reason="not_taken"}`), 1);
});

test('Submit refuses a batch at fault with the path of the field, and hands nothing on', async (t) => {
  let submitted = 0;
  const { client, metrics, log } = await serve(t, (batch) => {
    submitted++;
    return acceptAll(batch);
  });
  const [code, details] = await codeOf(client.submit(badBatch));
  assert.equal(code, 'INVALID_ARGUMENT');
  assert.match(details, /^batch\.stacks\[0\]\.frames\[0\]: index 9 is out of range \[1\.\.1\]; /);
  assert.equal(submitted, 0);
  const values = await metrics();
  assert.equal(values.get(`framekeeper_frames_refused_batches{${labels},reason="invalid"}`), 1);
  assert.equal(values.get(`otelcol_receiver_refused_profile_samples{${labels}}`), 1);
  for (let i = 0; i < 3; i++) await codeOf(client.submit(badBatch));
  assert.equal(log.filter((line) => line.includes('not valid')).length, 1, 'warns once in ten seconds');
});

test('details of a refusal are bounded, and stand halves of surrogate pairs', async (t) => {
  const { client } = await serve(t);
  const twice = (key: string): PlainBatch =>
    small({ collector: { instanceId: Buffer.alloc(16, 1), resourceAttributes: [{ key }, { key }] } });
  const [code, details] = await codeOf(client.submit(twice('😀'.repeat(10_000))));
  assert.equal(code, 'INVALID_ARGUMENT');
  assert.ok(details.length < 1_100, String(details.length));
  const [again] = await codeOf(client.submit(twice(`x${'😀'.repeat(10_000)}`)));
  assert.equal(again, 'INVALID_ARGUMENT');
});

test('Submit takes 4 MiB and refuses a byte more', async (t) => {
  const { client } = await serve(t);
  const size = 4 * 1024 * 1024;
  // Field 2047 is not known, so its bytes only make the message long.
  const padded = (bytes: number): Buffer => {
    const batch = encodeBatch(small());
    const length = bytes - batch.length - 6;
    const varint = [(length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21];
    return Buffer.concat([batch, Buffer.from([0xfa, 0x7f, ...varint]), Buffer.alloc(length)]);
  };
  assert.equal((await client.submit(padded(size))).acceptedSamples, 1);
  const [code] = await codeOf(client.submit(padded(size + 1)));
  assert.equal(code, 'RESOURCE_EXHAUSTED');
});

test('the limit holds for what a compressed message becomes', async (t) => {
  const server = await serve(t);
  const options = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip };
  const client = new FramesClient(server.port, options);
  t.after(() => client.close());
  const zeros = Buffer.concat([Buffer.from('fa7f80808003', 'hex'), Buffer.alloc(6 * 1024 * 1024)]);
  assert.ok(gzipSync(zeros).length < 10_000);
  assert.equal((await codeOf(client.submit(zeros)))[0], 'RESOURCE_EXHAUSTED');
  assert.equal((await client.submit(small())).acceptedSamples, 1);
});

test('Stream answers each batch, in their order', async (t) => {
  const { client } = await serve(t);
  const batches = Array.from({ length: 50 }, (_, index) => small({ sequence: index + 1 }));
  const { replies, code } = await client.stream(batches);
  assert.equal(code, status.OK);
  assert.deepEqual(
    replies.map(({ sequence }) => sequence),
    batches.map(({ sequence }) => String(sequence)),
  );
});

test('Stream sends earlier replies before it ends with a refusal, and takes nothing after it', async (t) => {
  const taken: bigint[] = [];
  const { client, metrics } = await serve(t, (batch) => {
    taken.push(batch.sequence);
    return acceptAll(batch);
  });
  const { replies, code, details } = await client.stream([
    small({ sequence: 1 }),
    small({ sequence: 2 }),
    { ...badBatch, sequence: 3 },
    small({ sequence: 4 }),
  ]);
  assert.deepEqual([replies.length, code], [2, status.INVALID_ARGUMENT]);
  assert.match(details, /^batch\.stacks\[0\]/);
  assert.deepEqual(taken, [1n, 2n]);
  assert.equal((await metrics()).get(`framekeeper_frames_open_streams{}`), 0);
});

for (const { when, clock } of [
  { when: 'at once', clock: new FakeClock() },
  { when: 'in slices', clock: new PassingClock() },
]) {
  test(`the memory of a batch that is taken ${when} is given back with its answer, and not before`, async (t) => {
    const givenBack = t.mock.method(BufferPool.prototype, 'giveBack').mock;
    const before: number[] = [];
    const submit = (batch: FrameBatch): BatchOutcome => {
      before.push(givenBack.callCount());
      return acceptAll(batch);
    };
    const { port, stop } = await startFramesServer(submit, {}, undefined, new FairTurns(clock, 2 ** 20));
    const client = new FramesClient(port);
    await client.submit(small({ sequence: 1 }));
    await client.stream([small({ sequence: 2 }), small({ sequence: 3 }), badBatch]);
    client.close();
    await stop();
    assert.deepEqual([before, givenBack.callCount()], [[0, 1, 2], 4]);
  });
}

test('a batch that is sent again is answered as before and not handed on', async (t) => {
  let submitted = 0;
  const { client, metrics } = await serve(t, (batch) => {
    submitted++;
    return {
      ...acceptAll(batch),
      retryDelayMs: submitted,
      rejections: [{ path: 'samples[0]', reason: String(submitted) }],
    };
  });
  const first = await client.submit(small({ sequence: 8 }));
  const { replies } = await client.stream([small({ sequence: 8 }), small({ sequence: 9 })]);
  assert.deepEqual(replies[0], { ...first, duplicate: true });
  assert.deepEqual([replies[1]?.sequence, replies[1]?.duplicate, submitted], ['9', false, 2]);
  assert.equal((await metrics()).get(`framekeeper_frames_duplicate_batches{${labels}}`), 1);
  await client.submit(small());
  await client.submit(small());
  assert.equal(submitted, 4, 'sequence 0 is never a duplicate');
});

test('a refused batch may be sent again, mended, under the same number', async (t) => {
  const { client } = await serve(t);
  await codeOf(client.submit({ ...badBatch, sequence: 1 }));
  assert.equal((await client.submit(small({ sequence: 1 }))).duplicate, false);
});

test('two collectors count for themselves, and two with one instance ID count as one', async (t) => {
  const instances: string[] = [];
  const { port, client } = await serve(t, (batch) => {
    instances.push(batch.collector.instanceId);
    return acceptAll(batch);
  });
  const other = new FramesClient(port);
  t.after(() => other.close());
  const own = small({ sequence: 1, collector: { instanceId: Buffer.alloc(16, 9) } });
  const replies = await Promise.all([
    client.submit(small({ sequence: 1 })),
    other.submit(own),
    other.submit(small({ sequence: 1 })),
  ]);
  assert.deepEqual(replies.map(({ duplicate }) => duplicate).sort(), [false, false, true]);
  assert.deepEqual(new Set(instances), new Set(['07'.repeat(16), '09'.repeat(16)]));
});

test('a fault of the service answers INTERNAL, is logged and counted, and the next batch is taken', async (t) => {
  let calls = 0;
  const { client, metrics, log } = await serve(t, (batch) => {
    if (calls++ < 2) throw new TypeError('a bug');
    return acceptAll(batch);
  });
  assert.equal((await codeOf(client.submit(small())))[0], 'INTERNAL');
  assert.equal((await client.stream([small()])).code, status.INTERNAL);
  assert.equal((await client.submit(small())).acceptedSamples, 1);
  assert.equal((await metrics()).get(`framekeeper_frames_refused_batches{${labels},reason="internal"}`), 2);
  assert.equal(log.filter((line) => line.includes('a bug')).length, 2);
});

test('a client that never reads replies is not read any more', async (t) => {
  let submitted = 0;
  const { client, port } = await serve(t, (batch) => {
    if (batch.samples.count === 0) return acceptAll(batch);
    submitted++;
    // Replies of 60 KB, so that transport buffers are full soon.
    const rejections = Array.from({ length: 64 }, () => ({ path: 'samples[0]', reason: 'x'.repeat(900) }));
    return { ...acceptAll(batch), rejections };
  });
  // A plain HTTP/2 client: grpc-js's own takes replies from the transport even when nobody reads them.
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const request = session.request({
    ':method': 'POST',
    ':path': '/framekeeper.frames.v1.FramesService/Stream',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  request.pause();
  // 1.2 MB a batch: more than the flow-control window, so that only reading makes room.
  const strings = ['samples', 'count', 'cpu', 'nanoseconds', 'main', ...Array(20).fill('x'.repeat(60_000))];
  const batch = encodeBatch(small({ strings }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(batch.length, 1);
  let sent = 0;
  const send = (): void => {
    request.write(Buffer.concat([prefix, batch]), () => {
      sent++;
      if (sent < 100) send();
    });
  };
  send();
  // Until nothing has moved while others were served 50 times.
  for (let idle = 0, before = -1; idle < 50; idle++) {
    assert.equal((await client.submit({ collector: { instanceId: Buffer.alloc(16, 9) } })).acceptedSamples, 0);
    if (submitted !== before) idle = 0;
    before = submitted;
  }
  // Four replies wait, one is in the window of 64 KiB, and one batch has been read ahead.
  assert.ok(submitted <= 6, `${submitted} batches were taken`);
  assert.ok(sent <= 8, `${sent} batches were sent`);
  session.destroy();
});

test('a client that leaves in the middle of a batch leaves nothing', async (t) => {
  const taken: bigint[] = [];
  const { port, client, metrics } = await serve(t, (batch) => {
    taken.push(batch.sequence);
    return acceptAll(batch);
  });
  const leaving = new FramesClient(port);
  const call = leaving.open();
  call.on('error', () => undefined);
  call.write(encodeBatch(small({ sequence: 1 })));
  await once(call, 'data');
  const large = encodeBatch(small({ sequence: 2, strings: Array(60).fill('x'.repeat(60_000)) }));
  call.write(large);
  call.cancel();
  leaving.close();
  while ((await metrics()).get('framekeeper_frames_open_streams{}') !== 0) await setImmediate();
  assert.deepEqual(taken, [1n]);
  assert.equal((await client.submit(small({ sequence: 2 }))).acceptedSamples, 1);
});

test('garbage on the port closes that connection, and harms nobody', async (t) => {
  const { port, client } = await serve(t);
  for (const bytes of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.padEnd(200, '\xff'),
    '\x16\x03\x01\x02\x00\x01',
  ]) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(Buffer.from(bytes, 'latin1'));
    socket.resume();
    await once(socket, 'close');
  }
  assert.equal((await client.submit(small())).acceptedSamples, 1);
});

test('what is not admitted is refused before it is decoded, with the time to wait, and taken when it comes again', async (t) => {
  let isFull = true;
  const admission = () => (isFull ? { reason: 'the queues are full', retryDelayMs: 1_250 } : undefined);
  const { client, metrics } = await serve(t, acceptAll, {}, admission);
  const isRefused = ({ code, details, metadata }: ServiceError): boolean => {
    assert.deepEqual([code, details], [status.RESOURCE_EXHAUSTED, 'the queues are full']);
    assert.equal(readRetryDelayMs(metadata.get('grpc-status-details-bin')[0] as Buffer), 1_250);
    return true;
  };
  await assert.rejects(client.submit(Buffer.from('nobody can read this')), isRefused);
  await assert.rejects(client.submit(small({ sequence: 1 })), isRefused);
  const values = await metrics();
  assert.equal(values.get(`framekeeper_frames_refused_batches{${labels},reason="not_admitted"}`), 2);
  assert.equal(values.get(`otelcol_receiver_refused_profile_samples{${labels}}`), 0);
  isFull = false;
  const reply = await client.submit(small({ sequence: 1 }));
  assert.deepEqual([reply.acceptedSamples, reply.duplicate], [1, false]);
});

test('a stream ends with what is not admitted, after the replies to what was, and tells the time to wait', async (t) => {
  let taken = 0;
  const submit = (batch: FrameBatch): BatchOutcome => {
    taken++;
    return acceptAll(batch);
  };
  const admission = () => (taken === 2 ? { reason: 'the queues are full', retryDelayMs: 500 } : undefined);
  const { client } = await serve(t, submit, {}, admission);
  const batches = [1, 2, 3, 4].map((sequence) => small({ sequence }));
  const { replies, code, metadata } = await client.stream(batches);
  assert.deepEqual([replies.map(({ sequence }) => sequence), code], [['1', '2'], status.RESOURCE_EXHAUSTED]);
  assert.equal(readRetryDelayMs(metadata.get('grpc-status-details-bin')[0] as Buffer), 500);
  taken = 0;
  const again = await client.stream(batches.slice(2));
  assert.deepEqual(
    again.replies.map(({ duplicate }) => duplicate),
    [false, false],
  );
});

test('a stop ends streams after their replies, refuses what comes, and closes every connection', async (t) => {
  const { client, server, receiver, port } = await serve(t);
  const call = client.open();
  call.write(encodeBatch(small({ sequence: 1 })));
  await once(call, 'data');
  call.resume();
  const ended = once(call, 'error') as Promise<[ServiceError]>;
  await receiver.stop(AbortSignal.timeout(patienceMs));
  const [{ code, details }] = await ended;
  assert.deepEqual([code, details], [status.UNAVAILABLE, 'the service stops; send the batch again later']);
  assert.equal((await codeOf(client.submit(small())))[0], 'UNAVAILABLE');
  const socket = connect(port, '127.0.0.1');
  const [error] = await once(socket, 'error');
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  await server.stop(AbortSignal.timeout(patienceMs));
});
