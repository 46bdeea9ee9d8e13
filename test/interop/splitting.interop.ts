import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfiles } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { mergeProfiles } from '../../src/profile/join/profiles-joiner.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { newestCollector } from './build-collector.ts';
import { startCollector } from './collector.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';
import { startBetween } from './otlp-between.ts';
import { recordedRequest, withoutIdentity, withoutNativeNames } from './recorded-request.ts';

/** `sending_queue.batch.max_size` with its sizer, and what the Collector does at that size: counts may not be zero or must be. */
const limits = [
  { sizer: 'items', maxSize: 10, collector: { isLossy: false, hasOrphans: true } },
  { sizer: 'items', maxSize: 100, collector: { isLossy: false, hasOrphans: false } },
  { sizer: 'items', maxSize: 1000, collector: { isLossy: false, hasOrphans: false } },
  { sizer: 'bytes', maxSize: 4096, collector: { isLossy: true, hasOrphans: true } },
  { sizer: 'bytes', maxSize: 16_384, collector: { isLossy: false, hasOrphans: true } },
  { sizer: 'bytes', maxSize: 65_536, collector: { isLossy: false, hasOrphans: true } },
  { sizer: 'bytes', maxSize: 131_072, collector: { isLossy: false, hasOrphans: false } },
] as const;

type Limit = (typeof limits)[number];

/** A request that was split, as its pieces arrived. */
interface Pieces {
  readonly messages: readonly ProfilesData[];
  readonly samples: number;
  /** Of the largest piece, in the limit's unit. */
  readonly largest: number;
  readonly oversized: number;
  /** Dictionary entries that nothing in their piece needs. */
  readonly orphans: number;
}

test('we split to any size, and what arrives is whole and conforms; the Collector does not', async (t) => {
  // A sample with long names of inlined functions alone may be larger than 4 KiB.
  const request = withoutNativeNames(await recordedRequest());
  const samples = countSamples(request);
  const { ours, theirs } = await splitByBoth(t, request);
  console.log(table(samples, theirs, ours));

  for (const [i, limit] of limits.entries()) {
    await t.test(`Framekeeper, ${limit.maxSize} ${limit.sizer}`, () => {
      assertSameProfiles(normalForm(ours[i]!.messages.map(withoutIdentity)), normalForm([withoutIdentity(request)]));
      assert.equal(ours[i]!.oversized, 0);
      assert.equal(ours[i]!.orphans, 0);
      for (const message of ours[i]!.messages) assert.deepEqual(checkConformance(message), []);
    });
    await t.test(`Collector ${newestCollector}, ${limit.maxSize} ${limit.sizer}`, () => {
      const { samples: arrived, oversized, orphans } = theirs[i]!;
      assert.deepEqual(
        { isLossy: arrived < samples, isOversized: oversized > 0, hasOrphans: orphans > 0 },
        { ...limit.collector, isOversized: true },
        'The Collector splits differently than it did: correct this table, and what README.md says of it.',
      );
    });
  }
});

/** One exporter for each limit, on both sides; the path tells them apart. */
async function splitByBoth(t: TestContext, request: ProfilesData): Promise<{ ours: Pieces[]; theirs: Pieces[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-splitting-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = await ScriptedHttpServer.start();
  t.after(() => server.stop());
  const exportersTo = (side: string): Record<string, object> =>
    Object.fromEntries(
      limits.map(({ sizer, maxSize }) => {
        const batch = { flush_timeout: '200ms', min_size: 0, max_size: maxSize, sizer };
        const endpoint = `${server.endpoint}/${side}/${maxSize}-${sizer}`;
        return [`otlp_http/${maxSize}-${sizer}`, { endpoint, compression: 'none', sending_queue: { batch } }];
      }),
    );
  const both = [await startCollector(folder, { exporters: exportersTo('theirs') })];
  t.after(() => both[0]!.stop());
  const between = await startBetween(folder, exportersTo('ours'));
  t.after(() => between.stop());
  const body = Buffer.from(encodeProfilesData(request));
  for (const { httpEndpoint, stop } of [...both, between]) {
    const headers = { 'content-type': 'application/x-protobuf' };
    const response = await fetch(`${httpEndpoint}/v1development/profiles`, { method: 'POST', headers, body });
    assert.equal(response.status, 200, await response.text());
    // Both send what waits before they end.
    await stop();
  }
  const piecesOf = (side: string): Pieces[] =>
    limits.map((limit) => {
      const prefix = `/${side}/${limit.maxSize}-${limit.sizer}/`;
      const requests = server.requests.filter(({ path }) => path.startsWith(prefix));
      return readPieces(
        requests.map(({ bytes }) => bytes),
        limit,
      );
    });
  return { ours: piecesOf('ours'), theirs: piecesOf('theirs') };
}

function readPieces(bodies: readonly Uint8Array[], { sizer, maxSize }: Limit): Pieces {
  const decoded = bodies.map((body) => decodeProfiles(body));
  const messages = decoded.map(({ data }) => data);
  const sizes = messages.map((data, i) => (sizer === 'items' ? countSamples(data) : bodies[i]!.length));
  return {
    messages,
    samples: messages.reduce((sum, data) => sum + countSamples(data), 0),
    largest: Math.max(0, ...sizes),
    oversized: sizes.filter((size) => size > maxSize).length,
    orphans: decoded.reduce((sum, { data, referencedStrings }) => sum + countOrphans(data, referencedStrings), 0),
  };
}

function countOrphans(data: ProfilesData, referencedStrings: ReadonlySet<number>): number {
  const { stringTable, ...tables } = data.dictionary;
  // Merged alone, a message has only the entries that it needs.
  const { stringTable: neededStrings, ...needed } = mergeProfiles([data]).dictionary;
  const count = (lists: object): number => Object.values(lists).reduce((sum, { length }) => sum + length, 0);
  const usedStrings = new Set([...neededStrings, ...[...referencedStrings].map((index) => stringTable.at(index))]);
  return count(tables) - count(needed) + stringTable.length - usedStrings.size;
}

/** In Markdown, for README.md. */
function table(samples: number, theirs: readonly Pieces[], ours: readonly Pieces[]): string {
  const cells = ({ messages, samples: arrived, largest, oversized, orphans }: Pieces): string =>
    `${messages.length} | ${arrived} | ${oversized} | ${largest} | ${orphans}`;
  const columns = 'pieces | samples out | pieces over the limit | largest | orphans';
  return [
    `One request of ${samples} samples:`,
    `| \`max_size\` | Collector ${newestCollector}: ${columns} | Framekeeper: ${columns} |`,
    `|${' --- |'.repeat(11)}`,
    ...limits.map(({ sizer, maxSize }, i) => `| ${maxSize} ${sizer} | ${cells(theirs[i]!)} | ${cells(ours[i]!)} |`),
  ].join('\n');
}
