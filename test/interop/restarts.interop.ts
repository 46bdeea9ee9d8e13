import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { after, before, test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import type { Collector } from './collector.ts';
import { startCollector } from './collector.ts';
import { exampleProfiles } from './example-profiles.ts';
import type { Exporters } from './otlp-between.ts';
import { startBetween } from './otlp-between.ts';

/** Of the one that sends to what is stopped: tries again soon, and has room for all that comes meanwhile. */
const patient = {
  retry_on_failure: { initial_interval: '50ms', max_interval: '200ms' },
  sending_queue: { queue_size: 100_000 },
};
const restarts = 3;
/** Requests that are sent while something stops or starts, and in between. */
const some = 30;
const timeout = { timeout: 120_000 };
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-restarts-'));
});
after(() => rmSync(folder, { recursive: true }));

const ownFolder = (): string => mkdtempSync(join(folder, 'run-'));

/** Where Collectors send on what they take, without a queue of their own: what has arrived there has arrived. */
async function startSink(t: TestContext): Promise<{ server: ScriptedHttpServer; exporters: Exporters }> {
  const server = await ScriptedHttpServer.start();
  t.after(() => server.stop());
  const exporter = { endpoint: server.endpoint, compression: 'none', sending_queue: { enabled: false } };
  return { server, exporters: { 'otlp_http/sink': exporter } };
}

for (const { kind, settings } of [
  { kind: 'otlp_grpc', settings: ({ grpcEndpoint: endpoint }: Collector) => ({ endpoint, tls: { insecure: true } }) },
  { kind: 'otlp_http', settings: ({ httpEndpoint: endpoint }: Collector) => ({ endpoint }) },
]) {
  test(`a Collector that is stopped and started again gets everything once by ${kind}`, timeout, async (t) => {
    const { server, exporters } = await startSink(t);
    let collector = await startCollector(ownFolder(), { exporters });
    t.after(() => collector.stop());
    const between = await startBetween(ownFolder(), { [kind]: { ...settings(collector), ...patient } });
    t.after(() => between.stop());
    const stream = new NumberedStream(between.ports.grpc);
    await stream.send(some);
    for (let i = 0; i < restarts; i++) {
      await Promise.all([collector.stop(), stream.send(some)]);
      const starting = startCollector(ownFolder(), { exporters, ports: collector.ports });
      [collector] = await Promise.all([starting, stream.send(some)]);
      await stream.send(some);
    }
    await server.until(({ requests }) => requests.length >= stream.count);
    await between.stop();
    await collector.stop();
    assert.deepEqual(numbersOf(server), upTo(stream.count));
  });
}

test(
  'between two Collectors the service can be stopped and started again, and everything arrives once',
  timeout,
  async (t) => {
    const { server, exporters } = await startSink(t);
    const behind = await startCollector(ownFolder(), { exporters });
    t.after(() => behind.stop());
    const way = { otlp_grpc: { endpoint: behind.grpcEndpoint, tls: { insecure: true } } };
    let between = await startBetween(ownFolder(), way);
    t.after(() => between.stop());
    const front = await startCollector(ownFolder(), {
      // Over gRPC a Collector would wait for seconds before it connects again.
      exporters: { otlp_http: { endpoint: between.httpEndpoint, ...patient } },
    });
    t.after(() => front.stop());
    const stream = new NumberedStream(front.ports.grpc);
    await stream.send(some);
    for (let i = 0; i < restarts; i++) {
      await Promise.all([between.stop(), stream.send(some)]);
      [between] = await Promise.all([startBetween(ownFolder(), way, between.ports), stream.send(some)]);
      await stream.send(some);
    }
    await server.until(({ requests }) => requests.length >= stream.count);
    for (const { stop } of [front, between, behind]) await stop();
    assert.deepEqual(numbersOf(server), upTo(stream.count));
  },
);

/** Sends requests of one numbered sample, one after the other. */
class NumberedStream {
  readonly #port: number;
  #count = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Requests that were sent, numbered from 0. */
  get count(): number {
    return this.#count;
  }

  async send(more: number): Promise<void> {
    for (let i = 0; i < more; i++) await exportOverGrpc(this.#port, encodeProfilesData(numbered(this.#count++)));
  }
}

function numbered(number: number): ProfilesData {
  const data = exampleProfiles();
  const [resource] = data.resourceProfiles;
  const [scope] = resource!.scopeProfiles;
  const [, offCpu] = scope!.profiles;
  const [sample] = offCpu!.samples;
  const profile = { ...offCpu!, samples: [{ ...sample!, values: [BigInt(number)] }] };
  return { ...data, resourceProfiles: [{ ...resource!, scopeProfiles: [{ ...scope!, profiles: [profile] }] }] };
}

/** Numbers of all samples that arrived, sorted. */
function numbersOf({ requests }: ScriptedHttpServer): number[] {
  const profiles = requests
    .flatMap(({ bytes }) => decodeProfilesData(bytes).resourceProfiles)
    .flatMap(({ scopeProfiles }) => scopeProfiles)
    .flatMap((scope) => scope.profiles);
  const values = profiles.flatMap(({ samples }) => [...samples].flatMap((sample) => sample.values));
  return values.map(Number).sort((a, b) => a - b);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
