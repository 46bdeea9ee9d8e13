import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { encodeProfilesData } from '../../src/otlp/encode-profiles-data.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import type { Mutable } from '../otlp/good-profiles.ts';
import type { RunningChild } from '../support/child-process.ts';
import { freePorts, runChild, waitForHealth } from '../support/child-process.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { startCollector } from './collector.ts';
import { exampleProfiles } from './example-profiles.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const noQueue = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } };
/** What both sides have; lz4 is the Collector's alone. */
const httpCompressions = ['none', 'gzip', 'zstd', 'zlib', 'deflate', 'snappy', 'x-snappy-framed'] as const;
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-otlp-in-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Every way by which a Collector can send to us, as exporters of one. */
function waysTo(grpcEndpoint: string, httpEndpoint: string): Record<string, object> {
  const ways: Record<string, object> = {};
  for (const compression of ['none', 'gzip']) {
    ways[`otlp_grpc/${compression}`] = { endpoint: grpcEndpoint, tls: { insecure: true }, compression, ...noQueue };
  }
  for (const encoding of ['proto', 'json']) {
    for (const compression of httpCompressions) {
      ways[`otlp_http/${encoding}-${compression}`] = { endpoint: httpEndpoint, encoding, compression, ...noQueue };
    }
  }
  return ways;
}

/** Our service with OTLP in and out, as users run it. */
async function startBetween(
  behind: string,
): Promise<{ child: RunningChild; grpcEndpoint: string; httpEndpoint: string }> {
  const [grpcPort, httpPort, healthPort] = (await freePorts(3)) as [number, number, number];
  const grpcEndpoint = `127.0.0.1:${grpcPort}`;
  const document = {
    receivers: {
      otlp: { protocols: { grpc: { endpoint: grpcEndpoint }, http: { endpoint: `127.0.0.1:${httpPort}` } } },
    },
    processors: { symbol_store: {} },
    exporters: { otlp_grpc: { endpoint: behind, tls: { insecure: true } } },
    extensions: { health_check: { endpoint: `127.0.0.1:${healthPort}` } },
    service: {
      extensions: ['health_check'],
      pipelines: { profiles: { receivers: ['otlp'], processors: ['symbol_store'], exporters: ['otlp_grpc'] } },
      telemetry: { metrics: { level: 'none' } },
    },
  };
  const config = join(folder, 'framekeeper.yaml');
  writeFileSync(config, stringify(document));
  const child = runChild(process.execPath, [main, '--config', config], { folder });
  await waitForHealth(`http://127.0.0.1:${healthPort}/`, child).catch(async (error) => {
    await child.stop();
    throw error;
  });
  return { child, grpcEndpoint, httpEndpoint: `http://127.0.0.1:${httpPort}` };
}

/** The example without the names of its native location, which it shares with the whole one. */
function nameless(): ProfilesData {
  const data = exampleProfiles() as Mutable<ProfilesData>;
  data.dictionary.locationTable[1]!.lines = [];
  return data;
}

test('between two Collectors nothing changes on any way, but for the names that we add', async (t) => {
  const behind = await startCollector(mkdtempSync(join(folder, 'behind')));
  t.after(() => behind.stop());
  const between = await startBetween(behind.grpcEndpoint);
  t.after(() => between.child.stop());
  const ways = waysTo(between.grpcEndpoint, between.httpEndpoint);
  const front = await startCollector(mkdtempSync(join(folder, 'front')), { exporters: ways });
  t.after(() => front.stop());

  const port = Number(front.grpcEndpoint.split(':')[1]);
  for (const data of [exampleProfiles(), nameless()]) await exportOverGrpc(port, encodeProfilesData(data));
  await front.stop();
  assert.equal(await between.child.stop(), 0, between.child.output());
  await behind.stop();

  const count = 2 * Object.keys(ways).length;
  const expected = normalForm(Array.from({ length: count }, () => exampleProfiles()));
  assertSameProfiles(normalForm(behind.readJson()), expected);
});
