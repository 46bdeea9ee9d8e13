import type { ServiceError } from '@grpc/grpc-js';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import pino from 'pino';
import type { Admission } from '../../src/model/admission.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { contentEncodings } from '../../src/receivers/content-encoding.ts';
import { GrpcServer } from '../../src/receivers/grpc-server.ts';
import { OtlpReceiver } from '../../src/receivers/otlp/otlp-receiver.ts';
import type { OtlpHttpServerConfig } from '../../src/receivers/otlp/otlp-receiver-config.ts';
import type { ReceivedProfiles, SinkAnswer } from '../../src/receivers/otlp/profiles-sink.ts';
import { systemClock } from '../../src/support/clock.ts';
import { FakeClock } from './fake-clock.ts';
import { plainGrpcConfig } from './frames-server.ts';
import { recordMetrics } from './metric-recorder.ts';
import { withLists } from './with-lists.ts';

export interface OtlpTestReceiver {
  readonly grpcPort: number;
  readonly httpUrl: string;
  /** What the sink got. */
  readonly received: readonly ProfilesData[];
  readonly metrics: () => Promise<Map<string, number>>;
  readonly stop: () => Promise<void>;
}

export const plainHttpConfig: OtlpHttpServerConfig = {
  endpoint: '127.0.0.1:0',
  tls: undefined,
  allowedHosts: [],
  authenticator: '',
  maxRequestBodyBytes: 32 * 1024 * 1024,
  compressionAlgorithms: contentEncodings,
  readTimeoutMs: 60_000,
  readHeaderTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  maxConnections: 256,
};

/** An otlp receiver on two free ports of 127.0.0.1. */
export async function startOtlpReceiver({
  answer = () => ({ kind: 'accepted' }),
  admission = () => undefined,
  maxBytes = 4 * 1024 * 1024,
}: {
  answer?: (data: ProfilesData) => SinkAnswer;
  admission?: Admission;
  maxBytes?: number;
} = {}): Promise<OtlpTestReceiver> {
  const { meter, values } = recordMetrics();
  const logger = pino({ level: 'silent' });
  const grpc = { ...plainGrpcConfig, maxReceiveMessageBytes: maxBytes };
  const server = new GrpcServer(grpc, { clock: new FakeClock(), meter, logger });
  const received: ProfilesData[] = [];
  const sink = {
    submit({ data }: ReceivedProfiles): SinkAnswer {
      received.push(withLists(data));
      return answer(data);
    },
  };
  const config = { grpc, http: { ...plainHttpConfig, maxRequestBodyBytes: maxBytes } };
  const receiver = new OtlpReceiver('otlp', config, { server, sink, admission, clock: new FakeClock(), meter, logger });
  await receiver.start();
  return {
    grpcPort: server.port,
    httpUrl: `http://127.0.0.1:${receiver.httpPort}/v1development/profiles`,
    received,
    metrics: values,
    stop: () => receiver.stop(AbortSignal.timeout(2_000)),
  };
}

/** One unary call; rejects with the ServiceError. */
export async function exportOverGrpc(
  port: number,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  compression: 0 | 1 | 2 = 0,
  deadlineMs = 60_000,
): Promise<Buffer> {
  const options = { 'grpc.default_compression_algorithm': compression };
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) metadata.add(name, value);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(
        '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
        (message: Uint8Array) => Buffer.from(message),
        (message: Buffer) => message,
        bytes,
        metadata,
        { deadline: Number(systemClock.unixNano() / 1_000_000n) + deadlineMs },
        (error: ServiceError | null, response?: Buffer) => (error === null ? resolve(response!) : reject(error)),
      );
    });
  } finally {
    client.close();
  }
}
