import type { Meter } from '@opentelemetry/api';
import pino from 'pino';
import type { Admission } from '../../src/model/admission.ts';
import type { BatchOutcome } from '../../src/model/batch-outcome.ts';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import type { FrameSink } from '../../src/receivers/frames/batch-intake.ts';
import { FramesReceiver } from '../../src/receivers/frames/frames-receiver.ts';
import { GrpcServer } from '../../src/receivers/grpc-server.ts';
import type { GrpcServerConfig } from '../../src/receivers/grpc-server-config.ts';
import { FairTurns } from '../../src/support/fair-turns.ts';
import { FakeClock } from './fake-clock.ts';
import { recordMetrics } from './metric-recorder.ts';
import { oneStep } from './one-step.ts';

export interface FramesServer {
  readonly receiver: FramesReceiver;
  readonly server: GrpcServer;
  readonly port: number;
  readonly clock: FakeClock;
  readonly metrics: () => Promise<Map<string, number>>;
  /** Log lines as JSON. */
  readonly log: readonly string[];
  readonly stop: () => Promise<void>;
}

export const plainGrpcConfig: GrpcServerConfig = {
  endpoint: '127.0.0.1:0',
  tls: undefined,
  authenticator: '',
  maxReceiveMessageBytes: 4 * 1024 * 1024,
  maxConcurrentStreams: 100,
  maxConnections: 256,
  maxConnectionIdleMs: undefined,
  maxConnectionAgeMs: undefined,
  maxConnectionAgeGraceMs: undefined,
  keepaliveTimeMs: 7_200_000,
  keepaliveTimeoutMs: 20_000,
};

/** Takes all samples and needs no names. */
export function acceptAll({ samples }: FrameBatch): BatchOutcome {
  return { acceptedSamples: samples.count, rejections: [], namesNeeded: [], executablesNeeded: [], retryDelayMs: 0 };
}

/** A frames receiver that listens on a free port of 127.0.0.1 and hands batches to `submit`. */
export async function startFramesServer(
  submit: (batch: FrameBatch) => BatchOutcome = acceptAll,
  config: Partial<GrpcServerConfig> = {},
  admission: Admission = () => undefined,
  turns: FairTurns = new FairTurns(new FakeClock(), 64 * 1024 * 1024),
): Promise<FramesServer> {
  const log: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => log.push(line) });
  const { meter, values }: { meter: Meter; values: () => Promise<Map<string, number>> } = recordMetrics();
  const clock = new FakeClock();
  const grpc = { ...plainGrpcConfig, ...config };
  const server = new GrpcServer(grpc, { clock, meter, logger });
  const timeBounds = { maxAgeMs: 86_400_000, maxFutureMs: 3_600_000 };
  const sink: FrameSink = {
    turns,
    submitInSteps: (batch) => oneStep(() => submit(batch)),
    restore: () => undefined,
  };
  const dependencies = { server, sink, admission, clock, meter, logger };
  const receiver = new FramesReceiver('frames', { grpc, timeBounds }, dependencies);
  await receiver.start();
  server.setServing(true);
  const stop = (): Promise<void> => receiver.stop(AbortSignal.timeout(2_000));
  return { receiver, server, port: server.port, clock, metrics: values, log, stop };
}
