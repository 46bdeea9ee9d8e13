import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { decodeExportResponse } from '../../src/otlp/protobuf/export-response.ts';
import { mergeProfiles } from '../../src/profile/join/profiles-joiner.ts';
import { mostHops } from '../../src/support/hops.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import type { RunningService } from '../support/running-service.ts';
import { startService } from '../support/running-service.ts';

type Transport = 'grpc' | 'http';

const headers = { 'otlp-profiles-development-version': '1' };

/** A service that passes on to another port what comes to its own, as it was or joined in batches. */
function startPassing(t: TestContext, transport: Transport, own: number, next: number): Promise<RunningService> {
  const exporter =
    transport === 'grpc'
      ? `otlp_grpc: {endpoint: "127.0.0.1:${next}", tls: {insecure: true}}`
      : `otlp_http: {endpoint: "http://127.0.0.1:${next}", sending_queue: {batch: {flush_timeout: 1ms}}}`;
  return startService(
    t,
    `
receivers: {otlp: {protocols: {${transport}: {endpoint: "127.0.0.1:${own}"}}}}
processors: {symbol_store: {}}
exporters: {${exporter}}
service:
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [otlp_${transport}]}}`,
  );
}

for (const transport of ['grpc', 'http'] as const) {
  test(`a request that two services pass to each other over ${transport} ends after ${mostHops} of them, with an error`, async (t) => {
    const [portA, portB] = (await freePorts(2)) as [number, number];
    const a = await startPassing(t, transport, portA, portB);
    const b = await startPassing(t, transport, portB, portA);
    const bytes = encodeProfilesData(goodProfiles());
    if (transport === 'grpc') await exportOverGrpc(portA, bytes, headers);
    else {
      const url = `http://127.0.0.1:${portA}/v1development/profiles`;
      const own = { ...headers, 'content-type': 'application/x-protobuf' };
      assert.equal((await fetch(url, { method: 'POST', headers: own, body: Buffer.from(bytes) })).status, 200);
    }
    const taken = `framekeeper_otlp_requests{receiver="otlp",transport="${transport}"}`;
    const count = async (): Promise<number> => (await a.metric(taken)) + (await b.metric(taken));
    const told = () => b.logs.lines.find(({ msg }) => msg === 'Refused a request that goes round in a loop.');
    // The odd hops are those to the second service. Without a bound the request goes round until this count.
    while (told() === undefined && (await count()) < 5 * mostHops) await nextTurn();
    assert.equal(await count(), mostHops + 1);
    assert.equal(told()?.level, 50);
    assert.deepEqual(told()?.own_exporters, [`exporters.otlp_${transport}.endpoint (127.0.0.1:${portA})`]);
  });
}

async function startBuilding(t: TestContext, otlpProfiles: string) {
  const backend = await ScriptedOtlpServer.start();
  t.after(() => backend.stop());
  const running = await startService(
    t,
    `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 1s, otlp_profiles: ${otlpProfiles}}}
exporters: {otlp_grpc: {endpoint: "127.0.0.1:${backend.port}", tls: {insecure: true}}}
service:
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [otlp_grpc]}}`,
  );
  return { ...running, backend, otlpPort: running.service.receiverPorts.get('otlp')! };
}

const cameBack = /was made by the service that it came to, so that exporters form a loop/;
const loopedProfiles = 'framekeeper_otlp_looped_profiles{receiver="otlp",transport="grpc"}';

test('a profile that comes back to its maker is dropped alone, whatever lies between, and the profiles beside it are taken', async (t) => {
  const { service, backend, logs, metric, otlpPort } = await startBuilding(t, 'pass_through');
  const client = new FramesClient(service.receiverPorts.get('frames')!);
  t.after(() => client.close());
  await client.submit(smallBatch([BigInt(Date.now()) * 1_000_000n]));
  await backend.until(({ requests }) => requests.length === 1);
  const [{ bytes }] = backend.requests as [ScriptedOtlpServer['requests'][number]];

  await assert.rejects(exportOverGrpc(otlpPort, bytes), { code: 3, details: cameBack });
  const both = encodeProfilesData(mergeProfiles([goodProfiles(), decodeProfilesData(bytes)]));
  const response = decodeExportResponse(await exportOverGrpc(otlpPort, both));
  assert.equal(response.rejectedProfiles, 1n);
  assert.match(response.errorMessage, cameBack);
  assert.equal(await metric(loopedProfiles), 2);
  await backend.until(({ requests }) => requests.length === 2);
  const passed = decodeProfilesData(backend.requests[1]!.bytes).resourceProfiles.flatMap(({ resource }) => resource);
  assert.equal(passed.length, goodProfiles().resourceProfiles.length);
  const told = await logs.until('Dropped profiles of this service that came back to it: exporters form a loop.');
  assert.deepEqual(told.own_exporters, [`exporters.otlp_grpc.endpoint (127.0.0.1:${backend.port})`]);
});

test('a service that merges profiles knows them again, also one that was joined with no other', async (t) => {
  const { backend, metric, otlpPort } = await startBuilding(t, 'merge');
  await exportOverGrpc(otlpPort, encodeProfilesData(goodProfiles()));
  await backend.until(({ requests }) => requests.length === 1);
  await assert.rejects(exportOverGrpc(otlpPort, backend.requests[0]!.bytes), { code: 3, details: cameBack });
  assert.ok((await metric(loopedProfiles)) > 0);
});
