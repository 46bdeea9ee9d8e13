import type { TestContext } from 'node:test';
import type { SecureContextOptions } from 'node:tls';
import type { Http2ServerOptions } from '../../src/grpc/server.ts';
import { Http2GrpcServer } from '../../src/grpc/server.ts';
import type { Method } from '../../src/grpc/server-call.ts';
import { unaryMethod } from '../../src/grpc/unary.ts';
import { FakeClock } from '../support/fake-clock.ts';

export interface GrpcOptions extends Partial<Http2ServerOptions> {
  /** TLS. */
  readonly secure?: SecureContextOptions | undefined;
}

export interface GrpcServed {
  readonly port: number;
  readonly clock: FakeClock;
  readonly server: Http2GrpcServer;
  /** What the server told by its events. */
  readonly told: string[];
}

/** A server with a method `Echo`, and those that a test has beside it. */
export async function serveGrpc(
  t: TestContext,
  methods: Readonly<Record<string, Method>> = {},
  { secure, ...options }: GrpcOptions = {},
): Promise<GrpcServed> {
  const clock = new FakeClock();
  const told: string[] = [];
  const server = new Http2GrpcServer({
    windowBytes: 1 << 20,
    maxConnections: 16,
    maxConcurrentStreams: 100,
    maxMessageBytes: 1 << 20,
    minTlsVersion: 'TLSv1.2',
    decompressors: new Map(),
    guard: undefined,
    maxConnectionIdleMs: undefined,
    maxConnectionAgeMs: undefined,
    maxConnectionAgeGraceMs: undefined,
    keepaliveTimeMs: 7_200_000,
    keepaliveTimeoutMs: 20_000,
    settingsTimeoutMs: 120_000,
    clock,
    events: {
      onConnectionRefused: () => told.push('refused'),
      onIdleConnectionClosed: () => told.push('idle closed'),
      onStreamRefused: () => told.push('stream refused'),
      onMessageGivenUp: (reason) => told.push(`given up: ${reason}`),
      onMessageTooLarge: (path) => told.push(`too large: ${path}`),
      onFault: (error) => told.push(`fault: ${(error as Error).message}`),
      onFloodClosed: () => told.push('flood'),
    },
    ...options,
  });
  server.addService('test.Service', { Echo: unaryMethod((message) => Buffer.from(message)), ...methods });
  const port = await server.listen('127.0.0.1', 0, secure);
  t.after(() => server.close(AbortSignal.abort()));
  return { port, clock, server, told };
}
