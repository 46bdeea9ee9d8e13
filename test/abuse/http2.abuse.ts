import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { flags, frameOf, frameTypes, numberFrame, preface, settingsFrame } from '../../src/grpc/http2/frames.ts';
import { HeaderEncoder } from '../../src/grpc/http2/header-codec.ts';
import { GoodCollector } from './good-collector.ts';
import { keepOpen } from './hostile-sockets.ts';
import { seconds, tellFelt } from './report.ts';
import { startAttacked } from './service-under-attack.ts';

const { DATA, HEADERS, CONTINUATION, RST_STREAM, SETTINGS, PING, PRIORITY, WINDOW_UPDATE } = frameTypes;
const { END_HEADERS, END_STREAM } = flags;
const submit = '/framekeeper.frames.v1.FramesService/Submit';

const frame = (type: number, own: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer =>
  frameOf({ type, flags: own, streamId: id }, payload);
const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array<Buffer>(count).fill(bytes));

/** A connection of an attacker. */
class Hostile {
  readonly #encoder = new HeaderEncoder();
  #nextId = 1;

  begin(path: string, own = 0): { id: number; bytes: Buffer } {
    const id = this.#nextId;
    this.#nextId += 2;
    const headers = { ':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'a' };
    const block = this.#encoder.encode({ ...headers, 'content-type': 'application/grpc', te: 'trailers' }, 0);
    return { id, bytes: frame(HEADERS, END_HEADERS | own, id, block) };
  }

  /** Some calls, each with `more` behind its headers. */
  calls(count: number, more: (id: number) => Buffer, path = submit, own = 0): Buffer {
    return Buffer.concat(
      Array.from({ length: count }, () => {
        const { id, bytes } = this.begin(path, own);
        return Buffer.concat([bytes, more(id)]);
      }),
    );
  }

  /** A call of which only the beginning comes, and the stream of another. */
  stalled(): Buffer {
    const prefix = Buffer.alloc(5_000);
    prefix.writeUInt32BE(4_000_000, 1);
    const [held, dropped] = [this.begin(submit), this.begin('/none')];
    return Buffer.concat([held.bytes, frame(DATA, 0, held.id, prefix), dropped.bytes]);
  }

  bomb(): Buffer {
    const field = Buffer.concat([Buffer.from('4001787fa11e', 'hex'), Buffer.alloc(4_000, 'b')]);
    const id = this.#nextId;
    this.#nextId += 2;
    return frame(HEADERS, END_HEADERS | END_STREAM, id, Buffer.concat([field, Buffer.alloc(12_000, 0xbe)]));
  }
}

interface Attack {
  readonly name: string;
  readonly first?: (hostile: Hostile) => Buffer;
  /** Sent again and again, behind `first`. */
  readonly flood: (hostile: Hostile) => Buffer;
  /** False where the attacker reads nothing. */
  readonly isReading?: boolean;
}

const junk = times(4, frame(DATA, 0, 3, Buffer.alloc(16_384)));
const attacks: readonly Attack[] = [
  { name: 'pings', flood: () => times(500, frame(PING, 0, 0, Buffer.alloc(8))) },
  {
    name: 'pings whose answers nobody reads',
    flood: () => times(500, frame(PING, 0, 0, Buffer.alloc(8))),
    isReading: false,
  },
  { name: 'settings', flood: () => times(500, frame(SETTINGS, 0, 0, Buffer.from('000400000000', 'hex'))) },
  { name: 'priorities', flood: () => times(500, frame(PRIORITY, 0, 9, Buffer.alloc(5))) },
  { name: 'windows a byte wider', flood: () => times(500, numberFrame(WINDOW_UPDATE, 0, 1)) },
  { name: 'empty data', first: (hostile) => hostile.begin(submit).bytes, flood: () => times(500, frame(DATA, 0, 1)) },
  { name: 'streams taken back', flood: (hostile) => hostile.calls(100, (id) => numberFrame(RST_STREAM, id, 8)) },
  {
    name: 'streams that the server must reset',
    flood: (hostile) => hostile.calls(100, (id) => numberFrame(WINDOW_UPDATE, id, 0)),
  },
  { name: 'streams beyond the limit', flood: (hostile) => hostile.calls(500, () => Buffer.alloc(0)) },
  {
    name: 'headers that never end',
    first: () => frame(HEADERS, 0, 1),
    flood: () => times(4, frame(CONTINUATION, 0, 1, Buffer.alloc(16_384))),
  },
  { name: 'headers that are a bomb', flood: (hostile) => hostile.bomb() },
  {
    name: 'calls whose answers nobody reads',
    flood: (hostile) => hostile.calls(50, () => Buffer.alloc(0), `/none/${'x'.repeat(190)}`, END_STREAM),
    isReading: false,
  },
  {
    name: 'data that is dropped beside a message that stalls',
    first: (hostile) => hostile.stalled(),
    flood: () => junk,
  },
];

function attack({ first, flood, isReading = true }: Attack, socket: Socket): void {
  const hostile = new Hostile();
  if (isReading) socket.resume();
  else socket.pause();
  socket.write(
    Buffer.concat([preface, settingsFrame([]), frame(SETTINGS, flags.ACK, 0), first?.(hostile) ?? Buffer.alloc(0)]),
  );
  // The attacker has a core to share with others, too.
  const go = (): void => {
    if (!socket.destroyed) socket.write(flood(hostile), () => setImmediate(go));
  };
  go();
}

describe('floods of HTTP/2 cost the connection that they come by', () => {
  for (const one of attacks) {
    test(`8 connections with ${one.name}`, async (t) => {
      const service = await startAttacked(t);
      keepOpen(t, service.grpcPort, { count: 8, waitMs: 100, begin: (socket) => attack(one, socket) });
      await sleep(500);
      const stop = service.watchLoop();
      const good = new GoodCollector(service);
      await sleep(seconds * 1_000);
      const felt = await good.end();
      const closed = await service.metric('framekeeper_grpc_closed_flooding_connections');
      tellFelt(t, one.name, service, felt, [`closed ${closed}`, `loop stopped ${Math.round(stop())} ms`]);
      assert.ok(service.peakBytes() < 640 * 2 ** 20, `${service.peakBytes()} bytes`);
    });
  }
});
