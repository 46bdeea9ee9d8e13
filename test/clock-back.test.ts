import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Profile } from '../src/otlp/profiles-data.ts';
import { runChild } from './support/child-process.ts';
import { decodeProfilesJson } from './support/decode-json.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { freePorts } from './support/free-ports.ts';

const root = join(import.meta.dirname, '..');
const hourMs = 3_600_000;

/** Loaded before the service: real time is an hour earlier from SIGWINCH on, as after the first answer of NTP. */
const clockBack = `
const real = Date.now.bind(Date);
let backMs = 0;
Date.now = () => real() - backMs;
process.on('SIGWINCH', () => { backMs = ${hourMs}; console.error('set back'); });`;

test('profiles are as long as their cycles while the clock of the service is set back by an hour', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-clock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [port] = (await freePorts(1)) as [number];
  const [config, preload, profiles] = ['config.yaml', 'clock-back.mjs', 'profiles.json'].map((name) =>
    join(folder, name),
  );
  writeFileSync(preload!, clockBack);
  writeFileSync(
    config!,
    `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:${port}"}}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 500ms, jitter: 0, resolve_grace: false}}
exporters: {file: {path: "${profiles}", format: json}}
service:
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [file]}}
  telemetry: {metrics: {readers: []}}
`,
  );
  const child = runChild(process.execPath, ['--import', preload!, join(root, 'src/main.ts'), '--config', config!]);
  t.after(() => child.kill());
  const until = async (text: string): Promise<void> => {
    while (!child.output().includes(text)) {
      assert.equal(child.hasEnded(), false, child.output());
      await wait(20);
    }
  };
  await until('Everything is ready');
  const client = new FramesClient(port);
  t.after(() => client.close());
  // Samples carry the time of their collector, whose clock goes with that of the service.
  let backMs = 0;
  let sequence = 0;
  const sendFor = async (ms: number): Promise<void> => {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs) {
      await client.submit(smallBatch([BigInt(Date.now() - backMs) * 1_000_000n], { sequence: ++sequence }));
      await wait(50);
    }
  };
  await sendFor(1_200);
  process.kill(child.pid, 'SIGWINCH');
  await until('set back');
  backMs = hourMs;
  await sendFor(2_000);
  assert.equal(await child.stop(), 0, child.output());

  const found = readFileSync(profiles!, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => decodeProfilesJson(line).resourceProfiles)
    .flatMap(({ scopeProfiles }) => scopeProfiles.flatMap((scope) => scope.profiles));
  const samples = found.flatMap((profile) =>
    [...profile.samples].flatMap(({ timestampsUnixNano }) => timestampsUnixNano),
  );
  assert.equal(samples.length, sequence);
  // Samples of the clock that was set back are an hour before their cycle, and have profiles of their own.
  const isBack = ({ timeUnixNano }: Profile): boolean => timeUnixNano < found[0]!.timeUnixNano;
  assert.ok(found.filter(isBack).length >= 2);
  // The last one ends with the service.
  const lengthsMs = found.slice(0, -1).map(({ durationNano }) => Number(durationNano) / 1e6);
  for (const lengthMs of lengthsMs) assert.ok(lengthMs >= 490 && lengthMs < 60_000, lengthsMs.join(', '));
});
