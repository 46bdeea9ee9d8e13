import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { after, before, test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { Mutable } from '../otlp/good-profiles.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import type { CollectorVersion } from './build-collector.ts';
import { collectorVersions } from './build-collector.ts';
import type { Collector } from './collector.ts';
import { startCollector } from './collector.ts';
import { exampleProfiles } from './example-profiles.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';
import type { Exporters } from './otlp-between.ts';
import { exportersOf, startBetween } from './otlp-between.ts';

const noQueue = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } };
/** What a Collector sends and we take; lz4 is the Collector's alone. */
const collectorToUs = {
  grpcCompressions: ['none', 'gzip', 'zstd', 'snappy'],
  httpCompressions: ['none', 'gzip', 'zstd', 'zlib', 'deflate', 'snappy', 'x-snappy-framed'],
  settings: noQueue,
};
/** What we send; a Collector takes all of it. */
const usToCollector = { grpcCompressions: ['none', 'gzip', 'zstd'], httpCompressions: ['none', 'gzip', 'zstd'] };

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-otlp-in-'));
});
after(() => rmSync(folder, { recursive: true }));

async function start(t: TestContext, version: CollectorVersion, exporters: Exporters = {}): Promise<Collector> {
  const collector = await startCollector(mkdtempSync(join(folder, `${version}-`)), { version, exporters });
  t.after(() => collector.stop());
  return collector;
}

function grpcPort({ grpcEndpoint }: { readonly grpcEndpoint: string }): number {
  return Number(grpcEndpoint.split(':')[1]);
}

/** The example without the names of its native location, which it shares with the whole one. */
function nameless(): ProfilesData {
  const data = exampleProfiles() as Mutable<ProfilesData>;
  data.dictionary.locationTable[1]!.lines = [];
  return data;
}

test('between Collectors of any two versions nothing changes on any way, but for the names that we add', async (t) => {
  const behind = await Promise.all(collectorVersions.map((version) => start(t, version)));
  const out = behind.map(({ grpcEndpoint }, i) => [
    `otlp_grpc/${collectorVersions[i]}`,
    { endpoint: grpcEndpoint, tls: { insecure: true } },
  ]);
  const between = await startBetween(folder, Object.fromEntries(out));
  t.after(() => between.stop());
  const ways = exportersOf('between', { to: between, ...collectorToUs });
  const front = await Promise.all(collectorVersions.map((version) => start(t, version, ways)));

  const sent = [exampleProfiles(), nameless()];
  for (const data of sent) {
    for (const collector of front) await exportOverGrpc(grpcPort(collector), encodeProfilesData(data));
  }
  for (const collector of front) await collector.stop();
  await between.stop();

  const count = sent.length * front.length * Object.keys(ways).length;
  const expected = normalForm(Array.from({ length: count }, () => exampleProfiles()));
  for (const [i, collector] of behind.entries()) {
    await collector.stop();
    await t.test(`Collector ${collectorVersions[i]} behind`, () => {
      assertSameProfiles(normalForm(collector.readJson()), expected);
    });
  }
});

test('a Collector of any version takes what we send on every way', async (t) => {
  const behind = await Promise.all(collectorVersions.map((version) => start(t, version)));
  const ways = behind.map((collector, i) =>
    exportersOf(collectorVersions[i]!, {
      to: collector,
      ...usToCollector,
      settings: { retry_on_failure: { enabled: false } },
    }),
  );
  const between = await startBetween(folder, Object.assign({}, ...ways));
  t.after(() => between.stop());
  await exportOverGrpc(grpcPort(between), encodeProfilesData(exampleProfiles()));
  await between.stop();

  const expected = normalForm(Object.keys(ways[0]!).map(() => exampleProfiles()));
  for (const [i, collector] of behind.entries()) {
    await collector.stop();
    await t.test(`Collector ${collectorVersions[i]}`, () => {
      assertSameProfiles(normalForm(collector.readJson()), expected);
    });
  }
});
