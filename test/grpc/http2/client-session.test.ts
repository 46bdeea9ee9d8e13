import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClientSession } from '../../../src/grpc/http2/client-session.ts';
import { errorCodes, flags, frameOf, frameTypes, numberFrame, settingIds } from '../../../src/grpc/http2/frames.ts';
import type { Connected, Settings } from './raw-peer.ts';
import { connectRaw, Recorder, settingsFrame } from './raw-peer.ts';

const request = { ':method': 'POST', ':path': '/a' };
const response = { ':status': '200', 'content-type': 'application/grpc' };
const { DATA, HEADERS, CONTINUATION, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, PUSH_PROMISE } = frameTypes;
const { END_STREAM, END_HEADERS, PADDED, PRIORITY, ACK } = flags;

async function ready(t: TestContext, settings: Settings = {}): Promise<Connected> {
  const connected = await connectRaw(t);
  connected.peer.set(settings);
  await connected.session.ready;
  return connected;
}

function call({ session }: Connected, body: Uint8Array = Buffer.from('body')): Recorder {
  const recorder = new Recorder();
  const stream = session.open(request, recorder);
  assert.ok(stream !== undefined);
  stream.write([body], true);
  return recorder;
}

/** Trailers of OK. */
function finish({ peer }: Connected, id: number): void {
  peer.sendHeaders(id, response);
  peer.sendHeaders(id, { 'grpc-status': '0' }, true);
}

test('a session says its settings first, and answers those of the peer and its pings', async (t) => {
  const { peer } = await ready(t);
  peer.send(PING, 0, 0, Buffer.from('12345678'));
  await peer.until(() => peer.of(PING).length === 1);
  const seen = peer.frames.map(({ type, flags: own, payload }) => [type, own, payload.toString('hex')]);
  assert.deepEqual(seen, [
    [SETTINGS, 0, '000200000000'],
    [SETTINGS, ACK, ''],
    [PING, ACK, Buffer.from('12345678').toString('hex')],
  ]);
});

test('streams have odd numbers, and their responses come in any order and any cut', async (t) => {
  const connected = await ready(t);
  const { peer } = connected;
  const [first, second] = [call(connected), call(connected)];
  await peer.until(() => peer.body(3).length === 4);
  assert.deepEqual([peer.body(1), peer.body(3)].map(String), ['body', 'body']);
  assert.deepEqual(
    [...peer.requests()].map(([id, headers]) => [id, { ...headers }]),
    [
      [1, request],
      [3, request],
    ],
  );
  // Of stream 3: an informational response, headers in three frames with padding and a priority, and a body with padding.
  peer.sendHeaders(3, { ':status': '103' });
  const block = peer.blockOf(response);
  const head = Buffer.concat([Buffer.of(2), Buffer.alloc(5), block.subarray(0, 3), Buffer.alloc(2)]);
  const frames = [
    frameOf({ type: HEADERS, flags: PADDED | PRIORITY, streamId: 3 }, head),
    frameOf({ type: CONTINUATION, streamId: 3 }, block.subarray(3, 5)),
    frameOf({ type: CONTINUATION, flags: END_HEADERS, streamId: 3 }, block.subarray(5)),
    // Of no known type: it is passed over.
    frameOf({ type: 77, streamId: 99 }, Buffer.from('?')),
    frameOf({ type: DATA, flags: PADDED, streamId: 3 }, Buffer.from('\x03hello\0\0\0')),
    frameOf({ type: HEADERS, flags: END_HEADERS | END_STREAM, streamId: 3 }, peer.blockOf({ 'grpc-status': '0' })),
  ];
  for (const byte of Buffer.concat(frames)) peer.socket.write(Buffer.of(byte));
  assert.deepEqual(await second.ended.promise, { code: 0 });
  assert.deepEqual([second.headers, second.text], [[response, { 'grpc-status': '0' }], 'hello']);
  peer.sendHeaders(1, { ...response, 'grpc-status': '8' }, true);
  await first.ended.promise;
  assert.deepEqual(first.headers, [{ ...response, 'grpc-status': '8' }]);
});

test('a body is sent as far as the windows of stream and connection go', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 10 });
  const { peer } = connected;
  const body = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');
  const recorder = call(connected, body);
  await peer.until(() => peer.body(1).length === 10);
  peer.socket.write(numberFrame(WINDOW_UPDATE, 1, 5));
  await peer.until(() => peer.body(1).length === 15);
  // Smaller than what is used: the window is less than nothing, and has to come up first.
  peer.set({ [settingIds.INITIAL_WINDOW_SIZE]: 4 });
  peer.socket.write(numberFrame(WINDOW_UPDATE, 1, 7));
  await peer.until(() => peer.body(1).length === 16);
  peer.set({ [settingIds.INITIAL_WINDOW_SIZE]: 100 });
  await peer.until(() => peer.body(1).length === body.length);
  assert.deepEqual(peer.body(1), body);
  assert.equal(peer.of(DATA, 1).at(-1)!.flags, END_STREAM);
  finish(connected, 1);
  await recorder.ended.promise;
});

test('calls share the window of the connection, and frames are no larger than the peer takes', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 1 << 20, [settingIds.MAX_FRAME_SIZE]: 20_000 });
  const { peer } = connected;
  const bodies = [Buffer.alloc(50_000, 'a'), Buffer.alloc(50_000, 'b')] as const;
  for (const body of bodies) call(connected, body);
  await peer.until(() => peer.body(1).length + peer.body(3).length === 65_535);
  assert.deepEqual([peer.body(1).length, peer.body(3).length], [50_000, 15_535]);
  peer.socket.write(numberFrame(WINDOW_UPDATE, 0, 100_000));
  await peer.until(() => peer.body(3).length === 50_000);
  assert.deepEqual([peer.body(1), peer.body(3)], bodies);
  assert.equal(Math.max(...peer.of(DATA).map(({ payload }) => payload.length)), 20_000);
});

test('calls take turns where the window of the connection is short', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 1 << 20 });
  const { peer } = connected;
  const ids = [1, 3, 5];
  for (const _ of ids) call(connected, Buffer.alloc(70_000));
  const sent = (): number[] => ids.map((id) => peer.body(id).length);
  await peer.until(() => sent()[0] === 65_535);
  for (let round = 1; round <= 3; round++) {
    const before = sent();
    peer.socket.write(numberFrame(WINDOW_UPDATE, 0, 1_000));
    await peer.until(() => sent().some((size, index) => size === before[index]! + 1_000));
  }
  assert.deepEqual(sent(), [66_535, 1_000, 1_000]);
});

test('headers that are larger than a frame go on in others', async (t) => {
  const connected = await ready(t);
  const recorder = new Recorder();
  const large = 'x'.repeat(40_000);
  connected.session.open({ ...request, large }, recorder)!.write([], true);
  const { peer } = connected;
  await peer.until(() => peer.of(DATA, 1).length === 1);
  const blocks = peer.frames.filter(({ type }) => type === HEADERS || type === CONTINUATION);
  assert.deepEqual(
    blocks.map(({ type, flags: own }) => [type, own]),
    [
      [HEADERS, 0],
      [CONTINUATION, 0],
      [CONTINUATION, END_HEADERS],
    ],
  );
  assert.ok(Buffer.concat(blocks.map(({ payload }) => payload)).includes(large));
});

test('a response may be larger than a window', async (t) => {
  const connected = await ready(t);
  const recorder = call(connected);
  const { peer } = connected;
  await peer.until(() => peer.body(1).length === 4);
  peer.sendHeaders(1, response);
  for (let sent = 0; sent < 40; sent++) peer.send(DATA, 0, 1, Buffer.alloc(16_384));
  const told = (id: number): number =>
    peer.of(WINDOW_UPDATE, id).reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  await peer.until(() => told(1) === 40 * 16_384 && told(0) === 40 * 16_384);
  peer.sendHeaders(1, { 'grpc-status': '0' }, true);
  assert.deepEqual(await recorder.ended.promise, { code: 0 });
  assert.equal(recorder.text.length, 40 * 16_384);
});

test('no more streams are open than the peer takes; others wait for their turn', async (t) => {
  const connected = await ready(t, { [settingIds.MAX_CONCURRENT_STREAMS]: 2 });
  const { peer, session } = connected;
  const recorders = [call(connected), call(connected), call(connected), call(connected)] as const;
  const cancelled = new Recorder();
  session.open(request, cancelled)!.reset(errorCodes.CANCEL);
  assert.deepEqual(await cancelled.ended.promise, { code: errorCodes.CANCEL });
  await peer.until(() => peer.body(3).length === 4);
  assert.equal(peer.of(HEADERS).length, 2);
  finish(connected, 3);
  await peer.until(() => peer.body(5).length === 4);
  peer.set({ [settingIds.MAX_CONCURRENT_STREAMS]: 3 });
  await peer.until(() => peer.body(7).length === 4);
  for (const id of [1, 5, 7]) finish(connected, id);
  await Promise.all(recorders.map(({ ended }) => ended.promise));
});

test('a reset ends a stream with its code, and nothing more of it is sent', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 2 });
  const { peer } = connected;
  const recorder = call(connected);
  await peer.until(() => peer.body(1).length === 2);
  peer.socket.write(numberFrame(RST_STREAM, 1, errorCodes.ENHANCE_YOUR_CALM));
  assert.deepEqual(await recorder.ended.promise, { code: errorCodes.ENHANCE_YOUR_CALM });
  peer.socket.write(numberFrame(WINDOW_UPDATE, 1, 100));
  // Late frames of it change nothing but what headers mean.
  peer.sendHeaders(1, response);
  peer.send(DATA, 0, 1, Buffer.from('late'));
  const next = call(connected);
  await peer.until(() => peer.body(3).length === 2);
  assert.equal(peer.body(1).length, 2);
  peer.sendHeaders(3, { ...response, 'grpc-status': '0' }, true);
  await next.ended.promise;
  assert.deepEqual(next.headers, [{ ...response, 'grpc-status': '0' }]);
});

test('a response that is whole before its request cancels the rest of that', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 2 });
  const { peer } = connected;
  const recorder = call(connected);
  await peer.until(() => peer.body(1).length === 2);
  peer.sendHeaders(1, { ...response, 'grpc-status': '8' }, true);
  assert.deepEqual(await recorder.ended.promise, { code: 0 });
  await peer.until(() => peer.of(RST_STREAM, 1).length === 1);
  assert.equal(peer.of(RST_STREAM, 1)[0]!.payload.readUInt32BE(0), errorCodes.CANCEL);
});

test('behind a GOAWAY, streams that the peer has seen end, others are unprocessed, and the connection closes', async (t) => {
  const connected = await ready(t, { [settingIds.MAX_CONCURRENT_STREAMS]: 2 });
  const { peer, session, goaways, closed } = connected;
  const [seen, unseen, unopened] = [call(connected), call(connected), call(connected)];
  await peer.until(() => peer.body(3).length === 4);
  const payload = Buffer.concat([Buffer.of(0, 0, 0, 1, 0, 0, 0, 0), Buffer.from('bye')]);
  peer.send(GOAWAY, 0, 0, payload);
  assert.deepEqual(await unseen.ended.promise, { code: errorCodes.REFUSED_STREAM });
  assert.deepEqual(await unopened.ended.promise, { code: errorCodes.REFUSED_STREAM });
  assert.deepEqual([goaways, session.isOpen, session.open(request, new Recorder())], [['0 bye'], false, undefined]);
  finish(connected, 1);
  assert.deepEqual(await seen.ended.promise, { code: 0 });
  assert.equal(await closed, undefined);
});

test('a session that is closed ends with its last stream', async (t) => {
  const connected = await ready(t);
  const { peer, session, closed } = connected;
  const recorder = call(connected);
  session.close();
  assert.equal(session.open(request, new Recorder()), undefined);
  await peer.until(() => peer.body(1).length === 4);
  finish(connected, 1);
  await recorder.ended.promise;
  assert.equal(await closed, undefined);
  await peer.until(() => peer.of(GOAWAY).length === 1);
});

test('streams that wait for a place when a session is closed still get one', async (t) => {
  const connected = await ready(t, { [settingIds.MAX_CONCURRENT_STREAMS]: 1 });
  const { peer, session, closed } = connected;
  const [begun, waiting] = [call(connected), call(connected)];
  session.close();
  await peer.until(() => peer.body(1).length === 4);
  finish(connected, 1);
  assert.deepEqual(await begun.ended.promise, { code: 0 });
  await peer.until(() => peer.body(3).length === 4);
  finish(connected, 3);
  assert.deepEqual(await waiting.ended.promise, { code: 0 });
  assert.equal(await closed, undefined);
});

test('behind the last stream that a connection can have, those that wait are unprocessed', async (t) => {
  const connected = await connectRaw(t, 2 ** 31 - 3);
  const { peer, session, goaways, closed } = connected;
  peer.set({ [settingIds.MAX_CONCURRENT_STREAMS]: 1 });
  await session.ready;
  const [first, last, waiting] = [call(connected), call(connected), call(connected)];
  await peer.until(() => peer.body(2 ** 31 - 3).length === 4);
  finish(connected, 2 ** 31 - 3);
  assert.deepEqual(await first.ended.promise, { code: 0 });
  assert.deepEqual(await waiting.ended.promise, { code: errorCodes.REFUSED_STREAM });
  assert.deepEqual([goaways, session.open(request, new Recorder())], [['exhausted'], undefined]);
  finish(connected, 2 ** 31 - 1);
  assert.deepEqual(await last.ended.promise, { code: 0 });
  assert.equal(await closed, undefined);
});

test('a request ends although the window of its stream is less than nothing', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 10 });
  const { peer, session } = connected;
  const recorder = new Recorder();
  const stream = session.open(request, recorder)!;
  stream.write([Buffer.from('0123456789')], false);
  await peer.until(() => peer.body(1).length === 10);
  peer.set({ [settingIds.INITIAL_WINDOW_SIZE]: 4 });
  await peer.until(() => peer.of(SETTINGS).length === 3);
  stream.write([], true);
  await peer.until(() => peer.of(DATA, 1).some(({ flags: own }) => own === END_STREAM));
  finish(connected, 1);
  assert.deepEqual(await recorder.ended.promise, { code: 0 });
});

test('settings are answered before anything is sent that they allow', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 2 });
  const { peer } = connected;
  const recorder = call(connected);
  await peer.until(() => peer.body(1).length === 2);
  peer.set({ [settingIds.INITIAL_WINDOW_SIZE]: 100 });
  await peer.until(() => peer.body(1).length === 4);
  assert.deepEqual(
    peer.frames.slice(-2).map(({ type, flags: own }) => [type, own]),
    [
      [SETTINGS, ACK],
      [DATA, END_STREAM],
    ],
  );
  finish(connected, 1);
  await recorder.ended.promise;
});

test('a peer that neither reads nor says any more has lost the connection', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 2 ** 31 - 1 });
  const { peer } = connected;
  peer.socket.write(numberFrame(WINDOW_UPDATE, 0, 2 ** 30));
  peer.send(PING, 0, 0, Buffer.alloc(8));
  await peer.until(() => peer.of(PING).length === 1);
  peer.socket.pause();
  const recorder = call(connected, Buffer.alloc(32 * 2 ** 20));
  peer.socket.end();
  assert.deepEqual(await recorder.ended.promise, { code: 0, lost: 'Connection dropped' });
});

test('bodies do not pile up for a peer that does not read, whatever its windows', async (t) => {
  const connected = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 2 ** 31 - 1 });
  const { peer, session, socket } = connected;
  peer.socket.write(numberFrame(WINDOW_UPDATE, 0, 2 ** 30));
  peer.send(PING, 0, 0, Buffer.alloc(8));
  await peer.until(() => peer.of(PING).length === 1);
  peer.socket.pause();
  const body = Buffer.alloc(8 * 2 ** 20, 'a');
  for (let i = 0; i < 20; i++) {
    const stream = session.open(request, new Recorder())!;
    stream.write([body], true);
    stream.reset(errorCodes.CANCEL);
  }
  assert.ok(socket.writableLength < 2 * 2 ** 20, `${socket.writableLength} bytes`);
  const recorder = call(connected, body);
  peer.socket.resume();
  await peer.until(() => peer.of(DATA, 41).at(-1)?.flags === END_STREAM);
  assert.equal(peer.body(41).length, body.length);
  finish(connected, 41);
  assert.deepEqual(await recorder.ended.promise, { code: 0 });
});

test('a connection that is lost loses its streams, and those that were not begun are unprocessed', async (t) => {
  const connected = await ready(t, { [settingIds.MAX_CONCURRENT_STREAMS]: 1 });
  const [begun, unopened] = [call(connected), call(connected)];
  await connected.peer.until(() => connected.peer.body(1).length === 4);
  connected.peer.socket.destroy();
  assert.deepEqual(await begun.ended.promise, { code: 0, lost: 'Connection dropped' });
  assert.deepEqual(await unopened.ended.promise, { code: errorCodes.REFUSED_STREAM });
});

const frame = (type: number, own: number, id: number, payload: string | Uint8Array = ''): Buffer =>
  frameOf({ type, flags: own, streamId: id }, Buffer.from(payload));

for (const { name, bytes, code, hasHeaders = false } of [
  { name: 'a stream that was not begun', bytes: frame(DATA, 0, 5, 'a'), code: errorCodes.PROTOCOL_ERROR },
  { name: 'a stream of the server', bytes: frame(HEADERS, END_HEADERS, 2), code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a push',
    bytes: frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.of(0, 0, 0, 2)),
    code: errorCodes.PROTOCOL_ERROR,
  },
  { name: 'settings in a stream', bytes: frame(SETTINGS, 0, 1), code: errorCodes.PROTOCOL_ERROR },
  { name: 'settings of another size', bytes: frame(SETTINGS, 0, 0, 'abc'), code: errorCodes.FRAME_SIZE_ERROR },
  { name: 'a ping of another size', bytes: frame(PING, 0, 0, 'abc'), code: errorCodes.FRAME_SIZE_ERROR },
  {
    name: 'too much padding',
    bytes: frame(DATA, PADDED, 1, '\x05abc'),
    code: errorCodes.PROTOCOL_ERROR,
    hasHeaders: true,
  },
  { name: 'headers that go on by themselves', bytes: frame(CONTINUATION, 0, 1), code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a frame between headers',
    bytes: Buffer.concat([frame(HEADERS, 0, 1), frame(PING, 0, 0, '12345678')]),
    code: errorCodes.PROTOCOL_ERROR,
  },
  {
    name: 'headers without an end',
    bytes: Buffer.concat([
      frame(HEADERS, 0, 1),
      ...Array.from({ length: 5 }, () => frame(CONTINUATION, 0, 1, Buffer.alloc(16_384))),
    ]),
    code: errorCodes.ENHANCE_YOUR_CALM,
  },
  {
    name: 'headers in crumbs',
    bytes: Buffer.concat([frame(HEADERS, 0, 1), ...Array.from({ length: 70 }, () => frame(CONTINUATION, 0, 1, 'a'))]),
    code: errorCodes.ENHANCE_YOUR_CALM,
  },
  {
    name: 'headers that cannot be read',
    bytes: frame(HEADERS, END_HEADERS, 1, Buffer.of(0xff)),
    code: errorCodes.COMPRESSION_ERROR,
  },
  { name: 'a window wider by nothing', bytes: numberFrame(WINDOW_UPDATE, 0, 0), code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a window that is too wide',
    bytes: numberFrame(WINDOW_UPDATE, 0, 2 ** 31 - 1),
    code: errorCodes.FLOW_CONTROL_ERROR,
  },
  {
    name: 'a first window that is too wide',
    bytes: settingsFrame({ [settingIds.INITIAL_WINDOW_SIZE]: 2 ** 31 }),
    code: errorCodes.FLOW_CONTROL_ERROR,
  },
  {
    name: 'frames that are too small',
    bytes: settingsFrame({ [settingIds.MAX_FRAME_SIZE]: 100 }),
    code: errorCodes.PROTOCOL_ERROR,
  },
  {
    name: 'a frame that is too large',
    bytes: Buffer.from('00ffff000000000001', 'hex'),
    code: errorCodes.FRAME_SIZE_ERROR,
  },
]) {
  test(`a peer that sends ${name} is told, and left`, async (t) => {
    const connected = await ready(t);
    const { peer, closed } = connected;
    const recorder = call(connected);
    await peer.until(() => peer.body(1).length === 4);
    if (hasHeaders) peer.sendHeaders(1, response);
    peer.socket.write(bytes);
    assert.match((await recorder.ended.promise).lost!, /^the receiver broke a rule of HTTP\/2: /);
    await peer.until(() => peer.of(GOAWAY).length === 1);
    assert.equal(peer.of(GOAWAY)[0]!.payload.readUInt32BE(4), code);
    assert.ok((await closed) instanceof Error);
  });
}

for (const { name, bytes } of [
  { name: 'DATA before headers', bytes: frame(DATA, 0, 1, 'a') },
  { name: 'headers without a status', bytes: frame(HEADERS, END_HEADERS, 1) },
  { name: 'a stream wider by nothing', bytes: numberFrame(WINDOW_UPDATE, 1, 0) },
]) {
  test(`${name} ends the stream alone`, async (t) => {
    const connected = await ready(t);
    const { peer } = connected;
    const recorder = call(connected);
    await peer.until(() => peer.body(1).length === 4);
    peer.socket.write(bytes);
    assert.deepEqual(await recorder.ended.promise, { code: errorCodes.PROTOCOL_ERROR });
    await peer.until(() => peer.of(RST_STREAM, 1).length === 1);
    const next = call(connected);
    await peer.until(() => peer.body(3).length === 4);
    finish(connected, 3);
    assert.deepEqual(await next.ended.promise, { code: 0 });
  });
}

test('Node.js reads our headers, and we read those that it writes, of every character', async (t) => {
  const server = createServer();
  const received: string[] = [];
  server.on('stream', (stream, headers) => {
    received.push(headers['x-text'] as string);
    stream.respond({ 'x-text': headers['x-text'] }, { endStream: true });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const ignore = (): void => undefined;
  const session = new ClientSession(socket, { onGoaway: ignore, onExhausted: ignore, onClose: ignore });
  t.after(() => {
    session.destroy();
    server.close();
  });
  await session.ready;
  const characters = Array.from({ length: 256 - 32 }, (_, index) => String.fromCharCode(32 + index)).filter(
    (character) => character !== '\x7f',
  );
  // Each between others that are short and long in Huffman codes; spaces at the ends would be cut.
  const texts = characters.flatMap((character) => [`a${character}a`, `~${character}${character}\xf9${character}~`]);
  for (const text of texts) {
    const recorder = new Recorder();
    session.open({ ...request, ':scheme': 'http', ':authority': 'a', 'x-text': text }, recorder)!.write([], true);
    await recorder.ended.promise;
    assert.deepEqual([received.at(-1), recorder.headers[0]!['x-text']], [text, text]);
  }
});

test('a server of another protocol is no receiver', async (t) => {
  const { peer, session } = await connectRaw(t);
  peer.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  await assert.rejects(session.ready, /does not speak HTTP\/2/);
});

test('a peer that asks without reading the answers is left', async (t) => {
  const { peer, closed } = await ready(t);
  peer.socket.pause();
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(PING, 0, 0, '12345678')));
  const flood = setInterval(() => peer.socket.write(pings), 1);
  t.after(() => clearInterval(flood));
  assert.match((await closed)!.message, /does not read|EPIPE|ECONNRESET/);
});

test('frames of any kind end in an orderly way', async (t) => {
  const anyFrame = fc.record({
    type: fc.integer({ min: 0, max: 10 }),
    own: fc.constantFrom(0, END_STREAM, END_HEADERS, END_STREAM | END_HEADERS, PADDED, PRIORITY, 255),
    id: fc.constantFrom(0, 1, 1, 1, 3, 2),
    payload: fc.uint8Array({ maxLength: 20 }),
  });
  const property = fc.asyncProperty(fc.array(anyFrame, { maxLength: 12 }), async (frames) => {
    const connected = await ready(t);
    const recorder = call(connected);
    for (const { type, own, id, payload } of frames) connected.peer.send(type, own, id, payload);
    connected.peer.socket.end();
    await recorder.ended.promise;
    await connected.closed;
  });
  await fc.assert(property, { numRuns: 60 });
});
