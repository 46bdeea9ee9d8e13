import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { runChild } from '../support/child-process.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { readProtoFile } from '../support/proto-file.ts';
import type { FakeElasticsearch } from './fake-elasticsearch.ts';
import { startFakeElasticsearch } from './fake-elasticsearch.ts';
import { startBetween } from './otlp-between.ts';
import { locatePeers } from './peers.ts';
import { recordedRequest } from './recorded-request.ts';

const timeout = 120_000;

const inputs: Readonly<Record<string, () => Promise<readonly Uint8Array[]>>> = {
  'the bundled recordings': async () => [encodeProfilesData(await recordedRequest())],
  "a real profiler's bytes": async () => realRequests('profiler'),
};

for (const [input, requests] of Object.entries(inputs)) {
  test(`the Collector's Elasticsearch exporter makes an event of each on-CPU sample of ${input}, with its host and names`, {
    timeout,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-elastic-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const elasticsearch = await startFakeElasticsearch();
    t.after(() => elasticsearch.stop());
    const generic = join(folder, 'generic.proto');
    const elastic = join(folder, 'elastic.proto');
    const sender = await startBetween(folder, {
      'file/generic': { path: generic, format: 'proto' },
      'file/elastic': { path: elastic, format: 'proto', dialect: 'elastic' },
    });
    for (const bytes of await requests())
      await exportOverGrpc(Number(sender.grpcEndpoint.split(':')[1]), withHost(bytes));
    await sender.stop();
    const child = runChild(locatePeers().elasticExporter, [elasticsearch.url, elastic]);
    assert.equal(await child.ended(), 0, child.output());
    const expected = namesOf(readProtoFile(generic).map(decodeProfilesData));
    const actual = namesIn(elasticsearch);
    const equal = [...expected].filter(([stack, count]) => actual.get(stack) === count).length;
    t.diagnostic(
      `${input}: ${sum(expected)} sent, ${sum(actual)} events, ${equal} of ${expected.size} stacks of names equal`,
    );
    assert.deepEqual([sum(actual), equal, actual.size], [sum(expected), expected.size, expected.size]);
    const events = elasticsearch.documents('profiling-events-all');
    assert.ok(events.every(({ source }) => source['host.id'] !== '' && source['service.name'] !== ''));
  });
}

/** The request with the name of a host on each resource, as resource detection adds it; the real profiler has no ID of a host. */
function withHost(bytes: Uint8Array): Uint8Array {
  const data = decodeProfilesData(bytes);
  const host = { key: 'host.name', value: 'node-1' };
  const resourceProfiles = data.resourceProfiles.map((entry) => ({
    ...entry,
    resource: { ...entry.resource, attributes: [...entry.resource.attributes, host] },
  }));
  return encodeProfilesData({ ...data, resourceProfiles });
}

/** Observations by the names of their stacks, root first; a frame without a name is `?`. */
function namesOf(messages: readonly ProfilesData[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { resourceProfiles, dictionary } of messages) {
    const text = (index: number): string => dictionary.stringTable.at(index)!;
    const names = [...dictionary.locationTable].map(({ lines }) =>
      lines.map(({ functionIndex }) => text(dictionary.functionTable.at(functionIndex)!.nameStrindex)).join(','),
    );
    for (const { profiles } of resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles)) {
      for (const { sampleType, samples } of profiles) {
        if (text(sampleType.typeStrindex) !== 'samples') continue;
        for (const { stackIndex, timestampsUnixNano } of samples) {
          const { locationIndices } = dictionary.stackTable.at(stackIndex)!;
          const stack = locationIndices
            .map((index) => names[index] || '?')
            .reverse()
            .join('\n');
          counts.set(stack, (counts.get(stack) ?? 0) + timestampsUnixNano.length);
        }
      }
    }
  }
  return counts;
}

/** The same of the documents that the exporter wrote. */
function namesIn(elasticsearch: FakeElasticsearch): Map<string, number> {
  const frames = new Map(
    elasticsearch
      .documents('profiling-stackframes')
      .map(({ id, source }) => [id, ((source['Stackframe.function.name'] ?? []) as readonly string[]).join(',')]),
  );
  const stacks = new Map(
    elasticsearch.documents('profiling-stacktraces').map(({ id, source }) => {
      const ids = String(source['Stacktrace.frame.ids']).match(/.{32}/g) ?? [];
      return [id, ids.map((frame) => frames.get(frame) || '?').join('\n')];
    }),
  );
  const counts = new Map<string, number>();
  for (const { source } of elasticsearch.documents('profiling-events-all')) {
    const stack = stacks.get(String(source['Stacktrace.id'])) ?? 'unknown stack';
    counts.set(stack, (counts.get(stack) ?? 0) + Number(source['Stacktrace.count']));
  }
  return counts;
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((a, b) => a + b, 0);
}
