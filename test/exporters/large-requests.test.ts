import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Batcher } from '../../src/exporters/batcher.ts';
import { createExportEvents } from '../../src/exporters/export-events.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createEncodedRequest, withEachFunctionTwice } from '../../src/exporters/export-request.ts';
import { jsonOf, LargeRequests } from '../../src/exporters/large-requests.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { dialectNames } from '../../src/profile/dialects/dialect.ts';
import { systemClock } from '../../src/support/clock.ts';
import { manyFunctions } from '../abuse/payloads.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { connectHttp } from './connect.ts';

const bytes = encodeProfilesData(manyFunctions(20_000));
const sampleCount = 1_000;
const options = { underscores: false, functionsTwice: true };
const large = new LargeRequests(systemClock);
after(() => large.stop());

/** A request whose decoding is a fault: it would stop the event loop. */
function undecodable(): ExportRequest {
  const request = createEncodedRequest(bytes, sampleCount, 2);
  return Object.defineProperty(request, 'data', { get: () => assert.fail('decoded on the event loop') });
}

for (const dialect of dialectNames.filter((name) => name !== 'generic')) {
  test(`a large request is written for ${dialect} by the thread as it would be here`, async () => {
    const written = await large.inDialect(undecodable(), dialect, options);
    const here = createEncodedRequest(bytes, sampleCount, 2).inDialect(dialect, options);
    assert.ok(Buffer.from(here.request.encoded()).equals(written!.request.encoded()));
    assert.deepEqual(
      [written!.request.sampleCount, written!.request.hops, written!.droppedSamples, written!.droppedLabels],
      [here.request.sampleCount, here.request.hops, here.droppedSamples, here.droppedLabels],
    );
  });
}

test('a large request is written as JSON, and with each function twice, as it would be here', async () => {
  const here = createEncodedRequest(bytes, sampleCount);
  assert.ok(Buffer.from(encodeProfilesJson(here.data)).equals(await jsonOf(undecodable(), large)));
  const twice = await large.written('twice', undecodable());
  assert.ok(Buffer.from(withEachFunctionTwice(here).encoded()).equals(twice!));
});

for (const { what, config } of [
  { what: 'one request', config: { sizer: 'items', maxSize: 0 } },
  { what: 'parts of so many samples', config: { sizer: 'items', maxSize: 300 } },
  { what: 'parts of so many bytes', config: { sizer: 'bytes', maxSize: 300_000 } },
] as const) {
  test(`a large batch becomes ${what} as it would here`, async () => {
    const send = async (requests: ExportRequest[], thread?: LargeRequests): Promise<ExportRequest[]> => {
      const sent: ExportRequest[] = [];
      const batch = { flushTimeoutMs: 0, minSize: 2 * config.maxSize || 2_000, ...config };
      const batcher = new Batcher(config.sizer === 'bytes' ? { ...batch, minSize: 2 * bytes.length } : batch, 1, {
        clock: systemClock,
        stopping: new AbortController().signal,
        functionsTwice: false,
        events: createExportEvents('a', {
          logger: recordLogs().logger,
          meter: recordMetrics().meter,
          clock: systemClock,
        }),
        large: thread,
        deliver: async (part) => {
          sent.push(part);
          return 'finished';
        },
      });
      const never = new AbortController().signal;
      const results = await Promise.all(requests.map((request) => batcher.add(request, never)));
      assert.deepEqual(new Set(results), new Set(['finished']));
      return sent;
    };
    const here = await send([createEncodedRequest(bytes, sampleCount), createEncodedRequest(bytes, sampleCount)]);
    const there = await send(
      [undecodable(), undecodable()].map((each) => Object.assign(each, { hops: 0 })),
      large,
    );
    assert.equal(there.length, here.length);
    for (const [index, part] of there.entries()) {
      assert.equal(part.sampleCount, here[index]!.sampleCount);
      assert.ok(Buffer.from(part.encoded()).equals(here[index]!.encoded()), `part ${index}`);
    }
  });
}

test('an exporter with a dialect and JSON takes and sends a large request without decoding it', async (t) => {
  const values = { dialect: 'pyroscope', encoding: 'json' };
  const { server, exporter, metrics } = await connectHttp(t, { values });
  const request = undecodable();
  assert.deepEqual(await exporter.offer(request), { kind: 'taken' });
  await server.until(({ requests }) => requests.length === 1);
  await exporter.stop(new AbortController().signal);
  const wanted = createEncodedRequest(bytes, sampleCount).inDialect('pyroscope').request;
  assert.equal(server.requests.length, 1);
  const sent = server.requests[0]!;
  const body = Buffer.from(sent.bytes);
  const text = (body[0] === 0x1f ? gunzipSync(body) : body).toString();
  assert.equal(text, encodeProfilesJson(decodeProfilesData(wanted.encoded())));
  const counted = await metrics();
  assert.equal(counted.get('otelcol_exporter_sent_profile_samples{exporter="otlp_http/test"}'), wanted.sampleCount);
});
