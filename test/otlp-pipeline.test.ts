import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodes } from '../src/cli/command-io.ts';
import { decodeProfilesJson } from '../src/otlp/decode-profiles-json.ts';
import { encodeProfilesData } from '../src/otlp/encode-profiles-data.ts';
import { encodeProfilesJson } from '../src/otlp/encode-profiles-json.ts';
import type { ProfilesData } from '../src/otlp/profiles-data.ts';
import { runServe } from '../src/serve.ts';
import type { Service } from '../src/service.ts';
import { normalForm } from './interop/normal-form.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { freePorts } from './support/child-process.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { exportOverGrpc } from './support/otlp-sender.ts';

interface Run {
  readonly code: number;
  /** What the file exporter wrote. */
  readonly messages: readonly ProfilesData[];
  readonly problems: string;
}

/** The whole service; `pipeline` is what stands between exporters and the rest. */
async function run(receivers: string, pipeline: string, send: (service: Service) => Promise<void>): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  const path = join(folder, 'profiles.jsonl');
  const config = `
receivers: ${receivers}
processors: {symbol_store: {}, reporting_cycle: {interval: 1h}}
exporters: {file: {path: "${path}"}}
service:
  pipelines: {profiles: {${pipeline}, exporters: [file]}}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`;
  const problems: string[] = [];
  const io = {
    env: {},
    stdout: () => undefined,
    stderr: (text: string) => void problems.push(text),
    readFile: () => config,
  };
  try {
    const { signal } = new AbortController();
    const code = await runServe({ configs: ['file:in-memory.yaml'], sets: [] }, io, signal, async (service) => {
      await send(service);
      return exitCodes.ok;
    });
    const lines = code === exitCodes.ok ? readFileSync(path, 'utf8').trim().split('\n') : [];
    return { code, messages: lines.map(decodeProfilesJson), problems: problems.join('') };
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
  const named = dictionary.locationTable.find(({ address }) => address === 0x1234n)!;
  const entry = dictionary.functionTable[named.lines[0]!.functionIndex]!;
  assert.equal(dictionary.stringTable[entry.nameStrindex], 'main');
});

for (const { name, receivers, pipeline, problem } of [
  {
    name: 'frames without a cycle',
    receivers: '{frames: {protocols: {grpc: }}, otlp: {protocols: {grpc: }}}',
    pipeline: 'receivers: [frames, otlp], processors: [symbol_store]',
    problem:
      /profiles\.processors: is \[symbol_store\]; name one symbol_store and then one reporting_cycle: \[symbol_store, reporting_cycle\]\./,
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
