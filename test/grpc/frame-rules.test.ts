import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  errorCodes,
  flags,
  frameOf,
  frameTypes,
  numberFrame,
  preface,
  settingIds,
} from '../../src/grpc/http2/frames.ts';
import { HeaderEncoder } from '../../src/grpc/http2/header-codec.ts';
import { frameMessage } from '../../src/grpc/message-reader.ts';
import type { Method } from '../../src/grpc/server-call.ts';
import { settingsFrame } from './http2/raw-peer.ts';
import { echoRequest, RawClient } from './raw-client.ts';
import { serveGrpc } from './serve-grpc.ts';

const { DATA, HEADERS, CONTINUATION, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE } =
  frameTypes;
const { END_STREAM, END_HEADERS, PADDED, ACK } = flags;
const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR } = errorCodes;

const hello = Buffer.from('hello');
const frame = (type: number, own: number, id: number, payload: string | Uint8Array = ''): Buffer =>
  frameOf({ type, flags: own, streamId: id }, Buffer.from(payload));
/** Without entries in the table, so that blocks can be sent in any order. */
const blockOf = (more: Readonly<Record<string, string>> = {}): Buffer =>
  Buffer.concat(Object.entries({ ...echoRequest, ...more }).map(([name, value]) => plainField(name, value)));
const plainField = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
const begin = (id: number, own = 0): Buffer => frame(HEADERS, END_HEADERS | own, id, blockOf());
/** Of a call that nobody answers. */
const hold = (id: number): Buffer =>
  frame(HEADERS, END_HEADERS | END_STREAM, id, blockOf({ ':path': '/test.Service/Hold' }));
const whole = (id: number): Buffer => Buffer.concat([begin(id), frame(DATA, END_STREAM, id, frameMessage(hello))]);

/** Three calls, one of them taken back, in frames of all kinds. */
function recordedSession(): { bytes: Buffer; ids: readonly number[] } {
  const encoder = new HeaderEncoder();
  const first = encoder.encode(echoRequest, 0);
  const second = encoder.encode({ ...echoRequest, 'x-team': 'backend' }, 0);
  const third = encoder.encode({ ...echoRequest, 'x-team': 'backend' }, 0);
  const fourth = encoder.encode(echoRequest, 0);
  const [long, short] = [frameMessage(Buffer.alloc(700, 'long')), frameMessage(hello)];
  const padded = Buffer.concat([Buffer.of(3), Buffer.alloc(5), first.subarray(0, 20), Buffer.alloc(3)]);
  const bytes = Buffer.concat([
    preface,
    settingsFrame({ [settingIds.INITIAL_WINDOW_SIZE]: 200, 119: 7 }),
    frame(HEADERS, PADDED | flags.PRIORITY, 1, padded),
    frame(CONTINUATION, 0, 1),
    frame(CONTINUATION, END_HEADERS, 1, first.subarray(20)),
    frame(DATA, 0, 1, long.subarray(0, 3)),
    frame(HEADERS, END_HEADERS, 3, second),
    frame(DATA, PADDED, 3, Buffer.concat([Buffer.of(2), short.subarray(0, 6), Buffer.alloc(2)])),
    frame(SETTINGS, ACK, 0),
    frame(0xee, 0xff, 7, 'a frame of which nobody knows'),
    frame(DATA, 0, 1, long.subarray(3)),
    frame(HEADERS, END_HEADERS, 5, third),
    frame(DATA, 0, 5, short.subarray(0, 2)),
    numberFrame(RST_STREAM, 5, errorCodes.CANCEL),
    frame(PRIORITY, 0, 9, Buffer.alloc(5)),
    frame(DATA, END_STREAM, 3, short.subarray(6)),
    numberFrame(WINDOW_UPDATE, 1, 10_000),
    frame(HEADERS, END_HEADERS | END_STREAM, 1, plainField('x-checksum', 'none')),
    frame(HEADERS, END_HEADERS, 7, fourth),
    frame(DATA, 0, 7),
    frame(DATA, END_STREAM, 7, short),
    frame(PING, 0, 0, 'the last'),
  ]);
  return { bytes, ids: [1, 3, 7] };
}

test('calls are the same, however the bytes of a connection are cut', async (t) => {
  const { port } = await serveGrpc(t);
  const { bytes, ids } = recordedSession();
  const answersTo = async (cuts: readonly number[]): Promise<unknown> => {
    const client = await RawClient.silent(t, port);
    const places = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b);
    for (const [index, from] of places.slice(0, -1).entries()) {
      client.write(bytes.subarray(from, places[index + 1]));
      // The server reads this piece alone.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const answers = [];
    for (const id of ids) answers.push(await client.answer(id));
    await client.peer.until(() => client.peer.of(PING).length === 1);
    client.peer.socket.destroy();
    assert.deepEqual([client.peer.of(RST_STREAM), client.peer.of(GOAWAY)], [[], []]);
    assert.equal(String(client.peer.of(PING)[0]!.payload), 'the last');
    return answers;
  };
  const expected = await answersTo([]);
  const everywhere = Array.from(bytes, (_, index) => index);
  assert.deepEqual(await answersTo(everywhere), expected);
  const cuts = fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(cuts, async (some) => assert.deepEqual(await answersTo(some), expected)),
    { numRuns: 40 },
  );
});

test('hundreds of streams whose frames are mixed get each its own message', async (t) => {
  const { port } = await serveGrpc(t);
  const client = await RawClient.ready(t, port, { [settingIds.INITIAL_WINDOW_SIZE]: 1 << 20 });
  client.write(numberFrame(WINDOW_UPDATE, 0, 1 << 28));
  let nextId = 1;
  for (let round = 0; round < 3; round++) {
    const ids = Array.from({ length: 100 }, () => {
      nextId += 2;
      return nextId;
    });
    const messages = new Map(ids.map((id) => [id, frameMessage(Buffer.alloc(50 + 37 * (id % 97), `message ${id} `))]));
    for (const id of ids) client.write(begin(id));
    for (let at = 0; at < 3_700; at += 331) {
      for (const id of ids) client.write(frame(DATA, 0, id, messages.get(id)!.subarray(at, at + 331)));
    }
    for (const id of ids) client.write(frame(DATA, END_STREAM, id));
    for (const id of ids) {
      const { body, headers } = await client.answer(id);
      assert.equal(headers['grpc-status'], '0');
      assert.ok(body.equals(messages.get(id)!), `stream ${id}`);
    }
  }
});

test('a call beyond the limit of streams is refused, and may be made again when one has ended', async (t) => {
  const { port, told } = await serveGrpc(t, {}, { maxConcurrentStreams: 3 });
  const client = await RawClient.ready(t, port);
  client.write(begin(1), begin(3), begin(5), begin(7), begin(9));
  assert.equal((await client.answer(7)).reset, errorCodes.REFUSED_STREAM);
  assert.equal((await client.answer(9)).reset, errorCodes.REFUSED_STREAM);
  assert.deepEqual(told, ['stream refused', 'stream refused']);
  client.write(frame(DATA, END_STREAM, 3, frameMessage(hello)));
  assert.deepEqual((await client.answer(3)).body, frameMessage(hello));
  assert.deepEqual((await client.call(11, hello)).body, frameMessage(hello));
});

test('names of digits are names like others, in requests and in trailers', async (t) => {
  const { port } = await serveGrpc(t);
  const client = await RawClient.ready(t, port);
  client.write(frame(HEADERS, END_HEADERS, 1, blockOf({ 'x-1': 'a' })));
  client.write(frame(HEADERS, END_HEADERS, 3, Buffer.concat([blockOf(), plainField('123', 'a'), plainField('7', '')])));
  for (const id of [1, 3]) {
    client.write(frame(DATA, 0, id, frameMessage(hello)));
    client.write(frame(HEADERS, END_HEADERS | END_STREAM, id, plainField('42', 'a')));
    assert.deepEqual((await client.answer(id)).body, frameMessage(hello));
  }
  client.write(begin(5));
  const trailers = Buffer.concat([plainField(':path', '/'), plainField('42', 'a')]);
  client.write(frame(HEADERS, END_HEADERS | END_STREAM, 5, trailers));
  assert.equal((await client.answer(5)).reset, PROTOCOL_ERROR);
});

const harmless: readonly { name: string; bytes: readonly Uint8Array[] }[] = [
  {
    name: 'settings and flags that nobody knows',
    bytes: [frame(SETTINGS, 0xfe, 0, Buffer.from('f00d000000ff', 'hex'))],
  },
  { name: 'settings without a setting', bytes: [settingsFrame({})] },
  {
    name: 'the smallest and the largest values of settings',
    bytes: [
      settingsFrame({ 1: 0, 2: 0, 3: 0, 5: 16_384, 6: 0 }),
      settingsFrame({ 1: 2 ** 32 - 1, 2: 1, 4: 2 ** 31 - 1, 5: 2 ** 24 - 1 }),
    ],
  },
  { name: 'frames of unknown types, on any stream', bytes: [frame(0x42, 0xff, 0, 'a'), frame(0xff, 4, 2 ** 31 - 1)] },
  {
    name: 'a priority of streams idle, open and even',
    bytes: [1, 2, 99].map((id) => frame(PRIORITY, 0, id, Buffer.alloc(5))),
  },
  {
    name: 'a reserved bit that is set',
    bytes: [frame(PING, 0, 2 ** 31, '12345678'), numberFrame(WINDOW_UPDATE, 0, 2 ** 31 + 5)],
  },
  { name: 'flags that its frames do not have', bytes: [frame(PING, 0xfe, 0, '12345678')] },
  { name: 'an answer to a ping that nobody sent', bytes: [frame(PING, ACK, 0, '12345678')] },
  {
    name: 'a window and a reset behind the end of a call',
    bytes: [
      whole(3),
      numberFrame(WINDOW_UPDATE, 3, 5),
      numberFrame(RST_STREAM, 3, errorCodes.CANCEL),
      numberFrame(WINDOW_UPDATE, 3, 5),
    ],
  },
  { name: 'a call taken back before its message', bytes: [begin(3), numberFrame(RST_STREAM, 3, errorCodes.CANCEL)] },
  { name: 'streams whose numbers leave gaps', bytes: [whole(77), whole(901)] },
  {
    name: 'padding of all sizes',
    bytes: [
      begin(3),
      frame(DATA, PADDED, 3, Buffer.of(0)),
      frame(DATA, PADDED, 3, Buffer.alloc(256, 255)),
      frame(DATA, END_STREAM, 3),
    ],
  },
  { name: 'settings while a call is open', bytes: [begin(3), settingsFrame({ 4: 0 }), settingsFrame({ 4: 65_535 })] },
];

for (const { name, bytes } of harmless) {
  test(`a client may send ${name}`, async (t) => {
    const { port, told } = await serveGrpc(t);
    const client = await RawClient.ready(t, port);
    client.write(...bytes);
    const { body, headers } = await client.call(1_001, hello);
    assert.deepEqual([body, headers['grpc-status'], told], [frameMessage(hello), '0', []]);
    assert.equal(client.peer.of(GOAWAY).length, 0);
  });
}

/** What ends one stream; the call beside it is answered. Sections are those of RFC 9113. */
const streamFaults: readonly { name: string; bytes: readonly Uint8Array[]; code: number }[] = [
  { name: 'data behind its end (5.1)', bytes: [hold(3), frame(DATA, 0, 3, 'a')], code: STREAM_CLOSED },
  { name: 'headers behind its end (5.1)', bytes: [hold(3), begin(3, END_STREAM)], code: STREAM_CLOSED },
  {
    name: 'a window wider by nothing (6.9)',
    bytes: [begin(3), numberFrame(WINDOW_UPDATE, 3, 0)],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'a window beyond 2^31-1 (6.9.1)',
    bytes: [begin(3), numberFrame(WINDOW_UPDATE, 3, 2 ** 31 - 1)],
    code: FLOW_CONTROL_ERROR,
  },
  { name: 'trailers that do not end it (8.1)', bytes: [begin(3), begin(3)], code: PROTOCOL_ERROR },
  ...[
    ['without its method', { ':method': '' }],
    ['with a name in upper case', { 'X-Team': 'a' }],
    ['with an unknown pseudo-header', { ':team': 'a' }],
    ['with a header of a response', { ':status': '200' }],
    ['with a header of its connection', { connection: 'keep-alive' }],
    ['with transfer-encoding', { 'transfer-encoding': 'chunked' }],
    ['with other codings than trailers', { te: 'trailers, deflate' }],
    ['with an end of line in a value', { 'x-team': 'a\nb' }],
    ['with a length that is no number', { 'content-length': '-1' }],
  ].map(([what, more]) => ({
    name: `headers ${what} (8.2, 8.3)`,
    bytes: [frame(HEADERS, END_HEADERS, 3, blockOf(more as Record<string, string>))],
    code: PROTOCOL_ERROR,
  })),
  {
    name: 'less than its length (8.1.1)',
    bytes: [frame(HEADERS, END_HEADERS, 3, blockOf({ 'content-length': '3' })), frame(DATA, END_STREAM, 3, 'ab')],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'more than its length (8.1.1)',
    bytes: [frame(HEADERS, END_HEADERS, 3, blockOf({ 'content-length': '3' })), frame(DATA, 0, 3, 'abcd')],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'nothing in place of its length (8.1.1)',
    bytes: [frame(HEADERS, END_HEADERS | END_STREAM, 3, blockOf({ 'content-length': '3' }))],
    code: PROTOCOL_ERROR,
  },
];

for (const { name, bytes, code } of streamFaults) {
  test(`a stream with ${name} is reset, and the others of its connection go on`, async (t) => {
    const Hold: Method = () => ({
      onMessage: () => undefined,
      onHalfClose: () => undefined,
      onCancel: () => undefined,
    });
    const { port } = await serveGrpc(t, { Hold });
    const client = await RawClient.ready(t, port);
    client.write(begin(1), ...bytes);
    assert.equal((await client.answer(3)).reset, code);
    client.write(frame(DATA, END_STREAM, 1, frameMessage(hello)));
    assert.deepEqual((await client.answer(1)).body, frameMessage(hello));
    assert.deepEqual((await client.call(5, hello)).body, frameMessage(hello));
  });
}

/** What ends a connection; those of other clients go on. */
const connectionFaults: readonly { name: string; bytes: readonly Uint8Array[]; code: number }[] = [
  {
    name: 'a frame beyond 16,384 bytes (4.2)',
    bytes: [begin(1), Buffer.from('004001000000000001', 'hex')],
    code: FRAME_SIZE_ERROR,
  },
  {
    name: 'a frame of an unknown type of such a size (4.2)',
    bytes: [Buffer.from('ffffff770000000001', 'hex')],
    code: FRAME_SIZE_ERROR,
  },
  { name: 'a stream of an even number (5.1.1)', bytes: [begin(2)], code: PROTOCOL_ERROR },
  { name: 'a stream with a lower number than the last (5.1.1)', bytes: [begin(5), begin(3)], code: PROTOCOL_ERROR },
  {
    name: 'data of a stream that it has reset (5.1)',
    bytes: [begin(1), numberFrame(RST_STREAM, 1, 8), frame(DATA, 0, 1, 'a')],
    code: STREAM_CLOSED,
  },
  { name: 'data of an idle stream (5.1)', bytes: [frame(DATA, 0, 9, 'a')], code: PROTOCOL_ERROR },
  { name: 'a reset of an idle stream (5.1)', bytes: [numberFrame(RST_STREAM, 9, 8)], code: PROTOCOL_ERROR },
  { name: 'a window of an idle stream (5.1)', bytes: [numberFrame(WINDOW_UPDATE, 9, 8)], code: PROTOCOL_ERROR },
  { name: 'data of the connection (6.1)', bytes: [frame(DATA, 0, 0, 'a')], code: PROTOCOL_ERROR },
  {
    name: 'data with more padding than bytes (6.1)',
    bytes: [begin(1), frame(DATA, PADDED, 1, Buffer.of(5, 0, 0, 0, 0))],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'headers with more padding than bytes (6.2)',
    bytes: [frame(HEADERS, PADDED | END_HEADERS, 1, Buffer.of(2, 0x82))],
    code: PROTOCOL_ERROR,
  },
  { name: 'a reset of another size (6.4)', bytes: [begin(1), frame(RST_STREAM, 0, 1, 'abc')], code: FRAME_SIZE_ERROR },
  { name: 'settings of another size (6.5)', bytes: [frame(SETTINGS, 0, 0, 'abcdefg')], code: FRAME_SIZE_ERROR },
  {
    name: 'an answer to settings that has settings (6.5)',
    bytes: [frame(SETTINGS, ACK, 0, 'abcdef')],
    code: FRAME_SIZE_ERROR,
  },
  { name: 'settings of a stream (6.5)', bytes: [begin(1), frame(SETTINGS, 0, 1)], code: PROTOCOL_ERROR },
  { name: 'a push that is neither off nor on (6.5.2)', bytes: [settingsFrame({ 2: 2 })], code: PROTOCOL_ERROR },
  { name: 'a first window beyond 2^31-1 (6.5.2)', bytes: [settingsFrame({ 4: 2 ** 31 })], code: FLOW_CONTROL_ERROR },
  { name: 'frames below 16,384 bytes (6.5.2)', bytes: [settingsFrame({ 5: 16_383 })], code: PROTOCOL_ERROR },
  { name: 'frames beyond 16,777,215 bytes (6.5.2)', bytes: [settingsFrame({ 5: 2 ** 24 })], code: PROTOCOL_ERROR },
  { name: 'a push (6.6)', bytes: [begin(1), frame(PUSH_PROMISE, END_HEADERS, 1, '\0\0\0\x02')], code: PROTOCOL_ERROR },
  { name: 'a ping of another size (6.7)', bytes: [frame(PING, 0, 0, '1234567')], code: FRAME_SIZE_ERROR },
  { name: 'a ping of a stream (6.7)', bytes: [begin(1), frame(PING, 0, 1, '12345678')], code: PROTOCOL_ERROR },
  {
    name: 'an end of the connection in a stream (6.8)',
    bytes: [begin(1), frame(GOAWAY, 0, 1, Buffer.alloc(8))],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'a window of another size (6.9)',
    bytes: [begin(1), frame(WINDOW_UPDATE, 0, 1, 'abc')],
    code: FRAME_SIZE_ERROR,
  },
  { name: 'its window wider by nothing (6.9)', bytes: [numberFrame(WINDOW_UPDATE, 0, 0)], code: PROTOCOL_ERROR },
  {
    name: 'its window beyond 2^31-1 (6.9.1)',
    bytes: [numberFrame(WINDOW_UPDATE, 0, 2 ** 31 - 1)],
    code: FLOW_CONTROL_ERROR,
  },
  {
    name: 'a first window that widens another beyond that (6.9.2)',
    bytes: [begin(1), numberFrame(WINDOW_UPDATE, 1, 1_000), settingsFrame({ 4: 2 ** 31 - 1 })],
    code: FLOW_CONTROL_ERROR,
  },
  {
    name: 'headers that go on without a beginning (6.10)',
    bytes: [frame(CONTINUATION, END_HEADERS, 1, blockOf())],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'headers that go on in another stream (6.10)',
    bytes: [frame(HEADERS, 0, 1, blockOf()), frame(CONTINUATION, END_HEADERS, 3)],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'a frame amid headers (6.10)',
    bytes: [frame(HEADERS, 0, 1, blockOf()), frame(PING, 0, 0, '12345678')],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'an unknown frame amid headers (5.5)',
    bytes: [frame(HEADERS, 0, 1, blockOf()), frame(0x77, 0, 1)],
    code: PROTOCOL_ERROR,
  },
  {
    name: 'headers that cannot be read (4.3)',
    bytes: [frame(HEADERS, END_HEADERS, 1, Buffer.of(0x40))],
    code: COMPRESSION_ERROR,
  },
];

for (const { name, bytes, code } of connectionFaults) {
  test(`a client with ${name} is told so and left, and others go on`, async (t) => {
    const { port, told } = await serveGrpc(t);
    const other = await RawClient.ready(t, port);
    const client = await RawClient.ready(t, port);
    client.write(...bytes);
    assert.equal(await client.ended(), code);
    await client.closed();
    assert.deepEqual([(await other.call(1, hello)).body, told], [frameMessage(hello), []]);
  });
}

for (const { name, bytes } of [
  { name: 'another preface', bytes: [Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')] },
  {
    name: 'a request of HTTP/1.1',
    bytes: [Buffer.from('POST /test.Service/Echo HTTP/1.1\r\nhost: localhost\r\n\r\n')],
  },
  { name: 'a handshake of TLS', bytes: [Buffer.from('160301020001000001fc0303', 'hex')] },
  { name: 'another frame than settings first', bytes: [preface, whole(1)] },
]) {
  test(`a client that begins with ${name} is left, and others go on`, async (t) => {
    const { port } = await serveGrpc(t);
    const client = await RawClient.silent(t, port);
    client.write(...bytes);
    await client.closed();
    assert.equal(client.peer.of(HEADERS).length, 0);
    const other = await RawClient.ready(t, port);
    assert.deepEqual((await other.call(1, hello)).body, frameMessage(hello));
  });
}
