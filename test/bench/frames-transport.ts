import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { flowControlWindowBytes } from '../../src/receivers/grpc-server.ts';
import type { BenchOptions, BenchRow } from './bench.ts';
import { quantile } from './bench.ts';

const messagesPerRound = 300;
const defaultWindowBytes = 65_535;

interface ServerUnderTest {
  readonly what: string;
  readonly process: ChildProcess;
  readonly session: ClientHttp2Session;
  readonly cpuMicroseconds: number[];
  readonly messagesPerSecond: number[];
}

/** One stream of batches to servers that do nothing with them: what the flow-control window and gRPC cost. */
export async function compareTransports(batch: Buffer, { rounds }: BenchOptions): Promise<BenchRow[]> {
  const servers = await Promise.all([
    startServer('node:http2 server, window of 1 MiB', 'http2', flowControlWindowBytes),
    startServer('gRPC server, window of 1 MiB', 'grpc', flowControlWindowBytes),
    startServer('gRPC server, default window', 'grpc', defaultWindowBytes),
  ]);
  try {
    for (let round = -2; round < rounds; round++) {
      for (const server of servers) await measure(server, batch, round >= 0);
    }
  } finally {
    for (const server of servers) {
      server.session.destroy();
      server.process.disconnect();
    }
  }
  return [
    ...rowsOf(servers, 'µs CPU/message', ({ cpuMicroseconds }) => cpuMicroseconds),
    ...rowsOf(servers, 'messages/s', ({ messagesPerSecond }) => messagesPerSecond),
  ];
}

function rowsOf(servers: ServerUnderTest[], unit: string, valuesOf: (server: ServerUnderTest) => number[]): BenchRow[] {
  const baseline = quantile(valuesOf(servers[0]!), 0.5);
  return servers.map((server, index) => {
    const values = valuesOf(server);
    const median = quantile(values, 0.5);
    const row = { what: server.what, unit, median, spread: quantile(values, 0.75) - quantile(values, 0.25) };
    return index === 0 ? row : { ...row, ratioTo: { what: servers[0]!.what, ratio: median / baseline } };
  });
}

async function startServer(what: string, kind: string, windowBytes: number): Promise<ServerUnderTest> {
  const child = fork(join(import.meta.dirname, 'frames-server.ts'), [kind, String(windowBytes)]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const session = connect(`http://127.0.0.1:${port}`);
  await once(session, 'remoteSettings');
  return { what, process: child, session, cpuMicroseconds: [], messagesPerSecond: [] };
}

async function measure(server: ServerUnderTest, batch: Buffer, isCounted: boolean): Promise<void> {
  const cpuBefore = await cpuOf(server.process);
  const start = performance.now();
  await sendAll(server.session, batch);
  const seconds = (performance.now() - start) / 1000;
  const cpu = (await cpuOf(server.process)) - cpuBefore;
  if (!isCounted) return;
  server.cpuMicroseconds.push(cpu / messagesPerRound);
  server.messagesPerSecond.push(messagesPerRound / seconds);
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [{ cpuMicroseconds }] = (await once(child, 'message')) as [{ cpuMicroseconds: number }];
  return cpuMicroseconds;
}

/** Resolves when the server has read all messages and closed the stream. */
async function sendAll(session: ClientHttp2Session, batch: Buffer): Promise<void> {
  const request = session.request({
    ':method': 'POST',
    ':path': '/framekeeper.frames.v1.FramesService/Stream',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  request.resume();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(batch.length, 1);
  const message = Buffer.concat([prefix, batch]);
  for (let sent = 0; sent < messagesPerRound; sent++) {
    if (!request.write(message)) await once(request, 'drain');
  }
  request.end();
  await once(request, 'close');
}
