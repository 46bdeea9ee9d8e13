import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import type { Meter } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import pino from 'pino';
import { parseFileId } from '../../src/model/file-id.ts';
import { PassableScanner } from '../../src/otlp/passable/passable-scanner.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeAnyWire } from '../../src/otlp/protobuf/decode-any-wire.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { findWireVersion } from '../../src/otlp/protobuf/wire-version.ts';
import { namesOfStore } from '../../src/pipeline/node-names.ts';
import { PassThrough } from '../../src/pipeline/pass-through.ts';
import { enrichPassable } from '../../src/profile/names/enrich-passable.ts';
import { enrichProfiles } from '../../src/profile/names/enrich-profiles.ts';
import type { NamingSession } from '../../src/profile/names/location-naming.ts';
import { GrpcServer } from '../../src/receivers/grpc-server.ts';
import { OtlpReceiver } from '../../src/receivers/otlp/otlp-receiver.ts';
import { sortOutProfiles } from '../../src/receivers/otlp/sort-out-profiles.ts';
import { systemClock } from '../../src/support/clock.ts';
import { atOnce } from '../../src/support/steps.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { plainGrpcConfig } from '../support/frames-server.ts';
import { profilesServiceDefinition } from '../support/grpc-services.ts';
import { configOf } from '../symbols/store-harness.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds, quantile } from './bench.ts';
import { hashOf, nameless, passingProfiles } from './passing-profiles.ts';

/** Bytes that go through each server in a round. */
const bytesPerRound = 1_500_000;
const warmUpMs = 1_500;
const sizes = [
  { name: '4 kB', scale: 0.05 },
  { name: '100 kB', scale: 1.3 },
  { name: '3 MB', scale: 40 },
];

/** What passing a request on costs, step by step, and as a whole beside a server that decodes nothing. */
export const suite: BenchSuite = {
  name: 'otlp-in',
  async run({ rounds }) {
    const steps = compareSteps(rounds);
    const servers: BenchRow[] = [];
    for (const { name, scale } of sizes) servers.push(...(await compareServers(name, scale, rounds)));
    return [...steps, ...servers];
  },
};

/** The steps of the slow way, and of the fast ones. */
function compareSteps(rounds: number): BenchRow[] {
  const { data } = passingProfiles(1.3);
  const bytes = encodeProfilesData(data);
  const scanner = new PassableScanner();
  const nobody: NamingSession = {
    learnExecutable() {},
    learnSymbol() {},
    openFile: () => undefined,
    reasonUnknown: () => 'never_submitted',
  };
  const everybody: NamingSession = { ...nobody, openFile: () => ({ find: (_, low) => symbolAt(low) }) };
  const enriched = enrichProfiles(data, nobody).data;
  const scan = () => {
    const finding = scanner.scan(bytes, true);
    if (finding.kind !== 'passable') throw new Error(finding.reason);
    return finding.profiles;
  };
  const contenders = [
    { what: 'rebuilt: decode', run: () => decodeAnyWire(bytes, true) },
    { what: 'rebuilt: check references', run: () => sortOutProfiles(data) },
    { what: 'rebuilt: write the dictionary anew', run: () => enrichProfiles(data, nobody) },
    { what: 'rebuilt: encode', run: () => encodeProfilesData(enriched) },
    { what: 'every way: find the version', run: () => findWireVersion(bytes) },
    { what: 'as it was: scan', run: () => scan() },
    { what: 'as it was: scan, look for names', run: () => atOnce(enrichPassable(scan(), nobody)) },
    { what: 'named: scan, add names', run: () => atOnce(enrichPassable(scan(), everybody)) },
  ];
  for (const { run } of contenders) {
    const endMs = performance.now() + warmUpMs;
    while (performance.now() < endMs) run();
  }
  return compareInRounds(contenders, {
    unit: 'µs',
    rounds,
    runsPerRound: 10,
    convert: (nanoseconds) => nanoseconds / 1000,
  });
}

/**
 * Whole calls over one connection, client included, in turns. By the time that the process computed, not by the clock: what
 * else the machine does must not count, and nothing here waits for anything.
 */
async function compareServers(size: string, scale: number, rounds: number): Promise<BenchRow[]> {
  const { data } = passingProfiles(scale);
  const bytes = encodeProfilesData(data);
  const stringTable = [...data.dictionary.stringTable, 'of no use'];
  const untidy = encodeProfilesData({ ...data, dictionary: { ...data.dictionary, stringTable } });
  const contenders = [
    { what: 'a server that decodes nothing', bytes, server: await startFloor() },
    { what: 'as it was', bytes, server: await startPassThrough(() => undefined) },
    { what: 'named', bytes, server: await startPassThrough((store) => teach(store, data)) },
    { what: 'rebuilt', bytes: untidy, server: await startPassThrough(() => undefined) },
  ].map((contender) => ({ ...contender, client: createClient(contender.server.port), rates: [] as number[] }));
  const calls = Math.max(1, Math.round(bytesPerRound / bytes.length));
  // What is compiled only later would be measured as slow: the fast ways have run for the shortest time.
  for (const { client, bytes: sent } of contenders) {
    const endMs = performance.now() + warmUpMs;
    while (performance.now() < endMs) await exportOnce(client, sent);
  }
  for (let round = 0; round < rounds; round++) {
    for (const { client, bytes: sent, rates } of contenders) {
      const start = process.cpuUsage();
      for (let call = 0; call < calls; call++) await exportOnce(client, sent);
      const { user, system } = process.cpuUsage(start);
      const seconds = (user + system) / 1e6;
      rates.push((calls * sent.length) / 1e6 / seconds);
    }
  }
  for (const { client, server } of contenders) {
    client.close();
    await server.stop();
  }
  const row = ({ what, rates }: { what: string; rates: number[] }): BenchRow => ({
    what: `${size}: ${what}`,
    unit: 'MB per CPU second',
    median: quantile(rates, 0.5),
    spread: quantile(rates, 0.75) - quantile(rates, 0.25),
  });
  const [floor, ...ways] = contenders.map(row) as [BenchRow, ...BenchRow[]];
  return [floor, ...ways.map((way) => ({ ...way, ratioTo: { what: floor.what, ratio: way.median / floor.median } }))];
}

/** Tells a store all that the senders of these profiles do not know. */
function teach(store: SymbolStore, { dictionary }: ProfilesData): void {
  for (const index of nameless(dictionary.locationTable)) {
    const { address, mappingIndex } = dictionary.locationTable.at(index)!;
    const fileId = parseFileId(hashOf(mappingIndex - 1))!;
    store.at(0).learnSymbol(fileId, 0, Number(address), symbolAt(Number(address)));
  }
}

function symbolAt(address: number) {
  const functionName = `__library_function_${address % 5000}`;
  return { functionName, systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };
}

function createClient(port: number): Client {
  const options = { 'grpc.max_send_message_length': -1 };
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
}

function exportOnce(client: Client, bytes: Uint8Array): Promise<void> {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      profilesServiceDefinition.Export!.path,
      (request: Buffer) => request,
      (response: Buffer) => response,
      message,
      (error) => (error === null ? resolve() : reject(error)),
    );
  });
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

async function startPassThrough(fill: (store: SymbolStore) => void): Promise<RunningServer> {
  const meter: Meter = new MeterProvider().getMeter('bench');
  const logger = pino({ level: 'silent' });
  const store = new SymbolStore(configOf(), Math.random);
  fill(store);
  // As an exporter's client does, before it writes to its socket.
  const exporters = [fakeExporter('bench', (request) => request.encoded().length > 0)];
  const sink = new PassThrough({ names: namesOfStore(store), exporters, clock: systemClock, meter });
  const server = new GrpcServer(plainGrpcConfig, { clock: systemClock, meter, logger });
  const config = { grpc: plainGrpcConfig, http: undefined };
  const admission = (): undefined => undefined;
  const receiver = new OtlpReceiver('otlp', config, { server, sink, admission, clock: systemClock, meter, logger });
  await receiver.start();
  return { port: server.port, stop: () => receiver.stop(AbortSignal.timeout(2_000)) };
}
