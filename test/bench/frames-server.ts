import { createServer } from 'node:http2';
import { Http2GrpcServer } from '../../src/grpc/server.ts';
import { systemClock } from '../../src/support/clock.ts';

// A server that reads messages and does nothing with them, in a process of its own so that its CPU time can be told
// from the client's. Arguments: grpc | http2, and the flow-control window in bytes. Tells its port and, each time it
// is asked, its CPU time in microseconds.
const [kind, windowText] = process.argv.slice(2);
const windowBytes = Number(windowText);

async function listenGrpc(): Promise<void> {
  const server = new Http2GrpcServer({
    windowBytes,
    maxConnections: 16,
    maxConcurrentStreams: 100,
    maxConnectionIdleMs: undefined,
    maxConnectionAgeMs: undefined,
    maxConnectionAgeGraceMs: undefined,
    keepaliveTimeMs: 7_200_000,
    keepaliveTimeoutMs: 20_000,
    minTlsVersion: 'TLSv1.2',
    maxMessageBytes: 4 * 1024 * 1024,
    decompressors: new Map(),
    guard: undefined,
    settingsTimeoutMs: 120_000,
    clock: systemClock,
    events: {
      onConnectionRefused: () => undefined,
      onIdleConnectionClosed: () => undefined,
      onMessageGivenUp: () => undefined,
      onMessageTooLarge: () => undefined,
      onFault: () => undefined,
      onStreamRefused: () => undefined,
      onFloodClosed: () => undefined,
    },
  });
  const ignore = (): void => undefined;
  server.addService('framekeeper.frames.v1.FramesService', {
    Stream: (call) => ({
      onMessage: (message) => call.release(message),
      onHalfClose: () => call.end(),
      onCancel: ignore,
    }),
  });
  const port = await server.listen('127.0.0.1', 0, undefined);
  process.send?.({ port });
}

/** The floor: the same messages without gRPC. */
function listenHttp2(): void {
  const server = createServer({ settings: { initialWindowSize: windowBytes } });
  server.on('session', (session) => session.setLocalWindowSize(windowBytes));
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.on('data', () => undefined);
    stream.on('end', () => stream.end());
  });
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
}

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system });
});
process.on('disconnect', () => process.exit());
if (kind === 'grpc') await listenGrpc();
else listenHttp2();
