import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeProfilesData } from '../src/otlp/protobuf/decode-profiles-data.ts';
import { childConfig } from './support/child-config.ts';
import { runChild, waitForHealth } from './support/child-process.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { freePorts } from './support/free-ports.ts';
import { ScriptedOtlpServer } from './support/otlp-server.ts';
import { attributesOf } from './support/plain-view.ts';

const main = join(import.meta.dirname, '../src/main.ts');

test('what was reported while the backend was away arrives after the service was killed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-durable-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [framesPort, healthPort, metricsPort, backendPort] = (await freePorts(4)) as [number, number, number, number];
  const config = join(folder, 'framekeeper.yaml');
  const retry = { initial_interval: '50ms', max_interval: '50ms' };
  writeFileSync(
    config,
    childConfig({
      receivers: { frames: { protocols: { grpc: { endpoint: `127.0.0.1:${framesPort}` } } } },
      processors: { symbol_store: {}, reporting_cycle: { interval: '50ms' } },
      exporters: {
        otlp_grpc: {
          endpoint: `127.0.0.1:${backendPort}`,
          tls: { insecure: true },
          retry_on_failure: retry,
          sending_queue: { storage: 'file_storage', num_consumers: 2 },
        },
      },
      extensions: { file_storage: { directory: join(folder, 'storage'), create_directory: true } },
      ...{ healthPort, metricsPort },
    }),
  );
  const start = async () => {
    const child = runChild(process.execPath, [main, '--config', config], { folder });
    t.after(() => child.kill());
    await waitForHealth(`http://127.0.0.1:${healthPort}/`, child);
    return child;
  };
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const lines = text.split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };

  const first = await start();
  const client = new FramesClient(framesPort);
  t.after(() => client.close());
  const batchCount = 12;
  for (let number = 1; number <= batchCount; number++) {
    const timestamps = [BigInt(Date.now()) * 1_000_000n];
    const sample = { stack: 1, process: 1, profileType: 1, threadId: 1_000 + number, timestamps };
    const reply = await client.submit(smallBatch(timestamps, { sequence: number, samples: [sample] }));
    assert.equal(reply.acceptedSamples, 1);
    while ((await metric('framekeeper_reported_trace_events')) < number) await new Promise((r) => setTimeout(r, 5));
  }
  assert.ok((await metric('framekeeper_exporter_storage_records')) > 2, 'more than the consumers hold');
  await first.kill();

  const server = await ScriptedOtlpServer.start([], { port: backendPort });
  t.after(() => server.stop());
  const second = await start();
  const threads = (): number[] =>
    server.requests.flatMap(({ bytes }) => {
      const data = decodeProfilesData(bytes);
      const scopes = data.resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles);
      const samples = scopes.flatMap(({ profiles }) => profiles).flatMap((profile) => [...profile.samples]);
      return [...samples].map(({ attributeIndices }) => Number(attributesOf(data, attributeIndices)['thread.id']));
    });
  await server.until(() => new Set(threads()).size === batchCount);
  assert.deepEqual(
    threads().sort((a, b) => a - b),
    Array.from({ length: batchCount }, (_, index) => 1_001 + index),
  );
  assert.equal(await metric('framekeeper_exporter_storage_restored_records'), server.requests.length);
  assert.equal(await second.stop(), 0);
  assert.doesNotMatch(second.output(), /Dropping data|"level":50/);
});

test('a second service on the same storage does not start, and says who has it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-durable-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [framesPort, healthPort] = (await freePorts(2)) as [number, number];
  const args = [main, '--config', join(import.meta.dirname, '../otel-config.yaml')];
  const sets = [
    `extensions.file_storage.directory=${folder}`,
    'service.extensions=[health_check, file_storage]',
    'service.telemetry.metrics.level=none',
    'exporters.debug.sending_queue.storage=file_storage',
    'service.pipelines.profiles.exporters=[debug]',
  ];
  const startAt = (frames: number, health: number) =>
    runChild(process.execPath, [
      ...args,
      ...[
        ...sets,
        `receivers.frames.protocols.grpc.endpoint=127.0.0.1:${frames}`,
        `extensions.health_check.endpoint=127.0.0.1:${health}`,
      ].flatMap((set) => ['--set', set]),
    ]);
  const first = startAt(framesPort, healthPort);
  t.after(() => first.kill());
  await waitForHealth(`http://127.0.0.1:${healthPort}/`, first);
  const second = startAt(0, 0);
  assert.equal(await second.ended(), 1, second.output());
  assert.match(
    second.output(),
    /is in use by process \d+ on \S+ \(file_storage\), so process \d+ on \S+ \(file_storage\)/,
  );
  assert.equal(await first.stop(), 0);
});
