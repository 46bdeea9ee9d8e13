import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { startService } from '../support/running-service.ts';
import { startCollector } from './collector.ts';

test('profiles that a Collector sends back to their maker go round once, though it sends no header of ours', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-loop-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [frames, otlp] = (await freePorts(2)) as [number, number];
  const collector = await startCollector(folder, { forwardTo: `127.0.0.1:${otlp}` });
  t.after(() => collector.stop());
  const { logs, metric, stop } = await startService(
    t,
    `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:${frames}"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${otlp}"}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 500ms}}
exporters: {otlp_grpc: {endpoint: "${collector.grpcEndpoint}", tls: {insecure: true}}}
service:
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [otlp_grpc]}}`,
  );
  const client = new FramesClient(frames);
  t.after(() => client.close());
  await client.submit(smallBatch([BigInt(Date.now()) * 1_000_000n]));
  const told = await logs.until('Dropped profiles of this service that came back to it: exporters form a loop.');
  assert.deepEqual(told.own_exporters, [`exporters.otlp_grpc.endpoint (${collector.grpcEndpoint})`]);
  // Time in which a profile that was passed on would come again.
  await wait(1_000);
  await stop();
  assert.equal(await metric('framekeeper_otlp_looped_profiles{receiver="otlp",transport="grpc"}'), 1);
  assert.equal(await metric('framekeeper_otlp_requests{receiver="otlp",transport="grpc"}'), 0);
});
