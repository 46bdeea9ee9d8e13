import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { hashSync } from 'bcryptjs';
import { htlhashOf } from '../../src/native/elf/build-id.ts';
import { MemorySource } from '../../src/native/elf/byte-source.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { exportedFunctions } from '../native/exported-functions.ts';
import { buildData } from '../support/build-data.ts';
import type { RunningChild } from '../support/child-process.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { patienceMs } from '../support/patience.ts';
import { readProtoFile } from '../support/proto-file.ts';

const project = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };

/** A built form of the program. */
export interface ProgramForm {
  readonly name: string;
  /** Command and first arguments. The child gets a folder of its own as working directory and nothing of this process's environment. */
  readonly command: () => readonly [string, ...string[]];
  /** The folder that the program has as its root; default: that of this process. */
  readonly root?: () => string;
  /** The program may not read other processes. */
  readonly isUnprivileged?: boolean;
  readonly skip?: string | false;
}

const env = { PATH: '/usr/bin:/bin' };
const password = 'opens the door';

/** What every form must do, by nothing but what is in it: files, threads and packages that are loaded late included. */
export function testProgram({ name, command, root, isUnprivileged = false, skip = false }: ProgramForm): void {
  const newFolder = (t: TestContext): string => {
    const folder = mkdtempSync(join(root === undefined ? tmpdir() : join(root(), 'etc'), 'framekeeper-program-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    chmodSync(folder, 0o755);
    return folder;
  };
  const inside = (folder: string): string => (root === undefined ? folder : folder.slice(root().length));
  const run = (...args: string[]): { stdout: string; stderr: string; status: number | null } => {
    const [file, ...first] = command();
    return spawnSync(file, [...first, ...args], { cwd: '/', env, encoding: 'utf8' });
  };
  const start = (t: TestContext, args: readonly string[], more = {}): RunningChild => {
    const [file, ...first] = command();
    const child = runChild(file, [...first, ...args], { folder: '/', env: { ...env, ...more } });
    t.after(() => child.kill());
    return child;
  };

  test(`${name}: tells its version and the shipped configuration's verdict, and refuses a faulty one`, {
    skip,
  }, (t) => {
    const folder = newFolder(t);
    assert.equal(run('--version').stdout, `framekeeper version ${version}\n`);
    copyFileSync(join(project, 'otel-config.yaml'), join(folder, 'otel-config.yaml'));
    const shipped = run('validate', '--config', join(inside(folder), 'otel-config.yaml'));
    assert.equal(shipped.status, 0, shipped.stderr);
    assert.deepEqual(run('validate', '--config', 'yaml:{}').status, 2);
  });

  test(`${name}: takes, names and sends on what comes in by each way, and stops in order`, { skip }, async (t) => {
    const folder = newFolder(t);
    const backend = await ScriptedOtlpServer.start();
    const httpBackend = await ScriptedHttpServer.start();
    t.after(() => Promise.all([backend.stop(), httpBackend.stop()]));
    const ports = await freePorts(4);
    writeFileSync(join(folder, 'config.yaml'), configOf(ports, backend.endpoint, httpBackend.endpoint));
    const child = start(t, ['--config', join(inside(folder), 'config.yaml')]);
    const [grpc, http, health, metrics] = ports as [number, number, number, number];
    await waitForHealth(`http://127.0.0.1:${health}/`, child);

    const recorded = readProtoFile(join(project, 'test/otlp/fixtures/profiler-97hz.otlp'));
    for (const request of recorded) await exportOverGrpc(grpc, request);
    const large = encodeProfilesData(largeData());
    assert.ok(large.length > 3_000_000);
    await exportOverGrpc(grpc, large);
    await sendLargeJson(http);
    const linkerName = await sendNativeSample(t, grpc);
    if (!isUnprivileged) await untilMetric(metrics, 'framekeeper_symbolizer_addresses{outcome="named"}');
    await checkLivePage(health);
    assert.ok((await reflect(grpc)).includes('executables_needed'), 'reflection does not know the fields of frames');
    process.kill(child.pid, 'SIGUSR1');

    assert.equal(await child.stop(), 0, child.output());
    const sent = backend.requests.map(({ bytes }) => bytes);
    const received = sent.map(decodeProfilesData);
    const samples = received.flatMap((data) => data.resourceProfiles).reduce(countSamples, 0);
    const expected = [...recorded.map(decodeProfilesData), largeData()].flatMap((data) => data.resourceProfiles);
    assert.equal(samples, expected.reduce(countSamples, 0) + 1);
    assert.ok(
      sent.every((bytes) => bytes.length <= maxRequestBytes),
      'a large request was not split',
    );
    const names = received.flatMap((data) => [...data.dictionary.stringTable]);
    assert.equal(names.includes(linkerName), !isUnprivileged, linkerName);
    assert.equal(
      names.some((text) => text.startsWith('node::Stop(')),
      !isUnprivileged,
    );
    // By packages that are loaded when they are needed first.
    assert.ok(httpBackend.requests.some(({ path }) => path === '/v1development/profiles'));
    assert.ok(httpBackend.requests.some(({ path }) => path === '/v1/metrics'));
    assert.match(child.output(), /Shutdown complete\./);
    assert.doesNotMatch(child.output(), /Debugger listening|\terror\t|Warning:/);
  });

  test(`${name}: the demo replays its recordings, says where to look, and ends`, { skip }, async (t) => {
    const host = `127.0.0.${48 + (process.pid % 150)}`;
    const demo = start(t, ['demo', '--once', '--speed', '10', 'node'], { FRAMEKEEPER_HOST: host });
    assert.equal(await demo.ended(), 0, demo.output());
    assert.ok(demo.output().includes(`http://${host}:13133/live`), demo.output());
    assert.match(demo.output(), /[1-9]\d* samples sent and accepted, 0 rejected/);
  });
}

const maxRequestBytes = 1_500_000;

function configOf([grpc, http, health, metrics]: readonly number[], backend: string, httpBackend: string): string {
  const auth = 'auth: {authenticator: basicauth}';
  return `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:${grpc}"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${grpc}"}, http: {endpoint: "127.0.0.1:${http}", ${auth}}}}
processors: {symbol_store: , symbolizer: {debug_directories: []}, reporting_cycle: {interval: 200ms, jitter: 0}}
exporters:
  otlp_grpc: {endpoint: "${backend}", tls: {insecure: true}, max_request_bytes: ${maxRequestBytes}}
  otlp_http: {endpoint: "${httpBackend}"}
extensions:
  basicauth: {htpasswd: {inline: "me:${hashSync(password, 4)}"}}
  health_check: {endpoint: "127.0.0.1:${health}"}
  live_page: {endpoint: "127.0.0.1:${health}"}
service:
  extensions: [basicauth, health_check, live_page]
  pipelines:
    profiles:
      receivers: [frames, otlp]
      processors: [symbol_store, symbolizer, reporting_cycle]
      exporters: [otlp_grpc, otlp_http]
  telemetry:
    metrics:
      readers:
        - pull: {exporter: {prometheus: {host: 127.0.0.1, port: ${metrics}}}}
        - periodic: {interval: 200, exporter: {otlp: {protocol: http/protobuf, endpoint: "${httpBackend}/v1/metrics"}}}
`;
}

/** More than is scanned, decoded or split on the main thread. */
function largeData(): ReturnType<typeof buildData> {
  const samples = Array.from({ length: 3_000 }, (_, index) => ({
    stack: [{ names: [`function ${index} ${'x'.repeat(1_100)}`] }],
    at: [index],
  }));
  return buildData({ samples, resource: { 'service.name': { kind: 'string', value: 'large' } } } as never);
}

async function sendLargeJson(port: number): Promise<void> {
  const request = { resourceProfiles: [], dictionary: { stringTable: ['', 'x'.repeat(100_000)] } };
  const response = await fetch(`http://127.0.0.1:${port}/v1development/profiles`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`me:${password}`)}` },
    body: JSON.stringify(request),
  });
  assert.equal(response.status, 200, await response.text());
}

/** Sends a sample in a C++ function of a process of ours, without a name, and gives the linker's name of it. */
async function sendNativeSample(t: TestContext, port: number): Promise<string> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const bytes = readFileSync(`/proc/${child.pid}/exe`);
  const found = exportedFunctions(bytes).find(({ name }) => /^_ZN4node4StopE/.test(name))!;
  const client = new FramesClient(port);
  t.after(() => client.close());
  await client.submit(
    smallBatch([BigInt(Date.now()) * 1_000_000n], {
      fileIds: Buffer.from(htlhashOf(new MemorySource(bytes)), 'hex'),
      frames: [{ fileId: 1, addressOrLine: BigInt(found.address + 1), kind: 1 }],
      processes: [{ pid: child.pid, comm: 5 }],
    }),
  );
  return found.name;
}

async function untilMetric(port: number, name: string): Promise<void> {
  const endMs = Date.now() + patienceMs;
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    if (text.split('\n').some((line) => line.startsWith(`${name} `) && !line.endsWith(' 0'))) return;
    assert.ok(Date.now() < endMs, `${name} was not counted`);
    await sleep(50);
  }
}

/** The page, and each of its files. */
async function checkLivePage(port: number): Promise<void> {
  const files = readdirSync(join(project, 'src/http/live-page/assets')).filter((name) => name !== 'index.html');
  const base = `http://127.0.0.1:${port}/live`;
  assert.match(await (await fetch(base)).text(), /<html/);
  for (const file of files) {
    const response = await fetch(`${base}/${file}`);
    const text = readFileSync(join(project, 'src/http/live-page/assets', file), 'utf8');
    assert.deepEqual([response.status, (await response.text()) === text], [200, true], file);
  }
}

/** The answer of server reflection to "which file has the frames service?". */
async function reflect(port: number): Promise<string> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', asIs, asIs);
    call.on('error', () => undefined);
    const symbol = 'framekeeper.frames.v1.FramesService';
    // file_containing_symbol = 4.
    call.write(Buffer.concat([Buffer.from([0x22, symbol.length]), Buffer.from(symbol)]));
    const [answer] = (await once(call, 'data')) as [Buffer];
    call.end();
    return answer.toString('latin1');
  } finally {
    client.close();
  }
}

function countSamples(
  sum: number,
  { scopeProfiles }: { scopeProfiles: readonly { profiles: readonly { samples: { readonly length: number } }[] }[] },
): number {
  return sum + scopeProfiles.flatMap(({ profiles }) => profiles).reduce((all, { samples }) => all + samples.length, 0);
}
