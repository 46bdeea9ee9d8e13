import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { reloadOf } from '../support/reload.ts';
import type { RunningService } from '../support/running-service.ts';
import { startService, timestampsIn } from '../support/running-service.ts';

interface Parts {
  readonly exporters: string;
  readonly used: string;
  readonly store?: string;
  readonly extensions?: string;
}

const yamlOf = ({ exporters, used, store = '', extensions = '' }: Parts): string => `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
processors: {symbol_store: {${store}}, reporting_cycle: {interval: 1h}}
exporters: {${exporters}}
extensions: {${extensions}}
service:
  extensions: [${extensions.slice(0, Math.max(0, extensions.indexOf(':')))}]
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [${used}]}}`;

const to = (server: ScriptedOtlpServer, more = ''): string =>
  `{endpoint: "127.0.0.1:${server.port}", tls: {insecure: true}${more}}`;

async function startServers(
  t: TestContext,
): Promise<readonly [ScriptedOtlpServer, ScriptedOtlpServer, ScriptedOtlpServer]> {
  const servers = [
    await ScriptedOtlpServer.start(),
    await ScriptedOtlpServer.start(),
    await ScriptedOtlpServer.start(),
  ] as const;
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  return servers;
}

const profiles = encodeProfilesData(goodProfiles());
const send = ({ service }: RunningService): Promise<unknown> =>
  exportOverGrpc(service.receiverPorts.get('otlp')!, profiles);

test('a reload replaces the exporters that changed, and keeps the window, the ports and the others', async (t) => {
  const [a, b, c] = await startServers(t);
  const running = await startService(
    t,
    yamlOf({ exporters: `otlp_grpc/a: ${to(a)}, otlp_grpc/b: ${to(b)}`, used: 'otlp_grpc/a, otlp_grpc/b' }),
  );
  const ports = [...running.service.receiverPorts];
  const client = new FramesClient(running.service.receiverPorts.get('frames')!);
  t.after(() => client.close());
  await client.submit(smallBatch([BigInt(Date.now()) * 1_000_000n]));
  await send(running);
  await Promise.all([
    a.until(({ requests }) => requests.length === 1),
    b.until(({ requests }) => requests.length === 1),
  ]);

  await reloadOf(
    running,
    yamlOf({ exporters: `otlp_grpc/a: ${to(a)}, otlp_grpc/b: ${to(c)}`, used: 'otlp_grpc/a, otlp_grpc/b' }),
  );
  await send(running);
  await Promise.all([
    a.until(({ requests }) => requests.length === 2),
    c.until(({ requests }) => requests.length === 1),
  ]);
  assert.deepEqual([b.requests.length, [...running.service.receiverPorts]], [1, ports]);
  assert.ok(
    running.logs.lines.some(
      ({ msg, started }) => msg === 'The configuration was reloaded.' && String(started) === 'exporters.otlp_grpc/b',
    ),
  );

  await reloadOf(
    running,
    yamlOf({
      exporters: `otlp_grpc/a: ${to(a)}, otlp_grpc/b: ${to(c)}, otlp_grpc/d: ${to(b)}`,
      used: 'otlp_grpc/b, otlp_grpc/d',
    }),
  );
  await running.stop();
  // The sample from before both reloads is in the last report, which only the exporters of now have.
  assert.deepEqual(
    [a.requests.length, timestampsIn(b.requests.slice(1)).length, timestampsIn(c.requests.slice(1)).length],
    [2, 1, 1],
  );
  assert.equal(await running.metric('framekeeper_config_reloads{outcome="applied"}'), 2);
});

test('a faulty configuration changes nothing, and all its faults are logged', async (t) => {
  const [a, b] = await startServers(t);
  const running = await startService(t, yamlOf({ exporters: `otlp_grpc: ${to(a)}`, used: 'otlp_grpc' }));
  await reloadOf(
    running,
    yamlOf({ exporters: `otlp_grpc: ${to(b, ', timout: 1s, compression: lz4')}`, used: 'otlp_grpc' }),
  );
  const errors = running.logs.lines.filter(({ level }) => level === 50).map(({ msg }) => String(msg));
  assert.equal(errors.length, 3);
  assert.match(
    errors.join('\n'),
    /otlp_grpc\.compression: "lz4" [^\n]*\n.*otlp_grpc\.timout: unknown key[^\n]*\nThe configuration was not reloaded: it has faults, and nothing has changed\./,
  );
  await send(running);
  await a.until(({ requests }) => requests.length === 1);
  assert.deepEqual([b.requests.length, await running.metric('framekeeper_config_reloads{outcome="refused"}')], [0, 1]);
});

test('a part that cannot change in place says so, and the rest changes', async (t) => {
  const [a, b] = await startServers(t);
  const running = await startService(t, yamlOf({ exporters: `otlp_grpc: ${to(a)}`, used: 'otlp_grpc' }));
  await reloadOf(
    running,
    yamlOf({ exporters: `otlp_grpc: ${to(b)}`, used: 'otlp_grpc', store: 'names_needed: {interval: 1s}' }),
  );
  const warnings = running.logs.lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
  assert.deepEqual(warnings, ['processors.symbol_store: changed, but cannot change in place; restart the service.']);
  await send(running);
  await b.until(({ requests }) => requests.length === 1);
  assert.deepEqual([a.requests.length, await running.metric('framekeeper_config_reloads{outcome="partial"}')], [0, 1]);
});

test('an exporter that cannot start leaves its predecessor at work', async (t) => {
  const [a] = await startServers(t);
  const running = await startService(t, yamlOf({ exporters: `otlp_grpc: ${to(a)}`, used: 'otlp_grpc' }));
  const path = '/dev/null/none/profiles.json';
  await reloadOf(
    running,
    yamlOf({
      exporters: `otlp_grpc: ${to(a)}, file: {path: ${path}, create_directory: true}`,
      used: 'otlp_grpc, file',
    }),
  );
  assert.ok(running.logs.lines.some(({ msg }) => msg === 'exporters.file: could not start, and so has not changed.'));
  await send(running);
  await a.until(({ requests }) => requests.length === 1);
});

test('an exporter whose queue is on disk hands it to its successor', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-reload-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [, b] = await startServers(t);
  const gone = await ScriptedOtlpServer.start();
  const { port } = gone;
  await gone.stop();
  const queue = ', retry_on_failure: {max_elapsed_time: 0}, sending_queue: {storage: file_storage}';
  const extensions = `file_storage: {directory: ${folder}}`;
  const down = `{endpoint: "127.0.0.1:${port}", tls: {insecure: true}${queue}}`;
  const running = await startService(t, yamlOf({ exporters: `otlp_grpc: ${down}`, used: 'otlp_grpc', extensions }));
  await send(running);
  await reloadOf(running, yamlOf({ exporters: `otlp_grpc: ${to(b, queue)}`, used: 'otlp_grpc', extensions }));
  await b.until(({ requests }) => requests.length === 1);
});
