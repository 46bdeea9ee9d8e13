import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { errorCodes, flags, frameOf, frameTypes, numberFrame, settingIds } from '../../src/grpc/http2/frames.ts';
import { frameMessage } from '../../src/grpc/message-reader.ts';
import type { Method } from '../../src/grpc/server-call.ts';
import { settingsFrame } from './http2/raw-peer.ts';
import { echoRequest, RawClient } from './raw-client.ts';
import { serveGrpc } from './serve-grpc.ts';

const { DATA, HEADERS, CONTINUATION, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE } = frameTypes;
const { END_STREAM, END_HEADERS, ACK } = flags;
const { ENHANCE_YOUR_CALM, PROTOCOL_ERROR, CANCEL, REFUSED_STREAM } = errorCodes;

const hello = Buffer.from('hello');
const frame = (type: number, own: number, id: number, payload: string | Uint8Array = ''): Buffer =>
  frameOf({ type, flags: own, streamId: id }, Buffer.from(payload));
const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array<Buffer>(count).fill(bytes));

/** Far beyond what any client sends at once. */
const many = 12_000;
const holdRequest = { ...echoRequest, ':path': '/test.Service/Hold' };

interface Flood {
  readonly name: string;
  /** Frames behind the headers of the stream 1, whose call stays open. */
  readonly bytes: (client: RawClient) => Buffer;
  readonly code: number;
}

/** Streams that are begun, each with `more` behind its headers. */
function streams(client: RawClient, count: number, more: (id: number) => Buffer): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => {
      const id = 2 * index + 3;
      return Buffer.concat([frame(HEADERS, END_HEADERS, id, client.peer.blockOf(holdRequest)), more(id)]);
    }),
  );
}

const floods: readonly Flood[] = [
  { name: 'settings', bytes: () => times(many, settingsFrame({})), code: ENHANCE_YOUR_CALM },
  {
    name: 'settings that move the windows of its streams',
    bytes: () => times(many / 2, Buffer.concat([settingsFrame({ 4: 0 }), settingsFrame({ 4: 1_000_000 })])),
    code: ENHANCE_YOUR_CALM,
  },
  { name: 'answers to settings', bytes: () => times(many, frame(SETTINGS, ACK, 0)), code: ENHANCE_YOUR_CALM },
  { name: 'pings', bytes: () => times(many, frame(PING, 0, 0, '12345678')), code: ENHANCE_YOUR_CALM },
  { name: 'answers to pings', bytes: () => times(many, frame(PING, ACK, 0, '12345678')), code: ENHANCE_YOUR_CALM },
  { name: 'empty data', bytes: () => times(many, frame(DATA, 0, 1)), code: ENHANCE_YOUR_CALM },
  {
    name: 'data of padding alone',
    bytes: () => times(many, frame(DATA, flags.PADDED, 1, '\0')),
    code: ENHANCE_YOUR_CALM,
  },
  { name: 'priorities', bytes: () => times(many, frame(PRIORITY, 0, 1, Buffer.alloc(5))), code: ENHANCE_YOUR_CALM },
  {
    name: 'priorities of idle streams',
    bytes: () => times(many, frame(PRIORITY, 0, 9_999, Buffer.alloc(5))),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'its window, a byte a time',
    bytes: () => times(many, numberFrame(WINDOW_UPDATE, 0, 1)),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'the window of a stream, a byte a time',
    bytes: () => times(many, numberFrame(WINDOW_UPDATE, 1, 1)),
    code: ENHANCE_YOUR_CALM,
  },
  { name: 'frames that nobody knows', bytes: () => times(many, frame(0x99, 0, 0)), code: ENHANCE_YOUR_CALM },
  {
    name: 'ends of the connection',
    bytes: () => times(many, frame(GOAWAY, 0, 0, Buffer.alloc(8))),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'resets of idle streams',
    bytes: () => times(many, numberFrame(RST_STREAM, 9_999, CANCEL)),
    code: PROTOCOL_ERROR,
  },
  {
    name: 'resets of a stream that has ended',
    bytes: () => times(many, numberFrame(RST_STREAM, 1, CANCEL)),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'headers that never end, in empty frames',
    bytes: () => Buffer.concat([frame(HEADERS, 0, 3), times(many, frame(CONTINUATION, 0, 3))]),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'headers that never end, in full frames',
    bytes: () => Buffer.concat([frame(HEADERS, 0, 3), times(10, frame(CONTINUATION, 0, 3, Buffer.alloc(16_384)))]),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'streams that it takes back (CVE-2023-44487)',
    bytes: (client) => streams(client, 1_500, (id) => numberFrame(RST_STREAM, id, CANCEL)),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'streams that it makes the server reset (CVE-2025-8671)',
    bytes: (client) => streams(client, 1_500, (id) => numberFrame(WINDOW_UPDATE, id, 0)),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'streams beyond the limit',
    bytes: (client) => streams(client, 1_500, () => Buffer.alloc(0)),
    code: ENHANCE_YOUR_CALM,
  },
  {
    name: 'headers that are a bomb, again and again',
    bytes: () => {
      const field = Buffer.concat([Buffer.from('4001787fa11e', 'hex'), Buffer.alloc(4_000, 'b')]);
      const bomb = Buffer.concat([field, Buffer.alloc(400, 0xbe)]);
      return Buffer.concat(
        Array.from({ length: 1_100 }, (_, index) => frame(HEADERS, END_HEADERS, 2 * index + 3, bomb)),
      );
    },
    code: ENHANCE_YOUR_CALM,
  },
];

for (const { name, bytes, code } of floods) {
  test(`a client that floods a connection with ${name} is left, and others notice nothing`, async (t) => {
    let begunCount = 0;
    let openCount = 0;
    const Hold: Method = () => {
      begunCount++;
      openCount++;
      return { onMessage: () => undefined, onHalfClose: () => undefined, onCancel: () => openCount-- };
    };
    const { port, told } = await serveGrpc(t, { Hold });
    const good = await RawClient.ready(t, port);
    const hostile = await RawClient.ready(t, port);
    hostile.peer.sendHeaders(1, holdRequest);
    hostile.write(bytes(hostile));
    assert.deepEqual((await good.call(1, hello)).body, frameMessage(hello));
    assert.equal(await hostile.ended(), code);
    await hostile.closed();
    assert.ok(begunCount <= 1_101, `${begunCount} calls were begun`);
    const events = told.filter((event) => event !== 'stream refused');
    assert.deepEqual([openCount, events], [0, code === ENHANCE_YOUR_CALM ? ['flood'] : []]);
    assert.deepEqual((await good.call(3, hello)).body, frameMessage(hello));
  });
}

test('a client that never reads is not answered without end, and others notice nothing', async (t) => {
  const { port, told } = await serveGrpc(t);
  const good = await RawClient.ready(t, port);
  const hostile = await RawClient.ready(t, port);
  const { socket } = hostile.peer;
  socket.pause();
  const pings = times(500, frame(PING, 0, 0, '12345678'));
  // Each round is read before the next, so that none is refused for what comes at once.
  for (let round = 0; round < 20 && told.length === 0; round++) {
    socket.write(pings);
    await good.peer.settled();
    assert.deepEqual((await good.call(2 * round + 1, hello)).body, frameMessage(hello));
  }
  socket.resume();
  await hostile.peer.settled();
  assert.ok(hostile.peer.of(PING).length <= 10_001);
});

test('calls whose answers nobody takes keep their places and no others', async (t) => {
  const { port } = await serveGrpc(t, {}, { maxConcurrentStreams: 10 });
  const good = await RawClient.ready(t, port);
  const hostile = await RawClient.ready(t, port, { [settingIds.INITIAL_WINDOW_SIZE]: 0 });
  for (let id = 1; id < 100; id += 2) {
    hostile.peer.sendHeaders(id, echoRequest);
    hostile.write(frame(DATA, END_STREAM, id, frameMessage(hello)));
  }
  await hostile.peer.settled();
  const refused = hostile.peer.of(RST_STREAM).map(({ id, payload }) => [id, payload.readUInt32BE()]);
  assert.deepEqual(
    refused,
    Array.from({ length: 40 }, (_, index) => [21 + 2 * index, REFUSED_STREAM]),
  );
  assert.deepEqual(hostile.peer.of(DATA), []);
  assert.deepEqual((await good.call(1, hello)).body, frameMessage(hello));
  for (let id = 1; id < 20; id += 2) hostile.write(numberFrame(RST_STREAM, id, CANCEL));
  hostile.write(settingsFrame({ [settingIds.INITIAL_WINDOW_SIZE]: 100 }));
  assert.deepEqual((await hostile.call(101, hello)).body, frameMessage(hello));
});

test('connections that stall after their settings make room for others', async (t) => {
  const { port, clock, told } = await serveGrpc(t, {}, { maxConnections: 8 });
  const stalled = await Promise.all(Array.from({ length: 8 }, () => RawClient.ready(t, port)));
  // Amid headers, amid a frame, amid its head.
  for (const [index, client] of stalled.entries()) {
    const block = client.peer.blockOf(echoRequest);
    client.write(frame(HEADERS, 0, 1, block).subarray(0, index % 2 === 0 ? undefined : 4 + index));
  }
  await clock.advance(1_000);
  for (let round = 0; round < 4; round++) {
    const good = await RawClient.ready(t, port);
    assert.deepEqual((await good.call(1, hello)).body, frameMessage(hello));
    good.peer.socket.destroy();
    await once(good.peer.socket, 'close');
  }
  assert.ok(told.every((event) => event === 'idle closed'));
});
