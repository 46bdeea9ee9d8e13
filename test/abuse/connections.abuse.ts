import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoodCollector } from './good-collector.ts';
import { keepOpen } from './hostile-sockets.ts';
import { seconds, tellFelt } from './report.ts';
import type { AttackedService } from './service-under-attack.ts';
import { startAttacked } from './service-under-attack.ts';

const mebibyte = 1024 * 1024;
const submit = '/framekeeper.frames.v1.FramesService/Submit';

/** One connection with 100 calls, each with a message of 4 MiB of which half never comes. */
function halfMessages(t: TestContext, port: number): void {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  const head = { ':method': 'POST', ':path': submit, 'content-type': 'application/grpc', te: 'trailers' };
  const half = Buffer.alloc(2 * mebibyte);
  half.writeUInt32BE(4 * mebibyte - 5, 1);
  for (let i = 0; i < 100; i++) {
    const request = session.request(head);
    request.on('error', () => undefined).resume();
    request.write(half);
  }
}

/** Connections that send `text` and nothing more. */
function openSockets(t: TestContext, port: number, count: number, text: string | Buffer): void {
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).on('data', () => undefined);
    socket.write(text);
    sockets.push(socket);
  }
}

const http2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const liveStream = 'GET /live/events HTTP/1.1\r\nhost: localhost\r\n\r\n';
/** Sends requests ahead of the responses, which it does not read. */
function pipelineRequests(socket: Socket): void {
  socket.pause();
  socket.write(pipelined);
}

const pipelined = 'GET /live/style.css HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(1_000);
const halfRequest = 'GET / HTTP/1.1\r\nhost: localhost\r\nx-';
const halfBody = (sizeBytes: number): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /v1development/profiles HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${sizeBytes}\r\n\r\n`,
    ),
    Buffer.alloc(sizeBytes / 2),
  ]);

interface Attack {
  readonly name: string;
  readonly begin: (t: TestContext, service: AttackedService) => void;
  readonly hasLivePage?: boolean;
}

const attacks: readonly Attack[] = [
  {
    name: '4 connections with 100 half messages of 4 MiB each',
    begin: (t, { grpcPort }) => {
      for (let i = 0; i < 4; i++) halfMessages(t, grpcPort);
    },
  },
  {
    name: '60 HTTP requests with half a body of 16 MiB',
    begin: (t, { httpPort }) => openSockets(t, httpPort, 60, halfBody(16 * mebibyte)),
  },
  {
    name: '300 idle gRPC connections',
    begin: (t, { grpcPort }) => openSockets(t, grpcPort, 300, http2Preface),
  },
  {
    name: '300 half requests for health',
    begin: (t, { healthPort }) => openSockets(t, healthPort, 300, halfRequest),
  },
  {
    name: '300 streams of the live page on the endpoint of health',
    hasLivePage: true,
    begin: (t, { healthPort }) => openSockets(t, healthPort, 300, liveStream),
  },
  {
    name: '128 connections with 1,000 requests for the live page each, whose responses nobody reads',
    hasLivePage: true,
    begin: (t, { healthPort }) => keepOpen(t, healthPort, { count: 128, waitMs: 500, begin: pipelineRequests }),
  },
  {
    name: '300 half requests for OTLP over HTTP',
    begin: (t, { httpPort }) => openSockets(t, httpPort, 300, halfRequest),
  },
];

describe('what never ends does not lock others out', () => {
  for (const { name, begin, hasLivePage = false } of attacks) {
    test(name, async (t) => {
      const service = await startAttacked(t, {
        hasLivePage,
        processors: { memory_limiter: { check_interval: '200ms', limit_mib: 500 } },
      });
      begin(t, service);
      await sleep(1_000);
      const good = new GoodCollector(service);
      await sleep(seconds * 1000);
      const felt = await good.end();
      const givenUp = await service.metric('framekeeper_grpc_given_up_messages');
      const closed = await service.metric('framekeeper_grpc_closed_idle_connections');
      const busyClosed = await service.metric('framekeeper_http_closed_busy_connections');
      tellFelt(t, name, service, felt, [`given up ${givenUp}`, `idle closed ${closed}`, `busy closed ${busyClosed}`]);
    });
  }
});
