import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { applyDialect } from '../../src/profile/dialects/apply-dialect.ts';
import { buildData } from '../support/build-data.ts';
import { connectHttp } from './connect.ts';

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
    assert.deepEqual(decodeProfilesData(server.requests[0]!.bytes), applyDialect(data, dialect).data);
    const counted = await metrics();
    const label = '{exporter="otlp_http/test"}';
    assert.equal(counted.get(`otelcol_exporter_sent_profile_samples${label}`), sent);
    assert.equal(counted.get(`framekeeper_exporter_dialect_dropped_samples${label}`), dropped);
  });
}
