import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodes } from '../src/cli/command-io.ts';
import { encodeProfilesJson } from '../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../src/profile/check/check-conformance.ts';
import { FrameReader } from '../src/profile/flame/frame-reader.ts';
import type { Service } from '../src/service/service.ts';
import { normalForm } from './interop/normal-form.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { observations } from './otlp/observations.ts';
import { decodeProfilesJson } from './support/decode-json.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { freePorts } from './support/free-ports.ts';
import { exportOverGrpc } from './support/otlp-sender.ts';
import { serveConfig } from './support/serve-config.ts';

interface Run {
  readonly code: number;
  /** What the file exporter wrote. */
  readonly messages: readonly ProfilesData[];
  readonly problems: string;
}

/** The whole service; `pipeline` is what stands between exporters and the rest. */
async function run(
  receivers: string,
  pipeline: string,
  send: (service: Service) => Promise<void>,
  cycle = '',
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  const path = join(folder, 'profiles.jsonl');
  const config = `
receivers: ${receivers}
processors: {symbol_store: {}, reporting_cycle: {interval: 1h, ${cycle}}}
exporters: {file: {path: "${path}"}}
service:
  pipelines: {profiles: {${pipeline}, exporters: [file]}}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`;
  try {
    const { code, problems } = await serveConfig(config, async (service) => {
      await send(service);
      return exitCodes.ok;
    });
    const lines = code === exitCodes.ok ? readFileSync(path, 'utf8').trim().split('\n') : [];
    return { code, messages: lines.map(decodeProfilesJson), problems };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const otlp = '{otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}';

test('a pipeline of otlp alone needs no reporting cycle, and names what it has seen named', async () => {
  const nameless = goodProfiles();
  nameless.dictionary.locationTable[2]!.lines = [];
  const { messages, code } = await run(otlp, 'receivers: [otlp], processors: [symbol_store]', async (service) => {
    const ports = service.receiverPorts;
    await exportOverGrpc(ports.get('otlp')!, encodeProfilesData(goodProfiles()));
    const response = await fetch(`http://127.0.0.1:${ports.get('otlp:http')}/v1development/profiles`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: encodeProfilesJson(nameless),
    });
    assert.equal(response.status, 200);
  });
  assert.equal(code, exitCodes.ok);
  assert.equal(messages.length, 2);
  const sent = normalForm([goodProfiles()]).lines;
  for (const message of messages) assert.deepEqual(normalForm([message]).lines, sent);
});

test('frames and OTLP come in at one port, and a name from one side serves the other', async () => {
  const [port] = await freePorts(1);
  const protocols = `{protocols: {grpc: {endpoint: "127.0.0.1:${port}"}}}`;
  const receivers = `{frames: ${protocols}, otlp: ${protocols}}`;
  const pipeline = 'receivers: [frames, otlp], processors: [symbol_store, reporting_cycle]';
  const { messages } = await run(receivers, pipeline, async (service) => {
    assert.deepEqual([...service.receiverPorts.values()], [port, port]);
    const frames = new FramesClient(port!);
    await frames.submit(
      smallBatch([BigInt(Date.now()) * 1_000_000n], {
        fileIds: Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
        symbols: [{ fileId: 1, addressOrLine: 0x1234n, locations: [{ function: 5 }] }],
      }),
    );
    frames.close();
    await exportOverGrpc(port!, encodeProfilesData(goodProfiles()));
  });
  // The request goes on at once, the batch at the end of the cycle.
  assert.equal(messages.length, 2);
  const { dictionary } = messages[0]!;
  const named = [...dictionary.locationTable].find(({ address }) => address === 0x1234n)!;
  const entry = dictionary.functionTable.at(named.lines[0]!.functionIndex)!;
  assert.equal(dictionary.stringTable.at(entry.nameStrindex), 'main');
});

const both = 'receivers: [frames, otlp], processors: [symbol_store, reporting_cycle]';
const merging = 'otlp_profiles: merge';

/** The whole service at one port for frames and OTLP; HTTP on another. */
async function runMerging(
  send: (clients: { frames: FramesClient; grpcPort: number; httpUrl: string }) => Promise<void>,
  cycle = merging,
): Promise<Run> {
  const [port] = await freePorts(1);
  const grpc = `grpc: {endpoint: "127.0.0.1:${port}"}`;
  const receivers = `{frames: {protocols: {${grpc}}}, otlp: {protocols: {${grpc}, http: {endpoint: "127.0.0.1:0"}}}}`;
  return run(
    receivers,
    both,
    async (service) => {
      const frames = new FramesClient(port!);
      const httpUrl = `http://127.0.0.1:${service.receiverPorts.get('otlp:http')}/v1development/profiles`;
      await send({ frames, grpcPort: port!, httpUrl });
      frames.close();
    },
    cycle,
  );
}

function postJson(url: string, data: ProfilesData): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: encodeProfilesJson(data) });
}

test('merged into the cycle, requests over gRPC and HTTP leave with the last report, as one', async () => {
  const { messages, code } = await runMerging(async ({ grpcPort, httpUrl }) => {
    await exportOverGrpc(grpcPort, encodeProfilesData(goodProfiles()));
    assert.equal((await postJson(httpUrl, goodProfiles())).status, 200);
    await exportOverGrpc(grpcPort, encodeProfilesData(goodProfiles()));
  });
  assert.equal(code, exitCodes.ok);
  assert.equal(messages.length, 1);
  assert.deepEqual(observations(messages), observations([goodProfiles(), goodProfiles(), goodProfiles()]));
  assert.deepEqual(checkConformance(messages[0]!), []);
});

test('merged into the cycle, frames and OTLP of one process are one resource, and each is named by the other', async () => {
  // Names that come after what they name: both wait for the tick.
  const ofProcess = goodProfiles();
  ofProcess.resourceProfiles[0]!.resource.attributes = [
    { key: 'process.executable.name', value: 'main' },
    { key: 'process.pid', value: 42n },
    { key: 'service.name', value: 'unknown_service:main' },
  ];
  ofProcess.resourceProfiles[0]!.schemaUrl = 'https://opentelemetry.io/schemas/1.44.0';
  const { messages } = await runMerging(async ({ frames, grpcPort }) => {
    const fileIds = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const moment = BigInt(Date.now()) * 1_000_000n;
    const named = [{ fileId: 1, addressOrLine: 0x1234n, locations: [{ function: 5 }] }];
    await frames.submit(
      smallBatch([moment], { sequence: 1, fileIds, frames: [{ fileId: 1, addressOrLine: 0x2345n, kind: 1 }] }),
    );
    await exportOverGrpc(grpcPort, encodeProfilesData(ofProcess));
    await frames.submit(smallBatch([moment], { sequence: 2, fileIds, symbols: named }));
  });
  assert.equal(messages.length, 1);
  const { dictionary, resourceProfiles } = messages[0]!;
  assert.equal(resourceProfiles.length, 1);
  const reader = new FrameReader(dictionary);
  const namesAt = (place: bigint): string[] =>
    [...dictionary.locationTable].flatMap(({ address }, index) =>
      address === place
        ? [
            reader
              .locationFrames(index)
              .map(({ functionName }) => functionName)
              .join(' < '),
          ]
        : [],
    );
  assert.deepEqual([...new Set(namesAt(0x1234n))], ['main']);
  assert.deepEqual([...new Set(namesAt(0x2345n))], ['add < checkout']);
  assert.deepEqual(checkConformance(messages[0]!), []);
});

test('merged into the cycle, nothing is decoded for a window that is full', async () => {
  await runMerging(async ({ grpcPort }) => {
    await exportOverGrpc(grpcPort, encodeProfilesData(goodProfiles()));
    await assert.rejects(
      exportOverGrpc(grpcPort, Buffer.from('no profiles')),
      /window of this reporting cycle is full/,
    );
  }, `${merging}, max_events: 3`);
});

test('merged into the cycle, what a full window has no room for is refused with a time to wait', async () => {
  const { messages } = await runMerging(async ({ frames, grpcPort, httpUrl }) => {
    await exportOverGrpc(grpcPort, encodeProfilesData(goodProfiles()));
    const response = await postJson(httpUrl, goodProfiles());
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '3600']);
    await assert.rejects(exportOverGrpc(grpcPort, encodeProfilesData(goodProfiles())), /window of this reporting/);
    const reply = await frames.submit(
      smallBatch([BigInt(Date.now()) * 1_000_000n, 1n + BigInt(Date.now()) * 1_000_000n]),
    );
    assert.deepEqual([reply.acceptedSamples, reply.rejectedSamples], [0, 1]);
  }, `${merging}, max_events: 4`);
  assert.deepEqual(observations(messages), observations([goodProfiles()]));
});

for (const { name, receivers, pipeline, problem } of [
  {
    name: 'frames without a cycle',
    receivers: '{frames: {protocols: {grpc: }}, otlp: {protocols: {grpc: }}}',
    pipeline: 'receivers: [frames, otlp], processors: [symbol_store]',
    problem:
      /profiles\.processors: is \[symbol_store\]; name one symbol_store and then one reporting_cycle: \[symbol_store, reporting_cycle\]; a memory_limiter may be the first, a symbolizer may stand between them, and filter, k8s_attributes, resource, resource_detection and service_name anywhere behind\./,
  },
  {
    name: 'no symbol store',
    receivers: '{otlp: {protocols: {grpc: }}}',
    pipeline: 'receivers: [otlp], processors: []',
    problem: /profiles\.processors: is \[\]; .*without a frames receiver, \[symbol_store\] is enough\./,
  },
  {
    name: 'two otlp receivers at one endpoint',
    receivers: '{otlp: {protocols: {http: }}, otlp/2: {protocols: {http: }}}',
    pipeline: 'receivers: [otlp, otlp/2], processors: [symbol_store]',
    problem:
      /receivers\.otlp\/2\.protocols\.http\.endpoint: localhost:4318 is the endpoint of receiver "otlp" too; give each receiver of otlp/,
  },
  {
    name: 'an otlp receiver without protocols',
    receivers: '{otlp: }',
    pipeline: 'receivers: [otlp], processors: [symbol_store]',
    problem: /receivers\.otlp\.protocols: must specify at least one protocol when using the OTLP receiver/,
  },
]) {
  test(`a pipeline with ${name} is refused at the start`, async () => {
    const { code, problems } = await run(receivers, pipeline, async () => assert.fail('it started'));
    assert.equal(code, exitCodes.usage);
    assert.match(problems, problem);
  });
}
