import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Meter } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import pino from 'pino';
import { decodeAnyWire } from '../../src/otlp/decode-any-wire.ts';
import { encodeProfilesData } from '../../src/otlp/encode-profiles-data.ts';
import { findWireVersion } from '../../src/otlp/wire-version.ts';
import { PassThrough } from '../../src/pass-through.ts';
import { enrichProfiles } from '../../src/profile/enrich-profiles.ts';
import { GrpcServer } from '../../src/receivers/grpc-server.ts';
import { OtlpReceiver } from '../../src/receivers/otlp/otlp-receiver.ts';
import { profilesServiceDefinition } from '../../src/receivers/otlp/otlp-service.ts';
import { sortOutProfiles } from '../../src/receivers/otlp/sort-out-profiles.ts';
import { systemClock } from '../../src/support/clock.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { plainGrpcConfig } from '../support/frames-server.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { PlainNameBook } from '../support/plain-name-book.ts';
import { configOf } from '../symbols/store-harness.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds, quantile } from './bench.ts';
import { syntheticProfiles } from './synthetic-profiles.ts';

const sampleCount = 1000;
const callsPerRound = 8;

/** What passing a request through costs, step by step, and as a whole beside a server that decodes nothing. */
export const suite: BenchSuite = {
  name: 'otlp-in',
  async run({ rounds }) {
    const bytes = encodeProfilesData(syntheticProfiles());
    const { data } = decodeAnyWire(bytes, true);
    const names = new PlainNameBook();
    const enriched = enrichProfiles(data, names).data;
    const steps = compareInRounds(
      [
        { what: 'decode', run: () => decodeAnyWire(bytes, true) },
        { what: 'find the version', run: () => findWireVersion(bytes) },
        { what: 'check references', run: () => sortOutProfiles(data) },
        { what: 'write the dictionary anew', run: () => enrichProfiles(data, names) },
        { what: 'encode', run: () => encodeProfilesData(enriched) },
      ],
      { unit: 'ns/sample', rounds, runsPerRound: 10, convert: (nanoseconds) => nanoseconds / sampleCount },
    );
    return [...steps, ...(await compareServers(bytes, rounds))];
  },
};

/** Whole calls over a socket, client included, in turns. */
async function compareServers(bytes: Uint8Array, rounds: number): Promise<BenchRow[]> {
  const servers = [await startFloor(), await startPassThrough()];
  const times = servers.map((): number[] => []);
  for (let round = -2; round < rounds; round++) {
    for (const [index, { port }] of servers.entries()) {
      const start = process.hrtime.bigint();
      for (let call = 0; call < callsPerRound; call++) await exportOverGrpc(port, bytes);
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      if (round >= 0) times[index]!.push((callsPerRound * bytes.length) / 1e6 / seconds);
    }
  }
  for (const { stop } of servers) await stop();
  const [floor, own] = times as [number[], number[]];
  const row = (what: string, values: number[]): BenchRow => ({
    what: `${what}, ${bytes.length} bytes a call`,
    unit: 'MB/s',
    median: quantile(values, 0.5),
    spread: quantile(values, 0.75) - quantile(values, 0.25),
  });
  const whole = row('pass through', own);
  const bottom = row('a server that decodes nothing', floor);
  return [bottom, { ...whole, ratioTo: { what: bottom.what, ratio: whole.median / bottom.median } }];
}

interface RunningServer {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

async function startFloor(): Promise<RunningServer> {
  const server = new Server();
  const empty = Buffer.alloc(0);
  server.addService(profilesServiceDefinition, { Export: (_call: unknown, reply: Reply) => reply(null, empty) });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, stop: () => new Promise((resolve) => server.tryShutdown(() => resolve())) };
}

type Reply = (error: null, response: Buffer) => void;

async function startPassThrough(): Promise<RunningServer> {
  const meter: Meter = new MeterProvider().getMeter('bench');
  const logger = pino({ level: 'silent' });
  const store = new SymbolStore(configOf(), Math.random);
  // As an exporter's client does, before it writes to its socket.
  const offer = (request: { encoded(): Uint8Array }): boolean => request.encoded().length > 0;
  const exporters = [{ id: 'bench', room: 'open' as const, offer }];
  const sink = new PassThrough({ store, ownsStore: true, exporters, clock: systemClock, meter });
  const server = new GrpcServer(plainGrpcConfig, { clock: systemClock, meter, logger });
  const config = { grpc: plainGrpcConfig, http: undefined };
  const admission = (): undefined => undefined;
  const receiver = new OtlpReceiver('otlp', config, { server, sink, admission, clock: systemClock, meter, logger });
  await receiver.start();
  return { port: server.port, stop: () => receiver.stop(AbortSignal.timeout(2_000)) };
}
