import { createServer } from 'node:http2';
import { ServerCredentials } from '@grpc/grpc-js';
import { framesServiceDefinition } from '../../src/receivers/frames/frames-service.ts';
import { createGrpcTransport } from '../../src/receivers/grpc-transport.ts';
import { systemClock } from '../../src/support/clock.ts';

// A server that reads messages and does nothing with them, in a process of its own so that its CPU time can be told
// from the client's. Arguments: grpc | http2, and the flow-control window in bytes. Tells its port and, each time it
// is asked, its CPU time in microseconds.
const [kind, windowText] = process.argv.slice(2);
const windowBytes = Number(windowText);

function listenGrpc(): void {
  const { server } = createGrpcTransport(
    { 'grpc.enable_channelz': 0 },
    {
      windowBytes,
      maxConnections: 16,
      minTlsVersion: 'TLSv1.2',
      maxMessageBytes: 4 * 1024 * 1024,
      onConnectionRefused: () => undefined,
      onIdleConnectionClosed: () => undefined,
      onMessageGivenUp: () => undefined,
      onMessageTooLarge: () => undefined,
      settingsTimeoutMs: 120_000,
      clock: systemClock,
    },
  );
  server.addService(framesServiceDefinition, {
    Submit: () => undefined,
    Stream: (call: NodeJS.ReadWriteStream) => {
      call.on('data', () => undefined);
      call.on('end', () => call.end());
    },
  });
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => process.send?.({ port }));
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
if (kind === 'grpc') listenGrpc();
else listenHttp2();
