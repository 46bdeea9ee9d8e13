import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeProfilesJson } from '../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../src/profile/check/check-conformance.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { observations } from './otlp/observations.ts';
import { runChild, waitForHealth } from './support/child-process.ts';
import { decodeProfilesJson } from './support/decode-json.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { freePorts } from './support/free-ports.ts';
import { exportOverGrpc } from './support/otlp-sender.ts';
import { plainSamples } from './support/plain-view.ts';

const main = join(import.meta.dirname, '../src/main.ts');

test('OTLP requests and frames of one cycle survive kill -9, and leave as one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-merged-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [port, httpPort, healthPort] = await freePorts(3);
  const written = join(folder, 'profiles.jsonl');
  const grpc = `grpc: {endpoint: "127.0.0.1:${port}"}`;
  const config = `
receivers:
  frames: {protocols: {${grpc}}}
  otlp: {protocols: {${grpc}, http: {endpoint: "127.0.0.1:${httpPort}"}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 1h, otlp_profiles: merge, storage: file_storage}}
exporters: {file: {path: "${written}"}}
extensions:
  health_check: {endpoint: "127.0.0.1:${healthPort}"}
  file_storage: {directory: "${join(folder, 'storage')}", create_directory: true}
service:
  extensions: [health_check, file_storage]
  pipelines:
    profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [file]}
  telemetry: {logs: {level: warn}, metrics: {level: none}}
`;
  const path = join(folder, 'config.yaml');
  writeFileSync(path, config);
  const start = async () => {
    const child = runChild(process.execPath, [main, '--config', path], { folder });
    t.after(() => child.kill());
    await waitForHealth(`http://127.0.0.1:${healthPort}/`, child);
    return child;
  };

  const first = await start();
  const frames = new FramesClient(port!);
  const moment = BigInt(Date.now()) * 1_000_000n;
  assert.equal((await frames.submit(smallBatch([moment], { sequence: 1 }))).acceptedSamples, 1);
  await exportOverGrpc(port!, encodeProfilesData(goodProfiles()));
  frames.close();
  const response = await fetch(`http://127.0.0.1:${httpPort}/v1development/profiles`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: encodeProfilesJson(goodProfiles()),
  });
  assert.equal(response.status, 200);
  await first.kill();

  const second = await start();
  assert.equal(await second.stop(), 0, second.output());
  const messages = readFileSync(written, 'utf8').trim().split('\n').map(decodeProfilesJson);
  assert.equal(messages.length, 1);
  const [data] = messages;
  assert.deepEqual(checkConformance(data!), []);
  const samples = plainSamples(data);
  assert.equal(samples.filter(({ timestamps }) => timestamps.includes(moment)).length, 1);
  const ofShop = data!.resourceProfiles.filter(({ resource }) => resource.attributes[0]?.value === 'shop');
  assert.deepEqual(
    observations([{ ...data!, resourceProfiles: ofShop }]),
    observations([goodProfiles(), goodProfiles()]),
  );
});
