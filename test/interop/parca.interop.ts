import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { readProtoFile } from '../support/proto-file.ts';
import { startBetween } from './otlp-between.ts';
import type { Parca } from './parca.ts';
import { startParca } from './parca.ts';
import { recordedRequest } from './recorded-request.ts';
import { equalStacks, stackTotalsOf, sumOf } from './stack-totals.ts';

const timeout = 240_000;

/** Requests by origin, with times of now. */
const inputs: Readonly<Record<string, () => Promise<readonly Uint8Array[]>>> = {
  'the bundled recordings': async () => [encodeProfilesData(withoutMangledNames(await recordedRequest()))],
  "a real profiler's bytes": async () => realRequests('profiler'),
};

/** Parca reads `_ZdlPvm@plt` as a mangled name and shows `operator delete`: names of PLT stubs lose the mark that it goes by. */
function withoutMangledNames(data: ProfilesData): ProfilesData {
  const stringTable = [...data.dictionary.stringTable].map((text) => text.replace(/^_Z(?=.*@plt$)/, ''));
  return { ...data, dictionary: { ...data.dictionary, stringTable } };
}

/** Ways to Parca, by name: settings of the exporter beside the dialect. */
const ways = {
  whole: {},
  batched: { sending_queue: { batch: { sizer: 'items', min_size: 150, max_size: 200, flush_timeout: '200ms' } } },
  split: { max_request_bytes: 20_000 },
};

/** Queries that end the process of Parca when a line has no function. */
const fragileReports = ['REPORT_TYPE_TOP', 'REPORT_TYPE_CALLGRAPH', 'REPORT_TYPE_FLAMEGRAPH_TABLE'];

for (const [input, requests] of Object.entries(inputs)) {
  for (const { way, cycle } of [
    { way: 'passed', cycle: undefined },
    { way: 'merged', cycle: { interval: '1s', otlp_profiles: 'merge' } },
  ]) {
    test(`Parca shows ${input}, ${way}, whole, batched and split: every stack with its names and values`, {
      timeout,
    }, async (t) => {
      const folder = temporaryFolder(t);
      const parcas = await startParcas(t, folder, Object.keys(ways));
      const file = join(folder, 'sent.proto');
      const sender = await startBetween(
        folder,
        {
          file: { path: file, format: 'proto' },
          ...Object.fromEntries(
            Object.entries(ways).map(([name, settings]) => [`otlp_grpc/${name}`, toParca(parcas[name]!, settings)]),
          ),
        },
        undefined,
        cycle,
      );
      for (const bytes of await requests()) await exportOverGrpc(Number(sender.grpcEndpoint.split(':')[1]), bytes);
      await sender.stop();
      const sent = readProtoFile(file).map(decodeProfilesData);
      const expected = stackTotalsOf(sent, 'samples');
      const period = periodOf(sent);
      for (const [name, parca] of Object.entries(parcas)) {
        const [profileType] = (await parca.profileTypes()).filter((type) => type.includes(':samples:count:'));
        const actual = await parca.stackTotals(profileType!);
        const equal = equalStacks(actual, expected, period);
        t.diagnostic(
          `${input}, ${way}, ${name}: ${sumOf(expected)} sent, ${sumOf(actual) / period} there, ${equal} of ${expected.size} stacks equal`,
        );
        assert.equal(sumOf(actual), sumOf(expected) * period, name);
        assert.deepEqual([equal, actual.size], [expected.size, expected.size], name);
        // Parca lays out a graph of some thousand functions for longer than it lets a request wait.
        const reports =
          input === 'the bundled recordings' ? ['REPORT_TYPE_TOP', 'REPORT_TYPE_FLAMEGRAPH_TABLE'] : fragileReports;
        for (const report of reports) assert.ok(await parca.query(profileType!, report), report);
        assert.ok(!parca.hasEnded());
        const labels = await parca.labels();
        for (const label of ['service_name', 'process_executable_name', 'thread_name'].filter((each) =>
          isLabelOf(sent, each),
        ))
          assert.ok(labels.includes(label), `${label} of ${labels}`);
      }
    });
  }
}

test('Parca still reads names one off: without functions_twice they are wrong', { timeout }, async (t) => {
  const folder = temporaryFolder(t);
  const { once } = await startParcas(t, folder, ['once']);
  const request = await recordedRequest();
  const options = { dialect_options: { functions_twice: false } };
  const sender = await startBetween(folder, { otlp_grpc: toParca(once!, options) });
  await exportOverGrpc(Number(sender.grpcEndpoint.split(':')[1]), encodeProfilesData(request));
  await sender.stop();
  const expected = stackTotalsOf([request], 'samples');
  const [profileType] = (await once!.profileTypes()).filter((type) => type.includes(':samples:count:'));
  const actual = await once!.stackTotals(profileType!);
  const equal = equalStacks(actual, expected, periodOf([request]));
  t.diagnostic(`without functions_twice: ${equal} of ${expected.size} stacks equal`);
  // When this fails, Parca reads by index: say in docs/compatibility.md from which version on the option may be off.
  assert.ok(equal < expected.size);
});

async function startParcas(t: TestContext, folder: string, names: readonly string[]): Promise<Record<string, Parca>> {
  const parcas = await Promise.all(
    names.map(async (name): Promise<[string, Parca]> => {
      const parca = await startParca(join(folder, `parca-${name}`));
      t.after(() => parca.stop());
      return [name, parca];
    }),
  );
  return Object.fromEntries(parcas);
}

function toParca(parca: Parca, settings: object): object {
  return { endpoint: parca.endpoint, tls: { insecure: true }, dialect: 'parca', ...settings };
}

/** The one period of all on-CPU profiles. */
function periodOf(messages: readonly ProfilesData[]): bigint {
  const periods = new Set<bigint>();
  for (const { resourceProfiles, dictionary } of messages) {
    for (const { profiles } of resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles)) {
      for (const { sampleType, period } of profiles)
        if (dictionary.stringTable.at(sampleType.typeStrindex) === 'samples') periods.add(period);
    }
  }
  assert.equal(periods.size, 1);
  return [...periods][0]!;
}

function isLabelOf(messages: readonly ProfilesData[], label: string): boolean {
  const key = label === 'service_name' ? 'service.name' : label.replaceAll('_', '.');
  return messages.some(({ dictionary, resourceProfiles }) => {
    const isKey = (each: { readonly key: string }): boolean => each.key === key;
    return (
      [...dictionary.stringTable].includes(key) ||
      resourceProfiles.some(({ resource }) => resource.attributes.some(isKey))
    );
  });
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-parca-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
