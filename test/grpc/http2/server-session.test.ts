import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { TestContext } from 'node:test';
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
} from '../../../src/grpc/http2/frames.ts';
import type { Headers } from '../../../src/grpc/http2/header-codec.ts';
import { withLentReads } from '../../../src/grpc/http2/reused-reads.ts';
import { ServerSession } from '../../../src/grpc/http2/server-session.ts';
import type { RequestReader, ServerStream } from '../../../src/grpc/http2/server-stream.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { overwriteReads } from './lent-reads.ts';
import type { Settings } from './raw-peer.ts';
import { RawPeer, settingsFrame } from './raw-peer.ts';

const { DATA, HEADERS, CONTINUATION, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE } =
  frameTypes;
const { END_STREAM, END_HEADERS, PADDED, ACK } = flags;
const request = { ':method': 'POST', ':scheme': 'http', ':path': '/a', 'content-type': 'application/grpc' };
const windowBytes = 100_000;

/** A request that keeps what it gets. */
class Request implements RequestReader {
  readonly stream: ServerStream;
  readonly pieces: Buffer[] = [];
  readonly notes: string[] = [];

  constructor(stream: ServerStream) {
    this.stream = stream;
    stream.reader = this;
  }

  onData(piece: Buffer): void {
    this.pieces.push(Buffer.from(piece));
  }

  onEnd(): void {
    this.notes.push('end');
  }

  onClose(): void {
    this.notes.push('close');
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

interface Served {
  /** The client. */
  readonly peer: RawPeer;
  /** The server's. */
  readonly socket: Socket;
  readonly session: ServerSession;
  readonly clock: FakeClock;
  readonly requests: Request[];
  readonly events: string[];
}

/** A session that takes requests, and a client that has said nothing yet. */
async function serveRaw(t: TestContext, isResumed = true, onRequest?: (request: Request) => void): Promise<Served> {
  const clock = new FakeClock();
  const requests: Request[] = [];
  const events: string[] = [];
  const server = createServer({ pauseOnConnect: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const served = withLentReads(((await accepted) as [Socket])[0]);
  const session = new ServerSession(
    served,
    { windowBytes, maxConcurrentStreams: 5, clock },
    {
      onStream: (stream) => {
        requests.push(new Request(stream));
        if (isResumed) stream.resume();
        onRequest?.(requests.at(-1)!);
      },
      onStreamRefused: () => events.push('stream refused'),
      onSettings: () => events.push('settings'),
      onPieces: () => undefined,
      onFlood: () => events.push('flood'),
      onClose: () => events.push('close'),
    },
  );
  t.after(() => {
    session.destroy();
    socket.destroy();
    server.close();
  });
  return { peer: new RawPeer(socket, 'server'), socket: served, session, clock, requests, events };
}

async function ready(
  t: TestContext,
  settings: Settings = {},
  isResumed = true,
  onRequest?: (request: Request) => void,
): Promise<Served> {
  const served = await serveRaw(t, isResumed, onRequest);
  const { peer } = served;
  await peer.begin(settings);
  return served;
}

/** Resolves when both sides have closed the connection. */
async function closed({ peer, events }: Served): Promise<void> {
  if (!peer.socket.closed) await once(peer.socket, 'close');
  while (!events.includes('close')) await new Promise((resolve) => setImmediate(resolve));
}

function codeOf(payload: Buffer, at = 0): number {
  return payload.readUInt32BE(at);
}

async function goaway({ peer }: Served): Promise<number> {
  await peer.until(() => peer.of(GOAWAY).length > 0);
  return codeOf(peer.of(GOAWAY).at(-1)!.payload, 4);
}

async function resetOf({ peer }: Served, id: number): Promise<number> {
  await peer.until(() => peer.of(RST_STREAM, id).length > 0);
  return codeOf(peer.of(RST_STREAM, id)[0]!.payload);
}

const frame = (type: number, own: number, id: number, payload: string | Uint8Array = ''): Buffer =>
  frameOf({ type, flags: own, streamId: id }, Buffer.from(payload));

test('a session says its settings and its window first, and answers settings and pings', async (t) => {
  const served = await ready(t);
  await served.peer.settled();
  const { peer, events } = served;
  const [settings, window] = peer.frames;
  assert.equal(settings!.payload.toString('hex'), '000300000005' + '0004000186a0' + '000600010000');
  assert.deepEqual([window!.id, codeOf(window!.payload)], [0, windowBytes - 65_535]);
  assert.deepEqual(
    peer.frames.slice(2).map(({ type, flags: own }) => [type, own]),
    [
      [SETTINGS, ACK],
      [PING, ACK],
    ],
  );
  assert.deepEqual(events, ['settings']);
});

test('a request comes in any cut, with padding, a priority, continuations and trailers', async (t) => {
  const served = await serveRaw(t);
  const { peer, requests } = served;
  const block = peer.blockOf(request);
  const head = Buffer.concat([Buffer.of(2), Buffer.alloc(5), block.subarray(0, 3), Buffer.alloc(2)]);
  const bytes = Buffer.concat([
    preface,
    settingsFrame({}),
    frame(HEADERS, PADDED | flags.PRIORITY, 1, head),
    frame(CONTINUATION, 0, 1, block.subarray(3, 5)),
    frame(CONTINUATION, END_HEADERS, 1, block.subarray(5)),
    frame(77, 0, 99, '?'),
    frame(PRIORITY, 0, 9, Buffer.alloc(5)),
    frame(DATA, PADDED, 1, '\x03hello\0\0\0'),
    frame(DATA, 0, 1, ' world'),
    frame(HEADERS, END_HEADERS | END_STREAM, 1, peer.blockOf({ 'x-checksum': '1' })),
  ]);
  for (const byte of bytes) peer.socket.write(Buffer.of(byte));
  await peer.until(() => peer.of(SETTINGS).length === 2);
  await served.peer.settled();
  const [{ stream, body, notes }] = requests as [Request];
  assert.deepEqual([{ ...stream.headers }, String(body), notes], [request, 'hello world', ['end']]);
});

test('a response has headers, messages and trailers, and those of one turn are one write', async (t) => {
  const served = await ready(t);
  const { peer, requests } = served;
  peer.sendHeaders(1, request, true);
  await served.peer.settled();
  const writes: number[] = [];
  peer.socket.on('data', (piece: Buffer) => writes.push(piece.length));
  const [{ stream, notes }] = requests as [Request];
  const sent: string[] = [];
  stream.respond({ ':status': '200' });
  stream.write(Buffer.from('abc'), () => sent.push('abc'));
  stream.write(Buffer.from('def'), () => sent.push('def'));
  stream.end({ 'grpc-status': '0' });
  assert.deepEqual(notes, ['end', 'close']);
  await peer.until(() => peer.of(HEADERS, 1).length === 2);
  assert.deepEqual([String(peer.body(1)), sent, writes.length], ['abcdef', ['abc', 'def'], 1]);
  assert.deepEqual(
    peer.of(HEADERS, 1).map(({ flags: own }) => own),
    [END_HEADERS, END_HEADERS | END_STREAM],
  );
  assert.deepEqual(peer.of(RST_STREAM), []);
});

test('a response waits for windows, and what is called for it, too', async (t) => {
  const served = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 4 });
  const { peer, requests } = served;
  peer.sendHeaders(1, request, true);
  await served.peer.settled();
  const [{ stream, notes }] = requests as [Request];
  const sent: string[] = [];
  stream.respond({ ':status': '200' });
  stream.write(Buffer.from('abc'), () => sent.push('abc'));
  stream.write(Buffer.from('def'), () => sent.push('def'));
  stream.end({ 'grpc-status': '0' });
  await served.peer.settled();
  assert.deepEqual([String(peer.body(1)), sent, notes], ['abcd', ['abc'], ['end']]);
  peer.socket.write(numberFrame(WINDOW_UPDATE, 1, 2));
  await peer.until(() => peer.of(HEADERS, 1).length === 2);
  assert.deepEqual([String(peer.body(1)), sent, notes], ['abcdef', ['abc', 'def'], ['end', 'close']]);
});

for (const isHeadersAlone of [true, false]) {
  test(`a response that is whole before its request resets the rest without an error${isHeadersAlone ? ', headers alone, too' : ''}`, async (t) => {
    const served = await ready(t);
    const { peer, requests } = served;
    peer.sendHeaders(1, request);
    await served.peer.settled();
    const { stream } = requests[0]!;
    if (isHeadersAlone) stream.respond({ ':status': '200', 'grpc-status': '8' }, true);
    else {
      stream.respond({ ':status': '200' });
      stream.end({ 'grpc-status': '8' });
    }
    assert.equal(await resetOf(served, 1), errorCodes.NO_ERROR);
    assert.equal(peer.of(HEADERS, 1).at(-1)!.flags, END_HEADERS | END_STREAM);
    // The rest is on its way, and nobody's fault.
    peer.send(DATA, 0, 1, Buffer.alloc(10_000));
    peer.send(DATA, END_STREAM, 1, Buffer.alloc(10_000));
    await served.peer.settled();
    assert.equal(peer.of(RST_STREAM).length, 1);
  });
}

test('the windows of stream and connection are widened as a request is read', async (t) => {
  const served = await ready(t);
  const { peer } = served;
  const before = served.peer.widened(0);
  peer.sendHeaders(1, request);
  for (let sent = 0; sent < 3; sent++) peer.send(DATA, 0, 1, Buffer.alloc(16_384));
  await served.peer.settled();
  assert.deepEqual([served.peer.widened(0) - before, served.peer.widened(1)], [0, 0]);
  peer.send(DATA, 0, 1, Buffer.alloc(16_384));
  await served.peer.settled();
  assert.deepEqual([served.peer.widened(0) - before, served.peer.widened(1)], [4 * 16_384, 4 * 16_384]);
});

test('a request that nobody reads yet gets no more of its window, and others go on', async (t) => {
  const served = await ready(t, {}, false);
  const { peer, requests } = served;
  const fill = (id: number): void => {
    peer.sendHeaders(id, request);
    for (let sent = 0; sent < 100_000; sent += 10_000) peer.send(DATA, 0, id, Buffer.alloc(10_000, id));
  };
  const before = served.peer.widened(0);
  for (const id of [1, 3, 5]) fill(id);
  await served.peer.settled();
  assert.deepEqual([served.peer.widened(1), served.peer.widened(3)], [0, 0]);
  assert.equal(served.peer.widened(0) - before, 300_000);
  const [first] = requests as [Request];
  first.stream.resume();
  assert.ok(first.body.equals(Buffer.alloc(100_000, 1)));
  await peer.until(() => served.peer.widened(1) === 100_000);
});

test('beyond what may wait, a connection gets no more of its window until something is read', async (t) => {
  const served = await ready(t, {}, false);
  const { peer, requests } = served;
  const before = served.peer.widened(0);
  for (const id of [1, 3, 5, 7, 9]) {
    peer.sendHeaders(id, request);
    for (let sent = 0; sent < 100_000; sent += 10_000) peer.send(DATA, 0, id, Buffer.alloc(10_000));
  }
  await served.peer.settled();
  assert.equal(served.peer.widened(0) - before, 400_000);
  requests[3]!.stream.resume();
  await peer.until(() => served.peer.widened(0) - before === 500_000);
});

test('crumbs of a request that waits take no more memory than their bytes, and keep their order', async (t) => {
  const served = await ready(t, {}, false);
  const { peer, requests } = served;
  peer.sendHeaders(1, request);
  const sent = Buffer.from(Array.from({ length: 9_000 }, (_, index) => index & 0xff));
  for (let at = 0; at < sent.length; at += 3) peer.send(DATA, 0, 1, sent.subarray(at, at + 3));
  peer.send(DATA, END_STREAM, 1);
  await served.peer.settled();
  const [{ stream, pieces, notes }] = requests as [Request];
  assert.deepEqual(notes, []);
  stream.resume();
  assert.ok(Buffer.concat(pieces).equals(sent));
  assert.ok(pieces.length <= 3, `${pieces.length} pieces`);
  assert.deepEqual(notes, ['end']);
});

test('a stream that is paused while it is resumed goes on where it was', async (t) => {
  const served = await ready(t, {}, false);
  const { peer, requests } = served;
  peer.sendHeaders(1, request);
  for (const text of ['a', 'b', 'c']) peer.send(DATA, 0, 1, Buffer.alloc(5_000, text));
  peer.send(DATA, END_STREAM, 1);
  await served.peer.settled();
  const [{ stream, pieces, notes }] = requests as [Request];
  const given: string[] = [];
  stream.reader = {
    onData: (piece) => {
      given.push(piece.toString('latin1', 0, 1));
      stream.pause();
    },
    onEnd: () => given.push('end'),
    onClose: () => undefined,
  };
  for (let round = 0; round < 3; round++) stream.resume();
  assert.deepEqual(given, ['a', 'b', 'c']);
  stream.resume();
  assert.deepEqual([given, pieces, notes], [['a', 'b', 'c', 'end'], [], []]);
});

test('streams that were reset count while their work goes on, and others are refused', async (t) => {
  const served = await ready(t);
  const { peer, requests } = served;
  const works: (() => void)[] = [];
  for (const id of [1, 3, 5, 7, 9]) {
    peer.sendHeaders(id, request);
    await served.peer.settled();
    works.push(requests.at(-1)!.stream.work());
    peer.socket.write(numberFrame(RST_STREAM, id, errorCodes.CANCEL));
  }
  await served.peer.settled();
  assert.ok(requests.every(({ notes }) => notes.includes('close')));
  peer.sendHeaders(11, request);
  assert.equal(await resetOf(served, 11), errorCodes.REFUSED_STREAM);
  works[2]!();
  peer.sendHeaders(13, request);
  await served.peer.settled();
  assert.equal(requests.length, 6);
  assert.deepEqual(peer.of(RST_STREAM, 13), []);
});

test('a session that is closed takes streams on their way, refuses later ones, and ends with the last', async (t) => {
  const served = await ready(t);
  const { peer, session, requests, events } = served;
  peer.sendHeaders(1, request);
  await served.peer.settled();
  session.close();
  await peer.until(() => peer.of(PING).some(({ flags: own }) => own === 0));
  assert.deepEqual([codeOf(peer.of(GOAWAY)[0]!.payload), await goaway(served)], [2 ** 31 - 1, errorCodes.NO_ERROR]);
  peer.sendHeaders(3, request);
  peer.send(PING, ACK, 0, Buffer.alloc(8));
  await peer.until(() => peer.of(GOAWAY).length === 2);
  assert.equal(codeOf(peer.of(GOAWAY)[1]!.payload), 3);
  peer.sendHeaders(5, request);
  peer.send(DATA, 0, 5, Buffer.from('unseen'));
  await served.peer.settled();
  assert.equal(requests.length, 2);
  for (const { stream } of requests) stream.respond({ ':status': '200' }, true);
  await closed(served);
  assert.deepEqual(events, ['settings', 'close']);
});

test('a client that does not close a connection that has ended is left after a time', async (t) => {
  const { peer, session, clock, events } = await ready(t);
  peer.socket.allowHalfOpen = true;
  session.close();
  await peer.until(() => peer.of(GOAWAY).length === 1);
  await clock.advance(999);
  assert.deepEqual(events, ['settings']);
  await clock.advance(1);
  assert.deepEqual(events, ['settings', 'close']);
});

test('a client that leaves ends with its last stream', async (t) => {
  const served = await ready(t);
  const { peer, requests } = served;
  peer.sendHeaders(1, request, true);
  peer.send(GOAWAY, 0, 0, Buffer.alloc(8));
  await served.peer.settled();
  requests[0]!.stream.respond({ ':status': '200' }, true);
  await closed(served);
  assert.equal(peer.of(HEADERS, 1).length, 1);
});

const badRequests: { name: string; headers: Headers | readonly (readonly [string, string])[] }[] = [
  { name: 'without a path', headers: { ':method': 'POST', ':scheme': 'http' } },
  { name: 'without a scheme', headers: { ':method': 'POST', ':path': '/a' } },
  { name: 'without a method', headers: { ':scheme': 'http', ':path': '/a' } },
  { name: 'with an empty path', headers: { ...request, ':path': '' } },
  { name: 'with a path that is none', headers: { ...request, ':path': 'a' } },
  { name: 'with a status', headers: { ...request, ':status': '200' } },
  { name: 'with a header of HTTP/2 that nobody knows', headers: { ':x': '1', ...request } },
  { name: 'with a header of HTTP/2 behind others', headers: [['a', 'b'], ...Object.entries(request)] },
  { name: 'with two paths', headers: [...Object.entries(request).slice(0, 3), [':path', '/b']] },
  { name: 'with a name in upper case', headers: { ...request, 'X-Team': 'a' } },
  { name: 'with a space in a name', headers: { ...request, 'x team': 'a' } },
  { name: 'with a line break in a value', headers: { ...request, x: 'a\r\nb' } },
  { name: 'with a header about its connection', headers: { ...request, connection: 'close' } },
  { name: 'with transfer-encoding', headers: { ...request, 'transfer-encoding': 'chunked' } },
  { name: 'with a te that is not trailers', headers: { ...request, te: 'gzip' } },
  { name: 'with two lengths', headers: [...Object.entries(request), ['content-length', '1'], ['content-length', '2']] },
  { name: 'with a length that is none', headers: { ...request, 'content-length': 'x' } },
];

for (const { name, headers } of badRequests) {
  test(`a request ${name} is reset, and the connection goes on`, async (t) => {
    const served = await ready(t);
    const { peer, requests } = served;
    const entries = Array.isArray(headers) ? headers : Object.entries(headers);
    const block = Buffer.concat(entries.map(([key, value]) => peer.blockOf({ [key]: value })));
    peer.send(HEADERS, END_HEADERS, 1, block);
    assert.equal(await resetOf(served, 1), errorCodes.PROTOCOL_ERROR);
    peer.sendHeaders(3, { ...request, te: 'trailers' }, true);
    await served.peer.settled();
    assert.deepEqual(
      requests.map(({ stream }) => stream.id),
      [3],
    );
  });
}

for (const { name, bytes, code } of [
  { name: 'a body longer than it says', bytes: [frame(DATA, 0, 1, 'abcd')], code: errorCodes.PROTOCOL_ERROR },
  { name: 'a body shorter than it says', bytes: [frame(DATA, END_STREAM, 1, 'ab')], code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'trailers before the body is as long as it says',
    bytes: [frame(HEADERS, END_HEADERS | END_STREAM, 1)],
    code: errorCodes.PROTOCOL_ERROR,
  },
  { name: 'trailers that do not end it', bytes: [frame(HEADERS, END_HEADERS, 1)], code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a path in its trailers',
    bytes: [frame(DATA, 0, 1, 'abc'), frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.of(0x84))],
    code: errorCodes.PROTOCOL_ERROR,
  },
  {
    name: 'more behind its end',
    bytes: [frame(DATA, END_STREAM, 1, 'abc'), frame(DATA, 0, 1, 'd')],
    code: errorCodes.STREAM_CLOSED,
  },
  {
    name: 'headers behind its end',
    bytes: [frame(DATA, END_STREAM, 1, 'abc'), frame(HEADERS, END_HEADERS | END_STREAM, 1)],
    code: errorCodes.STREAM_CLOSED,
  },
  { name: 'a window wider by nothing', bytes: [numberFrame(WINDOW_UPDATE, 1, 0)], code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a window that is too wide',
    bytes: [numberFrame(WINDOW_UPDATE, 1, 2 ** 31 - 1)],
    code: errorCodes.FLOW_CONTROL_ERROR,
  },
]) {
  test(`a stream with ${name} is reset, and the connection goes on`, async (t) => {
    const served = await ready(t);
    const { peer, requests } = served;
    peer.sendHeaders(1, { ...request, 'content-length': '3' });
    peer.socket.write(Buffer.concat(bytes));
    assert.equal(await resetOf(served, 1), code);
    await served.peer.settled();
    assert.equal(requests[0]!.notes.at(-1), 'close');
  });
}

test('a request with more headers than may be is reset, and the next one is read', async (t) => {
  const served = await ready(t);
  const { peer, requests } = served;
  const head = peer.blockOf(request);
  const long = peer.blockOf({ 'x-long': 'a'.repeat(900) });
  // What was added to the table is said again with a byte.
  peer.send(HEADERS, END_HEADERS, 1, Buffer.concat([head, long, Buffer.alloc(200, 0xbe)]));
  assert.equal(await resetOf(served, 1), errorCodes.ENHANCE_YOUR_CALM);
  peer.sendHeaders(3, { ...request, 'x-long': 'a'.repeat(900) });
  await served.peer.settled();
  assert.equal(requests[0]!.stream.headers['x-long']!.length, 900);
});

for (const { name, bytes } of [
  { name: 'data', bytes: frame(DATA, 0, 1, 'late') },
  { name: 'headers', bytes: frame(HEADERS, END_HEADERS | END_STREAM, 1) },
]) {
  test(`${name} of a stream that has ended for both ends the connection; windows and resets of it do not`, async (t) => {
    const served = await ready(t);
    const { peer, requests } = served;
    peer.sendHeaders(1, request, true);
    await served.peer.settled();
    requests[0]!.stream.respond({ ':status': '200' }, true);
    peer.socket.write(Buffer.concat([numberFrame(WINDOW_UPDATE, 1, 1), numberFrame(RST_STREAM, 1, 8)]));
    await served.peer.settled();
    peer.socket.write(bytes);
    assert.equal(await goaway(served), errorCodes.STREAM_CLOSED);
  });
}

test('data of a stream that nobody remembers is told that it is closed', async (t) => {
  const served = await ready(t);
  const { peer } = served;
  peer.sendHeaders(2 * 1_024 + 1, request);
  peer.send(DATA, 0, 1, Buffer.from('late'));
  assert.equal(await resetOf(served, 1), errorCodes.STREAM_CLOSED);
});

const pings = (count: number): Buffer => Buffer.concat(Array(count).fill(frame(PING, ACK, 0, '12345678')));

for (const { name, bytes, code } of [
  { name: 'a frame before its settings', bytes: [frame(PING, 0, 0, '12345678')], code: errorCodes.PROTOCOL_ERROR },
  { name: 'an answer to settings first', bytes: [frame(SETTINGS, ACK, 0)], code: errorCodes.PROTOCOL_ERROR },
]) {
  test(`a client that sends ${name} is told, and left`, async (t) => {
    const served = await serveRaw(t);
    served.peer.socket.write(Buffer.concat([preface, ...bytes]));
    assert.equal(await goaway(served), code);
    await closed(served);
  });
}

test('a client of HTTP/1 is left at its first byte that is not of HTTP/2', async (t) => {
  const served = await serveRaw(t);
  served.peer.socket.write('PO');
  assert.equal(await goaway(served), errorCodes.PROTOCOL_ERROR);
});

for (const { name, bytes, code, isFlood = false } of [
  { name: 'data without a stream', bytes: [frame(DATA, 0, 0, 'a')], code: errorCodes.PROTOCOL_ERROR },
  { name: 'data of a stream that was not begun', bytes: [frame(DATA, 0, 3, 'a')], code: errorCodes.PROTOCOL_ERROR },
  { name: 'a reset of such a stream', bytes: [numberFrame(RST_STREAM, 3, 0)], code: errorCodes.PROTOCOL_ERROR },
  { name: 'a window of such a stream', bytes: [numberFrame(WINDOW_UPDATE, 3, 1)], code: errorCodes.PROTOCOL_ERROR },
  { name: 'a reset of the connection', bytes: [numberFrame(RST_STREAM, 0, 0)], code: errorCodes.PROTOCOL_ERROR },
  { name: 'headers without a stream', bytes: [frame(HEADERS, END_HEADERS, 0)], code: errorCodes.PROTOCOL_ERROR },
  { name: 'a stream of the server', bytes: [frame(HEADERS, END_HEADERS, 2)], code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a stream that was passed over',
    bytes: [frame(HEADERS, END_HEADERS | END_STREAM, 7), frame(HEADERS, END_HEADERS | END_STREAM, 5)],
    code: errorCodes.PROTOCOL_ERROR,
  },
  { name: 'a push', bytes: [frame(PUSH_PROMISE, END_HEADERS, 1)], code: errorCodes.PROTOCOL_ERROR },
  { name: 'settings in a stream', bytes: [frame(SETTINGS, 0, 1)], code: errorCodes.PROTOCOL_ERROR },
  { name: 'settings of another size', bytes: [frame(SETTINGS, 0, 0, 'abc')], code: errorCodes.FRAME_SIZE_ERROR },
  {
    name: 'an answer to settings with a payload',
    bytes: [frame(SETTINGS, ACK, 0, 'abcdef')],
    code: errorCodes.FRAME_SIZE_ERROR,
  },
  { name: 'half a push', bytes: [settingsFrame({ [settingIds.ENABLE_PUSH]: 2 })], code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a first window that is too wide',
    bytes: [settingsFrame({ [settingIds.INITIAL_WINDOW_SIZE]: 2 ** 31 })],
    code: errorCodes.FLOW_CONTROL_ERROR,
  },
  {
    name: 'frames that are too small',
    bytes: [settingsFrame({ [settingIds.MAX_FRAME_SIZE]: 100 })],
    code: errorCodes.PROTOCOL_ERROR,
  },
  { name: 'a ping of another size', bytes: [frame(PING, 0, 0, 'abc')], code: errorCodes.FRAME_SIZE_ERROR },
  { name: 'a priority of another size', bytes: [frame(PRIORITY, 0, 1, 'abc')], code: errorCodes.FRAME_SIZE_ERROR },
  {
    name: 'headers too short for their priority',
    bytes: [frame(HEADERS, END_HEADERS | flags.PRIORITY, 1, 'abc')],
    code: errorCodes.FRAME_SIZE_ERROR,
  },
  {
    name: 'a stream that depends on itself',
    bytes: [frame(PRIORITY, 0, 3, Buffer.of(0, 0, 0, 3, 0))],
    code: errorCodes.PROTOCOL_ERROR,
  },
  { name: 'a window wider by nothing', bytes: [numberFrame(WINDOW_UPDATE, 0, 0)], code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a window that is too wide',
    bytes: [numberFrame(WINDOW_UPDATE, 0, 2 ** 31 - 1)],
    code: errorCodes.FLOW_CONTROL_ERROR,
  },
  {
    name: 'a frame that is too large',
    bytes: [Buffer.from('004001000000000001', 'hex')],
    code: errorCodes.FRAME_SIZE_ERROR,
  },
  { name: 'headers that go on by themselves', bytes: [frame(CONTINUATION, 0, 1)], code: errorCodes.PROTOCOL_ERROR },
  {
    name: 'a frame between headers',
    bytes: [frame(HEADERS, 0, 1), frame(DATA, 0, 1, 'abc')],
    code: errorCodes.PROTOCOL_ERROR,
  },
  {
    name: 'headers that cannot be read',
    bytes: [frame(HEADERS, END_HEADERS, 1, Buffer.of(0xff))],
    code: errorCodes.COMPRESSION_ERROR,
  },
  {
    name: 'a size of the table behind a header',
    bytes: [frame(HEADERS, END_HEADERS, 1, Buffer.of(0x82, 0x20))],
    code: errorCodes.COMPRESSION_ERROR,
  },
  {
    name: 'headers in crumbs',
    bytes: [frame(HEADERS, 0, 1), ...Array(70).fill(frame(CONTINUATION, 0, 1, 'a'))],
    code: errorCodes.ENHANCE_YOUR_CALM,
    isFlood: true,
  },
  { name: 'pings without end', bytes: [pings(10_001)], code: errorCodes.ENHANCE_YOUR_CALM, isFlood: true },
  {
    name: 'priorities without end',
    bytes: [Buffer.concat(Array(10_001).fill(frame(PRIORITY, 0, 1, Buffer.alloc(5))))],
    code: errorCodes.ENHANCE_YOUR_CALM,
    isFlood: true,
  },
  {
    name: 'settings without end',
    bytes: [Buffer.concat(Array(10_001).fill(frame(SETTINGS, ACK, 0)))],
    code: errorCodes.ENHANCE_YOUR_CALM,
    isFlood: true,
  },
  {
    name: 'many settings in a frame, again and again',
    bytes: Array(5).fill(frame(SETTINGS, 0, 0, Buffer.alloc(6 * 2_700, '\0\x03'))),
    code: errorCodes.ENHANCE_YOUR_CALM,
    isFlood: true,
  },
]) {
  test(`a client that sends ${name} is told, and left`, async (t) => {
    const served = await ready(t);
    served.peer.socket.write(Buffer.concat(bytes));
    assert.equal(await goaway(served), code);
    await closed(served);
    assert.deepEqual([...new Set(served.events)], isFlood ? ['settings', 'flood', 'close'] : ['settings', 'close']);
  });
}

test('empty pieces of a body without end are a flood, and whole requests in between make room for others', async (t) => {
  const served = await ready(t);
  const { peer, requests } = served;
  const empty = Buffer.concat(Array(5_000).fill(frame(DATA, 0, 1)));
  peer.sendHeaders(1, request);
  peer.socket.write(empty);
  peer.socket.write(Buffer.concat(Array(1_000).fill(frame(DATA, 0, 1, 'a'))));
  peer.socket.write(empty);
  await served.peer.settled();
  assert.equal(requests[0]!.body.length, 1_000);
  peer.socket.write(empty);
  assert.equal(await goaway(served), errorCodes.ENHANCE_YOUR_CALM);
});

for (const { name, end } of [
  { name: 'takes back', end: (id: number) => numberFrame(RST_STREAM, id, errorCodes.CANCEL) },
  { name: 'breaks', end: (id: number) => numberFrame(WINDOW_UPDATE, id, 0) },
]) {
  test(`a client that begins streams and ${name} them is left, unless time passes between`, async (t) => {
    const served = await ready(t);
    const { peer, clock, requests } = served;
    let nextId = 1;
    const begin = async (count: number): Promise<void> => {
      for (let begun = 0; begun < count; begun++, nextId += 2) {
        peer.sendHeaders(nextId, request);
        peer.socket.write(end(nextId));
        // Answers are read.
        if (begun % 100 === 0) await served.peer.settled();
      }
      await served.peer.settled();
    };
    await begin(1_000);
    await clock.advance(5_000);
    await begin(500);
    assert.equal(requests.length, 1_500);
    void begin(1).catch(() => undefined);
    assert.equal(await goaway(served), errorCodes.ENHANCE_YOUR_CALM);
  });
}

for (const { name, ids, code } of [
  { name: 'stream ends that', ids: [1], code: [RST_STREAM, errorCodes.FLOW_CONTROL_ERROR] },
  { name: 'connection ends that', ids: [1, 3, 5, 7, 9, 1], code: [GOAWAY, errorCodes.FLOW_CONTROL_ERROR] },
]) {
  test(`more than the window of a ${name}`, async (t) => {
    const { peer } = await ready(t, {}, false);
    for (const id of new Set(ids)) peer.sendHeaders(id, request);
    for (const id of ids) {
      for (let sent = 0; sent < 100_000; sent += 10_000) peer.send(DATA, 0, id, Buffer.alloc(10_000));
    }
    peer.send(DATA, 0, ids.at(-1)!, Buffer.alloc(1));
    await peer.until(() => peer.of(code[0]!).length > 0);
    const { type, payload } = peer.of(code[0]!)[0]!;
    assert.equal(codeOf(payload, type === GOAWAY ? 4 : 0), code[1]);
  });
}

test('a connection whose frames are long work lets others have their turn', async (t) => {
  const served = await ready(t);
  const { peer, socket, requests } = served;
  peer.sendHeaders(1, request);
  await served.peer.settled();
  const [{ stream }] = requests as [Request];
  const turns: number[] = [];
  let turn = 0;
  const next = (): void => {
    turn++;
    ticking = setImmediate(next);
  };
  let ticking = setImmediate(next);
  t.after(() => clearImmediate(ticking));
  let nowMs = 0;
  served.clock.nowMs = () => nowMs;
  stream.reader = {
    onData: (piece) => {
      nowMs += piece.length / 10_000;
      turns.push(turn);
    },
    onEnd: () => undefined,
    onClose: () => undefined,
  };
  for (let sent = 0; sent < 5; sent++) peer.send(DATA, 0, 1, Buffer.alloc(16_384));
  // All of it is there to be read at once.
  socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.resume();
  await served.peer.settled();
  assert.equal(nowMs, 8.192);
  assert.ok(new Set(turns).size > 1, `${turns}`);
});

test('a client that does not read is not read any more, and goes on when it reads', async (t) => {
  const count = 4_000;
  const answerBytes = 8_000;
  const served = await ready(t, {}, true, ({ stream }) => {
    stream.respond({ ':status': '200', 'grpc-message': 'a'.repeat(answerBytes) }, true);
  });
  const { peer, socket, requests } = served;
  peer.socket.pause();
  for (let begun = 0; begun < count; begun++) peer.sendHeaders(2 * begun + 1, request, true);
  // A connection whose kernels take no more.
  let mostWaitingBytes = 0;
  for (let still = 0, seen = 0; still < 50; seen = requests.length) {
    await new Promise((resolve) => setImmediate(resolve));
    still = requests.length === seen && socket.writableLength > 0 ? still + 1 : 0;
    mostWaitingBytes = Math.max(mostWaitingBytes, socket.writableLength);
  }
  assert.ok(requests.length < count, `${requests.length} were answered`);
  assert.ok(mostWaitingBytes < 2 ** 20 + 2 * answerBytes, `${mostWaitingBytes} bytes wait`);
  peer.socket.resume();
  await peer.until(() => peer.of(HEADERS).length === count);
  assert.equal(requests.length, count);
});

test('thousands of requests in one read let others have their turn', async (t) => {
  const count = 2_000;
  let begunInTurn = 0;
  let most = 0;
  await overwriteReads(t);
  const served = await ready(t, {}, true, ({ stream }) => {
    if (begunInTurn++ === 0) {
      setImmediate(() => {
        begunInTurn = 0;
      });
    }
    most = Math.max(most, begunInTurn);
    stream.respond({ ':status': '200' }, true);
  });
  const { peer, requests } = served;
  const heads = Array.from({ length: count }, (_, i) =>
    frame(HEADERS, END_STREAM | END_HEADERS, 2 * i + 1, peer.blockOf(request)),
  );
  peer.socket.write(Buffer.concat(heads));
  await peer.until(() => peer.of(HEADERS).length === count);
  assert.equal(requests.length, count);
  assert.ok(most <= 400, `${most} requests began in one turn`);
});

test('a client with small windows widens them for each frame that it gets, and is no flood', async (t) => {
  const bodyBytes = 1_500_000;
  const served = await ready(t, { [settingIds.INITIAL_WINDOW_SIZE]: 100 });
  const { peer, requests, events } = served;
  peer.sendHeaders(1, request, true);
  await served.peer.settled();
  const [{ stream }] = requests as [Request];
  stream.respond({ ':status': '200' });
  stream.write(Buffer.alloc(bodyBytes));
  let seen = 0;
  peer.socket.on('data', () => {
    for (const { type, payload } of peer.frames.splice(0)) {
      if (type !== DATA) continue;
      seen += payload.length;
      const widened = [numberFrame(WINDOW_UPDATE, 1, payload.length), numberFrame(WINDOW_UPDATE, 0, payload.length)];
      peer.socket.write(Buffer.concat(widened));
    }
    if (seen === bodyBytes) peer.socket.end();
  });
  await once(peer.socket, 'close');
  assert.equal(seen, bodyBytes);
  assert.ok(!events.includes('flood'));
});

test('frames of any kind end in an orderly way', async (t) => {
  const anyFrame = fc.record({
    type: fc.integer({ min: 0, max: 10 }),
    own: fc.constantFrom(0, END_STREAM, END_HEADERS, END_STREAM | END_HEADERS, PADDED, flags.PRIORITY, 255),
    id: fc.constantFrom(0, 1, 1, 1, 3, 2),
    payload: fc.uint8Array({ maxLength: 20 }),
  });
  const property = fc.asyncProperty(fc.array(anyFrame, { maxLength: 12 }), fc.boolean(), async (frames, isResumed) => {
    const served = await ready(t, {}, isResumed);
    const { peer, requests } = served;
    peer.sendHeaders(1, request);
    for (const { type, own, id, payload } of frames) peer.send(type, own, id, payload);
    peer.socket.end();
    await closed(served);
    assert.ok(requests.every(({ notes }) => notes.at(-1) === 'close'));
  });
  await fc.assert(property, { numRuns: 60 });
});
