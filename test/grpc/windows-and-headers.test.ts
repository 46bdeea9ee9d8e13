import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { errorCodes, flags, frameOf, frameTypes, numberFrame, settingIds } from '../../src/grpc/http2/frames.ts';
import { frameMessage } from '../../src/grpc/message-reader.ts';
import type { Method, ServerCall } from '../../src/grpc/server-call.ts';
import { settingsFrame } from './http2/raw-peer.ts';
import { echoRequest, RawClient } from './raw-client.ts';
import { serveGrpc } from './serve-grpc.ts';

const { DATA, HEADERS, GOAWAY, WINDOW_UPDATE, RST_STREAM, PING } = frameTypes;
const { END_STREAM, END_HEADERS, ACK } = flags;

const frame = (type: number, own: number, id: number, payload: Uint8Array): Buffer =>
  frameOf({ type, flags: own, streamId: id }, payload);
const window = (value: number): Buffer => settingsFrame({ [settingIds.INITIAL_WINDOW_SIZE]: value });
const widen = (id: number, bytes: number): Buffer => numberFrame(WINDOW_UPDATE, id, bytes);

test('a response keeps to a window that settings make smaller than nothing, and wider', async (t) => {
  const { port } = await serveGrpc(t);
  const client = await RawClient.ready(t, port, { [settingIds.INITIAL_WINDOW_SIZE]: 10 });
  const answered = client.call(1, Buffer.alloc(25, 'a'));
  const bodyBytes = async (...frames: Uint8Array[]): Promise<number> => {
    client.write(...frames);
    await client.peer.settled();
    return client.peer.body(1).length;
  };
  assert.equal(await bodyBytes(), 10);
  assert.equal(await bodyBytes(window(3)), 10);
  // The window is -7.
  assert.equal(await bodyBytes(widen(1, 7)), 10);
  assert.equal(await bodyBytes(widen(1, 1)), 11);
  assert.equal(await bodyBytes(window(0), window(5)), 13);
  // Of several values the last counts.
  const values = Buffer.concat([window(100).subarray(9), window(6).subarray(9)]);
  assert.equal(await bodyBytes(frame(frameTypes.SETTINGS, 0, 0, values)), 14);
  assert.equal(await bodyBytes(window(0)), 14);
  assert.equal(await bodyBytes(widen(1, 5), widen(1, 2 ** 31 - 1)), 30);
  assert.deepEqual((await answered).body, frameMessage(Buffer.alloc(25, 'a')));
});

test('a status without a message needs no window', async (t) => {
  const { port } = await serveGrpc(t);
  const client = await RawClient.ready(t, port, { [settingIds.INITIAL_WINDOW_SIZE]: 0 });
  client.peer.sendHeaders(1, { ...echoRequest, ':path': '/test.Service/None' }, true);
  assert.equal((await client.answer(1)).headers['grpc-status'], '12');
});

test('responses share the window of the connection, and frames are as large as the client takes', async (t) => {
  const { port } = await serveGrpc(t);
  const wide = { [settingIds.INITIAL_WINDOW_SIZE]: 2 ** 31 - 1 };
  const client = await RawClient.ready(t, port, { ...wide, [settingIds.MAX_FRAME_SIZE]: 20_000 });
  const message = Buffer.alloc(100_000, 'shared');
  const answers = [1, 3].map((id) => {
    client.peer.sendHeaders(id, echoRequest);
    const body = frameMessage(message);
    for (let at = 0; at < body.length; at += 16_384) {
      client.write(frame(DATA, 0, id, body.subarray(at, at + 16_384)));
    }
    client.write(frame(DATA, END_STREAM, id, Buffer.alloc(0)));
    return client.answer(id);
  });
  const sentBytes = (): number => client.peer.of(DATA).reduce((sum, { payload }) => sum + payload.length, 0);
  await client.peer.until(() => sentBytes() >= 65_535);
  await client.peer.settled();
  assert.equal(sentBytes(), 65_535);
  for (let seen = 65_535; seen < 200_010; seen += 26_895) {
    client.write(widen(0, 26_895));
    await client.peer.until(() => sentBytes() >= Math.min(200_010, seen + 26_895));
    await client.peer.settled();
    assert.equal(sentBytes(), Math.min(200_010, seen + 26_895));
  }
  for (const answer of answers) assert.ok((await answer).body.equals(frameMessage(message)));
  const largest = Math.max(...client.peer.of(DATA).map(({ payload }) => payload.length));
  assert.ok(largest > 16_384 && largest <= 20_000, `${largest} bytes`);
});

test('a call that is paused takes its window and no more, and all of it when it goes on', async (t) => {
  const got: Buffer[] = [];
  let paused: ServerCall | undefined;
  const Pause: Method = (call) => {
    call.pause();
    paused = call;
    return {
      onMessage: (message) => got.push(Buffer.from(message)),
      onHalfClose: () => call.end(),
      onCancel: () => undefined,
    };
  };
  const { port } = await serveGrpc(t, { Pause }, { windowBytes: 100_000 });
  const client = await RawClient.ready(t, port);
  const path = { ...echoRequest, ':path': '/test.Service/Pause' };
  client.peer.sendHeaders(1, path);
  const body = Buffer.concat(Array.from({ length: 100 }, (_, index) => frameMessage(Buffer.alloc(995, index))));
  for (let at = 0; at < body.length; at += 12_500) client.write(frame(DATA, 0, 1, body.subarray(at, at + 12_500)));
  await client.peer.settled();
  assert.deepEqual([got.length, client.peer.widened(1)], [0, 0]);
  // Others have room.
  assert.equal((await client.call(3, Buffer.alloc(10_000))).headers['grpc-status'], '0');
  paused!.resume();
  await client.peer.until(() => client.peer.widened(1) >= 50_000);
  client.write(frame(DATA, END_STREAM, 1, frameMessage(Buffer.from('the last'))));
  assert.equal((await client.answer(1)).headers['grpc-status'], '0');
  assert.deepEqual(
    got.map((message) => message[0]),
    [...Array(100).keys(), 't'.charCodeAt(0)],
  );
  client.peer.sendHeaders(5, path);
  for (let sent = 0; sent < 100_000; sent += 12_500) client.write(frame(DATA, 0, 5, Buffer.alloc(12_500)));
  client.write(frame(DATA, 0, 5, Buffer.alloc(1)));
  assert.equal((await client.answer(5)).reset, errorCodes.FLOW_CONTROL_ERROR);
});

test('padding takes room of windows, which comes back', async (t) => {
  const { port } = await serveGrpc(t, {}, { windowBytes: 100_000 });
  const client = await RawClient.ready(t, port);
  const before = client.peer.widened(0);
  client.peer.sendHeaders(1, echoRequest);
  const padded = frame(DATA, flags.PADDED, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(255)]));
  for (let round = 0; round < 10; round++) {
    client.write(...Array<Buffer>(100).fill(padded));
    await client.peer.settled();
  }
  for (const widened of [client.peer.widened(0) - before, client.peer.widened(1)]) {
    assert.ok(widened > 256_000 - 50_000 && widened <= 256_000, `${widened} bytes`);
  }
  client.write(frame(DATA, END_STREAM, 1, frameMessage(Buffer.from('a'))));
  assert.equal((await client.answer(1)).headers['grpc-status'], '0');
});

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** Fields that the table of HPACK has from the start, but for path and type. */
const known = hex('83 86 41 01 61');
const typed = Buffer.concat([hex('5f 10'), Buffer.from('application/grpc')]);
const path = Buffer.concat([hex('04 12'), Buffer.from('/test.Service/Echo')]);
const base = Buffer.concat([known, path]);

for (const { name, blocks } of [
  {
    name: 'fields of the table',
    blocks: [Buffer.concat([base, typed]), Buffer.concat([hex('83 86 bf'), path, hex('be')])],
  },
  {
    name: 'a table made empty and large again',
    blocks: [
      Buffer.concat([base, typed]),
      Buffer.concat([hex('20 3f e1 1f'), base, typed]),
      Buffer.concat([hex('83 86 bf'), path, hex('be')]),
    ],
  },
  {
    name: 'a table with room for one field',
    blocks: [Buffer.concat([hex('3f 22'), base, typed]), Buffer.concat([hex('83 86'), path, hex('be')])],
  },
  {
    name: 'a field larger than the table, which empties it',
    blocks: [
      Buffer.concat([hex('3f 22'), base, typed, hex('40 01 62 7f 00'), Buffer.alloc(127, 'b')]),
      Buffer.concat([base, typed]),
    ],
  },
  {
    name: 'fields never to be kept',
    blocks: [Buffer.concat([base, hex('1f 10 10'), Buffer.from('application/grpc')])],
  },
  {
    name: 'numbers with more bytes than they need',
    blocks: [Buffer.concat([base, hex('5f 10'), Buffer.from('application/grpc'), hex('0f 80 80 00 00')])],
  },
]) {
  test(`headers may have ${name}`, async (t) => {
    const { port } = await serveGrpc(t);
    const client = await RawClient.ready(t, port);
    for (const [index, block] of blocks.entries()) {
      const id = 2 * index + 1;
      client.write(frame(HEADERS, END_HEADERS, id, block));
      client.write(frame(DATA, END_STREAM, id, frameMessage(Buffer.from(name))));
      assert.equal(String((await client.answer(id)).body.subarray(5)), name);
    }
  });
}

for (const { name, blocks } of [
  { name: 'an index of zero', blocks: [hex('80')] },
  { name: 'an index behind the table', blocks: [hex('be')] },
  { name: 'an index of a field that has gone', blocks: [Buffer.concat([base, typed]), hex('20 be')] },
  {
    name: 'a field that its table has no room for, again',
    blocks: [Buffer.concat([hex('3e'), base, typed]), hex('be')],
  },
  { name: 'a table beyond what was allowed', blocks: [hex('3f e2 1f')] },
  { name: 'a size of the table behind a field', blocks: [hex('83 20')] },
  { name: 'a number that never ends', blocks: [hex('ff 80 80 80 80 80 80 80 80 80 80 01')] },
  { name: 'a number of more than 32 bits', blocks: [hex('ff ff ff ff ff ff 7f')] },
  { name: 'a number that is cut off', blocks: [hex('ff 80')] },
  { name: 'a name that is cut off', blocks: [hex('40 05 61')] },
  { name: 'a value that is cut off', blocks: [hex('40 01 61 05 61')] },
  { name: 'a value that is missing', blocks: [hex('40 01 61')] },
  { name: 'a Huffman code with padding of zeros', blocks: [hex('40 01 61 81 18')] },
  { name: 'a Huffman code with padding of a byte', blocks: [hex('40 01 61 82 1f ff')] },
  { name: 'a Huffman code with its end inside', blocks: [hex('40 01 61 84 ff ff ff ff')] },
]) {
  test(`a client whose headers have ${name} is told so and left`, async (t) => {
    const { port } = await serveGrpc(t);
    const client = await RawClient.ready(t, port);
    for (const [index, block] of blocks.entries()) client.write(frame(HEADERS, END_HEADERS, 2 * index + 1, block));
    assert.equal(await client.ended(), errorCodes.COMPRESSION_ERROR);
    assert.equal(client.peer.of(DATA).length, 0);
  });
}

test('headers as large as the server says are read, larger ones cost their stream alone', async (t) => {
  const { port } = await serveGrpc(t);
  const client = await RawClient.ready(t, port);
  const settings = client.peer.of(frameTypes.SETTINGS)[0]!.payload;
  const limits = new Map<number, number>();
  for (let at = 0; at < settings.length; at += 6) limits.set(settings.readUInt16BE(at), settings.readUInt32BE(at + 2));
  const most = limits.get(settingIds.MAX_HEADER_LIST_SIZE)!;
  const sizeOf = (headers: object): number =>
    Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + String(value).length + 32, 0);
  const sendWith = (id: number, valueBytes: number): void => {
    const block = client.peer.blockOf({ ...echoRequest, 'x-long': 'a'.repeat(valueBytes) });
    for (let at = 0; at < block.length; at += 16_384) {
      const part = block.subarray(at, at + 16_384);
      const own = at + part.length === block.length ? END_HEADERS : 0;
      client.write(frame(at === 0 ? HEADERS : frameTypes.CONTINUATION, own, id, part));
    }
  };
  const room = most - sizeOf({ ...echoRequest, 'x-long': '' });
  sendWith(1, room);
  sendWith(3, room + 1);
  assert.equal((await client.answer(3)).reset, errorCodes.ENHANCE_YOUR_CALM);
  client.write(frame(DATA, END_STREAM, 1, frameMessage(Buffer.from('a'))));
  assert.equal((await client.answer(1)).headers['grpc-status'], '0');
});

test('a client that leaves gets the answers of its calls, and then the end', async (t) => {
  const { port } = await serveGrpc(t);
  const client = await RawClient.ready(t, port);
  client.peer.sendHeaders(1, echoRequest);
  client.peer.send(GOAWAY, 0, 0, Buffer.alloc(8));
  await client.peer.settled();
  client.write(frame(DATA, END_STREAM, 1, frameMessage(Buffer.from('a'))));
  assert.equal((await client.answer(1)).headers['grpc-status'], '0');
  await client.closed();
});

test('a server that closes lets calls end, those on their way too, and says which it has taken', async (t) => {
  const { port, server } = await serveGrpc(t);
  const client = await RawClient.ready(t, port);
  client.peer.sendHeaders(1, echoRequest);
  await client.peer.settled();
  const closed = server.close(new AbortController().signal);
  await client.peer.until(() => client.peer.of(GOAWAY).length === 1);
  // This one is sent by a client that does not know yet.
  const second = client.call(3, Buffer.from('on its way'));
  assert.equal(String((await second).body.subarray(5)), 'on its way');
  const ping = client.peer.of(PING).find(({ flags: own }) => own === 0)!;
  client.peer.send(PING, ACK, 0, ping.payload);
  await client.peer.until(() => client.peer.of(GOAWAY).length === 2);
  client.peer.sendHeaders(5, echoRequest, true);
  client.write(frame(DATA, END_STREAM, 1, frameMessage(Buffer.from('open'))));
  assert.equal(String((await client.answer(1)).body.subarray(5)), 'open');
  assert.equal(await closed, true);
  await client.closed();
  assert.deepEqual(
    client.peer.of(GOAWAY).map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]),
    [
      [2 ** 31 - 1, 0],
      [3, 0],
      [3, 0],
    ],
  );
  assert.deepEqual([...client.peer.of(HEADERS, 5), ...client.peer.of(RST_STREAM)], []);
});

test('a connection that says nothing, or stalls amid its first frame, is closed after its time', async (t) => {
  const { port, clock } = await serveGrpc(t);
  const clients = await Promise.all(
    [0, 10, 24, 30].map(async (sizeBytes) => {
      const client = await RawClient.silent(t, port);
      if (sizeBytes > 0)
        client.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0').subarray(0, sizeBytes));
      return client;
    }),
  );
  const good = await RawClient.ready(t, port);
  await clock.advance(119_999);
  await good.peer.settled();
  assert.ok(clients.every(({ peer }) => !peer.socket.closed));
  await clock.advance(1);
  await Promise.all(clients.map((client) => client.closed()));
  assert.equal((await good.call(1, Buffer.from('a'))).headers['grpc-status'], '0');
  good.peer.socket.end();
  await once(good.peer.socket, 'close');
});
