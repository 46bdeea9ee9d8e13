import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { CollectorOptions } from './collector.ts';
import { startCollector } from './collector.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';
import type { Exporters } from './otlp-between.ts';
import { startBetween } from './otlp-between.ts';
import { copiesOf, recordedRequest, withoutIdentity } from './recorded-request.ts';

interface Case {
  readonly name: string;
  readonly limit: CollectorOptions;
  readonly maxBytes: number;
  readonly copies: number;
  readonly exporters: (to: { grpcEndpoint: string; httpEndpoint: string }) => Exporters;
}

const cases: readonly Case[] = [
  {
    name: 'that takes 64 KiB over HTTP',
    limit: { http: { max_request_body_size: 65_536 } },
    maxBytes: 65_536,
    copies: 1,
    exporters: ({ httpEndpoint: endpoint }) => ({
      // Only the first knows the limit; the others find it out.
      'otlp_http/told': { endpoint, max_request_bytes: 65_536 },
      'otlp_http/proto': { endpoint, compression: 'none' },
      'otlp_http/gzip': { endpoint, compression: 'gzip' },
      'otlp_http/json': { endpoint, encoding: 'json', compression: 'zstd' },
    }),
  },
  {
    // Less cannot be configured: the key counts MiB.
    name: 'that takes 1 MiB over gRPC',
    limit: { grpc: { max_recv_msg_size_mib: 1 } },
    maxBytes: 1 << 20,
    copies: 16,
    exporters: ({ grpcEndpoint: endpoint }) => ({
      'otlp_grpc/told': { endpoint, tls: { insecure: true }, max_request_bytes: 65_536 },
      'otlp_grpc/gzip': { endpoint, tls: { insecure: true } },
    }),
  },
];

for (const { name, limit, maxBytes, copies, exporters } of cases) {
  test(`a Collector ${name} gets everything in pieces`, { timeout: 120_000 }, async (t) => {
    const request = copiesOf(await recordedRequest(), copies);
    const body = encodeProfilesData(request);
    assert.ok(body.length > maxBytes, `${body.length} bytes`);
    const { received, ways } = await sendThroughUs(t, body, limit, exporters);
    assert.ok(received.length > 2 * ways);
    const expected = normalForm(Array.from({ length: ways }, () => withoutIdentity(request)));
    assertSameProfiles(normalForm(received.map(withoutIdentity)), expected);
  });
}

async function sendThroughUs(
  t: TestContext,
  body: Uint8Array,
  limit: CollectorOptions,
  exporters: Case['exporters'],
): Promise<{ received: ProfilesData[]; ways: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-limits-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const collector = await startCollector(folder, limit);
  t.after(() => collector.stop());
  const ways = exporters(collector);
  const between = await startBetween(folder, ways);
  t.after(() => between.stop());
  const headers = { 'content-type': 'application/x-protobuf' };
  const url = `${between.httpEndpoint}/v1development/profiles`;
  const response = await fetch(url, { method: 'POST', headers, body: Buffer.from(body) });
  assert.equal(response.status, 200, await response.text());
  await between.stop();
  await collector.stop();
  return { received: collector.readJson(), ways: Object.keys(ways).length };
}
