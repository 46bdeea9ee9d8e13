import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { decodeReply, encodeBatch, FramesClient, smallBatch } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { patienceMs } from '../support/patience.ts';
import { reloadOf } from '../support/reload.ts';
import type { RunningService } from '../support/running-service.ts';
import { startService, timestampsIn } from '../support/running-service.ts';

interface Parts {
  readonly cycle?: string;
  readonly limiter?: string;
  readonly zone?: string;
  readonly otlp?: string;
  readonly more?: string;
  readonly receivers?: string;
  readonly health?: string;
  readonly page?: string;
}

/** A service of which a test changes one thing after the other. */
async function startChanging(t: TestContext) {
  const backend = await ScriptedOtlpServer.start();
  t.after(() => backend.stop());
  const [frames, otlp, other, web, otherWeb] = (await freePorts(5)) as [number, number, number, number, number];
  const yamlOf = ({
    cycle = 'interval: 1h',
    limiter = 'limit_mib: 4000',
    zone = 'a',
    otlp: at = `endpoint: "127.0.0.1:${otlp}"`,
    more = '',
    receivers = 'frames, otlp',
    health = `endpoint: "127.0.0.1:${web}"`,
    page = `endpoint: "127.0.0.1:${web}"`,
  }: Parts): string => `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:${frames}"}}}
  otlp: {protocols: {grpc: {${at}}}}
  ${more}
processors:
  memory_limiter: {check_interval: 1h, ${limiter}}
  symbol_store: {}
  resource: {attributes: [{key: zone, action: upsert, value: ${zone}}]}
  reporting_cycle: {${cycle}}
exporters: {otlp_grpc: {endpoint: "127.0.0.1:${backend.port}", tls: {insecure: true}}}
extensions: {health_check: {${health}}, live_page: {${page}}}
service:
  extensions: [health_check, live_page]
  pipelines:
    profiles:
      receivers: [${receivers}]
      processors: [memory_limiter, symbol_store, resource, reporting_cycle]
      exporters: [otlp_grpc]`;
  const running = await startService(t, yamlOf({}));
  const reload = (parts: Parts, logging?: string): Promise<void> => reloadOf(running, yamlOf(parts), logging);
  return { ...running, running, backend, reload, frames, otlp, other, web, otherWeb };
}

const profiles = encodeProfilesData(goodProfiles());
const applied = (running: RunningService): Promise<number> =>
  running.metric('framekeeper_config_reloads{outcome="applied"}');

test('a cycle takes another interval and other bounds at once, and keeps its window', async (t) => {
  const { running, backend, reload, frames, metric } = await startChanging(t);
  const client = new FramesClient(frames);
  t.after(() => client.close());
  const now = BigInt(Date.now()) * 1_000_000n;
  await client.submit(smallBatch([now]));
  await reload({ cycle: 'interval: 1h, max_events: 1' });
  const full = await client.submit(smallBatch([now + 1n], { sequence: 2 }));
  assert.deepEqual([full.acceptedSamples, full.rejectedSamples], [0, 1]);
  await reload({ cycle: 'interval: 20ms, max_events: 2' });
  await backend.until(({ requests }) => requests.length === 1);
  assert.deepEqual(timestampsIn(backend.requests), [now]);
  assert.deepEqual([await applied(running), await metric('framekeeper_config_reloads{outcome="partial"}')], [2, 0]);
});

test('a memory limiter takes other limits, and resources other attributes', async (t) => {
  const { running, backend, reload, otlp, metric } = await startChanging(t);
  const zones = () =>
    backend.requests.flatMap(({ bytes }) =>
      decodeProfilesData(bytes).resourceProfiles.flatMap(({ resource }) =>
        resource!.attributes.flatMap(({ key, value }) => (key === 'zone' ? value : [])),
      ),
    );
  await exportOverGrpc(otlp, profiles);
  await backend.until(({ requests }) => requests.length === 1);
  await reload({ limiter: 'limit_mib: 3000', zone: 'b' });
  await exportOverGrpc(otlp, profiles);
  await backend.until(({ requests }) => requests.length === 2);
  assert.deepEqual([...new Set(zones())], ['a', 'b']);
  assert.equal(await metric('framekeeper_memory_limiter_limit_bytes{processor="memory_limiter"}'), 3000 * 1024 * 1024);
  assert.equal(await applied(running), 1);
});

test('a receiver moves to another endpoint, and others keep their connections', async (t) => {
  const { running, backend, reload, frames, otlp, other, logs } = await startChanging(t);
  const client = new FramesClient(frames);
  t.after(() => client.close());
  const stream = client.open();
  // The stop of the service ends it.
  stream.on('error', () => undefined);
  const submit = async (moment: bigint, sequence: number): Promise<number> => {
    stream.write(encodeBatch(smallBatch([moment], { sequence })));
    const [reply] = (await once(stream, 'data')) as [Buffer];
    return decodeReply(reply).acceptedSamples;
  };
  const now = BigInt(Date.now()) * 1_000_000n;
  assert.equal(await submit(now, 1), 1);
  await reload({ otlp: `endpoint: "127.0.0.1:${other}"` });
  assert.equal(await submit(now + 1n, 2), 1);
  await exportOverGrpc(other, profiles);
  await assert.rejects(exportOverGrpc(otlp, profiles), { code: 14 });
  const told = logs.lines.findLast(({ msg }) => msg === 'The configuration was reloaded.');
  assert.deepEqual(told?.started, ['receivers.otlp']);

  await reload({ receivers: 'frames' });
  await assert.rejects(exportOverGrpc(other, profiles), { code: 14 });
  assert.equal(await submit(now + 2n, 3), 1);
  await running.stop();
  assert.deepEqual(timestampsIn(backend.requests.slice(1)), [now, now + 1n, now + 2n]);
});

test('receivers that share a listener are replaced together', async (t) => {
  const { running, reload, frames } = await startChanging(t);
  const both = `endpoint: "127.0.0.1:${frames}"`;
  await reload({ otlp: both });
  await exportOverGrpc(frames, profiles);
  const client = new FramesClient(frames);
  t.after(() => client.close());
  assert.equal((await client.submit(smallBatch([BigInt(Date.now()) * 1_000_000n]))).acceptedSamples, 1);
  await reload({});
  assert.equal((await client.submit(smallBatch([1n], { sequence: 2 }))).sequence, '2');
  await assert.rejects(exportOverGrpc(frames, profiles), { code: 12 });
  assert.equal(await applied(running), 2);
});

test('a receiver that cannot start leaves its predecessor at work, and is tried again', async (t) => {
  const { running, reload, otlp, other, logs, service } = await startChanging(t);
  const occupant = createServer().listen(other, '127.0.0.1');
  await once(occupant, 'listening');
  await reload({ otlp: `endpoint: "127.0.0.1:${other}"` });
  assert.ok(logs.lines.some(({ msg }) => msg === 'receivers.otlp: could not start, and so has not changed.'));
  await exportOverGrpc(otlp, profiles);
  assert.equal(service.receiverPorts.get('otlp'), otlp);
  await new Promise((resolve) => occupant.close(resolve));
  await reload({ otlp: `endpoint: "127.0.0.1:${other}"` });
  await exportOverGrpc(other, profiles);
  assert.equal(await applied(running), 1);
});

test('health and the live page move and change, and tell the configuration of now', async (t) => {
  const { running, reload, web, otherWeb, frames } = await startChanging(t);
  const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;
  await reload({ health: `endpoint: "127.0.0.1:${otherWeb}", path: /up` });
  assert.equal(await statusOf(`http://127.0.0.1:${otherWeb}/up`), 200);
  assert.equal(await statusOf(`http://127.0.0.1:${otherWeb}/readyz`), 200);
  assert.equal(await statusOf(`http://127.0.0.1:${web}/readyz`), 404);
  assert.equal(await statusOf(`http://127.0.0.1:${web}/live`), 200);
  assert.match(await (await fetch(`http://127.0.0.1:${otherWeb}/config`)).text(), /path: \/up\n/);

  const health = `endpoint: "127.0.0.1:${otherWeb}", path: /up`;
  await reload({ health, page: `endpoint: "127.0.0.1:${web}", path: /flames`, cycle: 'interval: 1s' });
  const client = new FramesClient(frames);
  t.after(() => client.close());
  await client.submit(smallBatch([BigInt(Date.now()) * 1_000_000n]));
  const read = async (): Promise<string> => {
    assert.equal(await statusOf(`http://127.0.0.1:${web}/live`), 404);
    return await (await fetch(`http://127.0.0.1:${web}/flames/state`)).text();
  };
  const endMs = performance.now() + patienceMs;
  let text = await read();
  while (!text.includes('"types":[{') && performance.now() < endMs) text = await read();
  assert.match(text, /"types":\[\{/);
  assert.equal(await applied(running), 2);
});

test('an extension that cannot start leaves its predecessor at work', async (t) => {
  const { running, reload, web, other, logs } = await startChanging(t);
  const occupant = createServer().listen(other, '127.0.0.1');
  await once(occupant, 'listening');
  t.after(() => occupant.close());
  await reload({ health: `endpoint: "127.0.0.1:${other}"` });
  assert.ok(logs.lines.some(({ msg }) => msg === 'extensions.health_check: could not start, and so has not changed.'));
  assert.equal((await fetch(`http://127.0.0.1:${web}/readyz`)).status, 200);
  assert.equal((await fetch(`http://127.0.0.1:${web}/live`)).status, 200);
  assert.equal(await applied(running), 0);
});
