import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { applyDialect } from '../../src/profile/dialects/apply-dialect.ts';
import { buildData } from '../support/build-data.ts';
import { withLists } from '../support/with-lists.ts';
import { connectGrpc, connectHttp } from './connect.ts';

const data = buildData(
  { samples: [{ at: [1, 2], attributes: { 'thread.id': 7n } }] },
  { type: 'events/count', periodType: '', period: 0n, samples: [{ at: [1] }, { at: [2], stack: [{ names: ['f'] }] }] },
);
const request = createExportRequest(data, countSamples(data));

for (const { dialect, sent, dropped } of [
  { dialect: 'generic', sent: 3, dropped: undefined },
  { dialect: 'pyroscope', sent: 3, dropped: undefined },
  { dialect: 'elastic', sent: 1, dropped: 2 },
] as const) {
  test(`an exporter sends profiles in the dialect ${dialect}, and counts what that leaves out`, async (t) => {
    const { server, exporter, metrics } = await connectHttp(t, { values: { dialect } });
    exporter.offer(request);
    await server.until(({ requests }) => requests.length === 1);
    await exporter.stop(new AbortController().signal);
    assert.deepEqual(
      withLists(decodeProfilesData(server.requests[0]!.bytes)),
      withLists(applyDialect(data, dialect).data),
    );
    const counted = await metrics();
    const label = '{exporter="otlp_http/test"}';
    assert.equal(counted.get(`otelcol_exporter_sent_profile_samples${label}`), sent);
    assert.equal(counted.get(`framekeeper_exporter_dialect_dropped_samples${label}`), dropped);
  });
}

test('labels that a backend has no room for are counted, and told once', async (t) => {
  const labels = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`team.label${index}`, 'x']));
  const crowded = buildData({ resource: { 'service.name': 'shop', ...labels }, samples: [{ at: [1] }] });
  const { server, exporter, metrics, logs } = await connectHttp(t, { values: { dialect: 'pyroscope' } });
  for (let i = 0; i < 3; i++) exporter.offer(createExportRequest(crowded, 1));
  await server.until(({ requests }) => requests.length === 3);
  await exporter.stop(new AbortController().signal);
  const counted = await metrics();
  assert.equal(counted.get('framekeeper_exporter_dialect_dropped_labels{exporter="otlp_http/test"}'), 18);
  const told = logs.lines.filter(({ labels: left }) => left !== undefined);
  assert.deepEqual(
    told.map(({ labels: left }) => left),
    [['team.label19', 'team.label20', 'team.label21', 'team.label22', 'team.label23', 'team.label24']],
  );
});

for (const { options, times } of [
  { options: {}, times: 2 },
  { options: { functions_twice: false }, times: 1 },
]) {
  test(`batched and split requests to Parca have each function ${times === 2 ? 'twice' : 'once, where it is told to'}`, async (t) => {
    const maxBytes = 30_000;
    const batch = { sizer: 'bytes', min_size: 60_000, max_size: 80_000 };
    const values = {
      dialect: 'parca',
      dialect_options: options,
      max_request_bytes: maxBytes,
      sending_queue: { batch },
    };
    const { server, exporter } = await connectGrpc(t, { values });
    const named = withFunctions();
    for (let i = 0; i < 3; i++) exporter.offer(createExportRequest(named, countSamples(named)));
    await exporter.stop(new AbortController().signal);
    assert.ok(server.requests.length > 3);
    for (const { bytes } of server.requests) {
      assert.ok(bytes.length <= maxBytes);
      const [, ...functions] = decodeProfilesData(bytes).dictionary.functionTable;
      const counts = new Map<number, number>();
      for (const { nameStrindex } of functions) counts.set(nameStrindex, 1 + (counts.get(nameStrindex) ?? 0));
      assert.deepEqual(new Set(counts.values()), new Set([times]));
    }
  });
}

/** 2,000 stacks of two functions each. */
function withFunctions(): ProfilesData {
  return buildData({
    samples: Array.from({ length: 2_000 }, (_, index) => ({
      at: [index],
      stack: [{ names: [`leaf${index}`], address: BigInt(index + 1) }, { names: [`caller${index % 50}`] }],
    })),
  });
}
