import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExportRequest } from '../../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { syntheticProfiles } from '../../bench/synthetic-profiles.ts';
import { assertSameProfiles, normalForm } from '../../interop/normal-form.ts';
import { withoutIdentity } from '../../otlp/arbitrary-request.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import type { Answer, Script } from '../../support/otlp-answer.ts';
import type { ScriptedOtlpServer } from '../../support/otlp-server.ts';
import { connectGrpc } from '../connect.ts';

const neverAborted = new AbortController().signal;
const ok: Answer = { kind: 'ok' };

/** Answers each request by what is in it. */
function readingScript(answer: (bytes: Uint8Array) => Answer): Script {
  return () => ({ kind: 'read', answer });
}

test('otlp_grpc splits what is larger than max_request_bytes, so that nothing is refused', async (t) => {
  const { server, exporter, metrics } = await connectGrpc(t, { values: { max_request_bytes: 50_000 } });
  const data = syntheticProfiles();
  exporter.offer(createExportRequest(data, 1000));
  await exporter.stop(neverAborted);
  assert.ok(server.requests.length > 4);
  for (const { bytes } of server.requests) assert.ok(bytes.length <= 50_000);
  assertSameSamples(server, data);
  const counted = await metrics();
  const label = 'exporter="otlp_grpc/test"';
  assert.equal(counted.get(`otelcol_exporter_sent_profile_samples{${label}}`), 1000);
  assert.equal(counted.get(`framekeeper_exporter_split_requests{${label},reason="max_bytes"}`), 1);
});

test('otlp_grpc splits to the limit that a refusal names, and keeps to it', async (t) => {
  const limitBytes = 64 * 1024;
  const details = (size: number): string => `grpc: received message larger than max (${size} vs. ${limitBytes})`;
  const answer = (bytes: Uint8Array): Answer =>
    bytes.length > limitBytes ? { kind: 'status', code: 8, details: details(bytes.length) } : ok;
  const { server, exporter, logs, metrics } = await connectGrpc(t, { script: readingScript(answer) });
  const data = syntheticProfiles();
  exporter.offer(createExportRequest(data, 1000));
  await logs.until('The receiver takes only smaller requests. Splitting to its limit.');
  exporter.offer(createExportRequest(data, 1000));
  await exporter.stop(neverAborted);
  assert.equal(server.requests.filter(({ bytes }) => bytes.length > limitBytes).length, 1);
  assertSameSamples(server, data, data);
  const counted = await metrics();
  assert.equal(counted.get('otelcol_exporter_sent_profile_samples{exporter="otlp_grpc/test"}'), 2000);
  assert.equal(counted.get('framekeeper_exporter_split_requests{exporter="otlp_grpc/test",reason="refused"}'), 1);
});

test('otlp_grpc halves what is refused for its size without a limit named', async (t) => {
  const tooLarge: Answer = { kind: 'status', code: 8, details: 'message exceeds the maximum configured message size' };
  const answerTo = (bytes: Uint8Array): Answer => (bytes.length > 40_000 ? tooLarge : ok);
  const { server, exporter, metrics } = await connectGrpc(t, { script: readingScript(answerTo) });
  const data = syntheticProfiles();
  exporter.offer(createExportRequest(data, 1000));
  await exporter.stop(neverAborted);
  assertSameSamples(server, data);
  assert.equal((await metrics()).get('otelcol_exporter_sent_profile_samples{exporter="otlp_grpc/test"}'), 1000);
});

test('otlp_grpc ends at single samples when a receiver takes no message of any size', async (t) => {
  const answerTo = (): Answer => ({ kind: 'status', code: 8, details: 'message exceeds maximum size' });
  const { server, exporter, metrics } = await connectGrpc(t, { script: readingScript(answerTo) });
  exporter.offer(createExportRequest(goodProfiles(), 2));
  await exporter.stop(neverAborted);
  assert.equal(server.callCount, 3);
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp_grpc/test",error_type="ResourceExhausted"}';
  assert.equal((await metrics()).get(name), 2);
});

test('otlp_grpc drops a single sample above max_request_bytes instead of sending it', async (t) => {
  const { server, exporter, logs } = await connectGrpc(t, { values: { max_request_bytes: 2048 } });
  const data = goodProfiles();
  const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
  profile!.samples[0]!.timestampsUnixNano = Array.from({ length: 300 }, () => profile!.timeUnixNano);
  exporter.offer(createExportRequest(data, 2));
  const { error, dropped_items } = await logs.until('Exporting failed. Dropping data.');
  assert.match(String(error), /^a single sample is larger than 2048 bytes; /);
  await exporter.stop(neverAborted);
  assert.deepEqual([dropped_items, server.requests.length], [1, 1]);
});

/** What the server accepted says what `sent` says. */
function assertSameSamples(server: ScriptedOtlpServer, ...sent: ProfilesData[]): void {
  const accepted = server.requests.filter(({ answer }) => answer.kind === 'ok');
  const pieces = accepted.map(({ bytes }) => withoutIdentity(decodeProfilesData(bytes)));
  assertSameProfiles(normalForm(pieces), normalForm(sent.map(withoutIdentity)));
}
