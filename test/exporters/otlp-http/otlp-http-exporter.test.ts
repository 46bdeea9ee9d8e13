import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExportRequest } from '../../../src/exporters/export-request.ts';
import { encodeProfilesJson } from '../../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { encodeExportResponse } from '../../../src/otlp/protobuf/export-response.ts';
import { syntheticProfiles } from '../../bench/synthetic-profiles.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fakeRequest } from '../../support/fake-request.ts';
import type { HttpScriptAnswer } from '../../support/otlp-http-server.ts';
import { ScriptedHttpServer } from '../../support/otlp-http-server.ts';
import { encodeStatus } from '../../support/rpc-status.ts';
import { connectHttp } from '../connect.ts';

const neverAborted = new AbortController().signal;
const retrying = 'Exporting failed. Will retry the request after interval.';
const ok: HttpScriptAnswer = { kind: 'ok' };
const protobuf = { 'content-type': 'application/x-protobuf' };
const json = { 'content-type': 'application/json; charset=utf-8' };

function answer(
  status: number,
  headers: Record<string, string> = {},
  body: Uint8Array | string = '',
): HttpScriptAnswer {
  return { kind: 'response', status, headers, body };
}

for (const { name, values, path, contentType, contentEncoding, expected } of [
  {
    name: 'gzipped protobuf',
    values: {},
    path: '/v1development/profiles',
    contentType: 'application/x-protobuf',
    contentEncoding: 'gzip',
    expected: encodeProfilesData(goodProfiles()),
  },
  {
    name: 'protobuf under zstd',
    values: { compression: 'zstd', compression_params: { level: 9 } },
    path: '/v1development/profiles',
    contentType: 'application/x-protobuf',
    contentEncoding: 'zstd',
    expected: encodeProfilesData(goodProfiles()),
  },
  {
    name: 'plain JSON',
    values: { compression: 'none', encoding: 'json' },
    path: '/v1development/profiles',
    contentType: 'application/json',
    contentEncoding: undefined,
    expected: Buffer.from(encodeProfilesJson(goodProfiles())),
  },
  {
    name: 'gzipped JSON',
    values: { encoding: 'json' },
    path: '/v1development/profiles',
    contentType: 'application/json',
    contentEncoding: 'gzip',
    expected: Buffer.from(encodeProfilesJson(goodProfiles())),
  },
]) {
  test(`otlp_http sends ${name}`, async (t) => {
    const { server, exporter } = await connectHttp(t, { values });
    exporter.offer(createExportRequest(goodProfiles(), 2));
    await server.until(({ requests }) => requests.length === 1);
    const request = server.requests[0]!;
    assert.deepEqual(
      [request.method, request.path, request.headers['content-type'], request.headers['content-encoding']],
      ['POST', path, contentType, contentEncoding],
    );
    assert.equal(Number(request.headers['content-length']), request.body.length);
    assert.ok(Buffer.from(expected).equals(request.bytes));
  });
}

test('otlp_http says who it is and in which schema, and sends the headers it was given', async (t) => {
  const { server, exporter } = await connectHttp(t, { values: { headers: { 'X-Scope-OrgID': 'tenant' } } });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
  const { headers } = server.requests[0]!;
  assert.equal(headers['otlp-profiles-development-version'], '1');
  assert.equal(headers['x-scope-orgid'], 'tenant');
  assert.match(headers['user-agent']!, /^Framekeeper\/1\.2\.3 \(\w+\/\w+\)$/);
});

test('otlp_http uses profiles_endpoint as it is, with its query', async (t) => {
  const server = await ScriptedHttpServer.start();
  t.after(() => server.stop());
  const { exporter } = await connectHttp(t, {
    values: { profiles_endpoint: `${server.endpoint}/ingest/?token=a%20b`, headers: { 'User-Agent': 'mine' } },
  });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
  assert.equal(server.requests[0]!.path, '/ingest/?token=a%20b');
  assert.equal(server.requests[0]!.headers['user-agent'], 'mine');
});

interface AnswerCase {
  readonly name: string;
  readonly answer: HttpScriptAnswer;
  readonly attempts: number;
  readonly sent: number;
  readonly errorType?: string;
  readonly rejected?: number;
  readonly warning?: string;
  /** What the error says, without the URL. */
  readonly error?: string;
}

const partialSuccess = encodeExportResponse({ rejectedProfiles: 3n, errorMessage: 'too old' });

const answerCases: readonly AnswerCase[] = [
  ...[429, 502, 503, 504].map((status) => ({
    name: `retries ${status}`,
    answer: answer(status),
    attempts: 2,
    sent: 1,
    error: `answered ${status}`,
  })),
  ...(
    [
      [400, 'InvalidArgument'],
      [401, 'Unauthenticated'],
      [403, 'PermissionDenied'],
      [404, 'Unimplemented'],
      [405, 'Unknown'],
      [408, 'Unknown'],
      [413, 'Unknown'],
      [415, 'Unknown'],
      [500, 'Unknown'],
      [501, 'Unknown'],
      [505, 'Unknown'],
    ] as const
  ).map(([status, errorType]) => ({
    name: `drops on ${status}`,
    answer: answer(status),
    attempts: 1,
    sent: 0,
    errorType,
    error: `answered ${status}`,
  })),
  ...[301, 302, 303, 307, 308].map((status) => ({
    name: `does not follow ${status}`,
    answer: answer(status, { location: '/elsewhere?token=hunter2' }),
    attempts: 1,
    sent: 0,
    errorType: 'Unknown',
    error:
      `answered ${status}, a redirect to ORIGIN/elsewhere, and redirects are not followed; ` +
      'name the new address in the configuration',
  })),
  { name: 'takes 204 for success', answer: answer(204), attempts: 1, sent: 1 },
  { name: 'takes an empty 200 for success', answer: answer(200, json), attempts: 1, sent: 1 },
  {
    name: 'takes 200 with a page for success',
    answer: answer(200, { 'content-type': 'text/html' }, '<p>'),
    attempts: 1,
    sent: 1,
  },
  {
    name: 'never retries a partial success in protobuf',
    answer: answer(200, protobuf, partialSuccess),
    attempts: 1,
    sent: 1,
    rejected: 3,
    warning: 'too old',
  },
  {
    name: 'never retries a partial success in JSON',
    answer: answer(200, json, '{"partialSuccess":{"rejectedProfiles":"3","errorMessage":"too old"}}'),
    attempts: 1,
    sent: 1,
    rejected: 3,
    warning: 'too old',
  },
  {
    name: 'passes on a warning',
    answer: answer(200, json, '{"partial_success":{"error_message":"slow down"}}'),
    attempts: 1,
    sent: 1,
    warning: 'slow down',
  },
  ...[
    { name: 'protobuf that is none', answer: answer(200, protobuf, Buffer.from([99])) },
    { name: 'JSON that is none', answer: answer(200, json, '{"partialSuccess":') },
    { name: 'JSON that is no object', answer: answer(200, json, '[]') },
    { name: 'more than 4 MiB', answer: answer(200, protobuf, Buffer.alloc(4 * 1024 * 1024 + 2, Buffer.from([10, 0]))) },
    { name: 'a compressed message', answer: answer(200, { ...protobuf, 'content-encoding': 'gzip' }, partialSuccess) },
  ].map((each) => ({
    name: `does not send again what was answered with ${each.name}`,
    answer: each.answer,
    attempts: 1,
    sent: 0,
    errorType: 'Internal',
  })),
  {
    name: 'shows the message of a status in protobuf',
    answer: answer(400, protobuf, encodeStatus(3, 'sample 4 has no value', 0)),
    attempts: 1,
    sent: 0,
    errorType: 'InvalidArgument',
    error: 'answered 400: sample 4 has no value',
  },
  {
    name: 'shows the message of a status in JSON',
    answer: answer(500, json, '{"code":13,"message":"out of order"}'),
    attempts: 1,
    sent: 0,
    errorType: 'Unknown',
    error: 'answered 500: out of order',
  },
  {
    name: 'shows plain text in one line',
    answer: answer(413, { 'content-type': 'text/plain' }, `${'x'.repeat(600)}\nsecond line\n`),
    attempts: 1,
    sent: 0,
    errorType: 'Unknown',
    error: `answered 413: ${'x'.repeat(600)} second line`,
  },
  {
    name: 'reads no more than 64 KiB of a failure',
    answer: answer(400, json, `{"message":"no","padding":"${'x'.repeat(64 * 1024)}"}`),
    attempts: 1,
    sent: 0,
    errorType: 'InvalidArgument',
    error: 'answered 400',
  },
  {
    name: 'turns away from a failure without an end',
    answer: { kind: 'endless', status: 400 },
    attempts: 1,
    sent: 0,
    errorType: 'InvalidArgument',
    error: 'answered 400',
  },
  {
    name: 'retries after a connection that broke in mid-request',
    answer: { kind: 'reset', when: 'mid_request' },
    attempts: 2,
    sent: 1,
  },
  {
    name: 'retries after a connection that broke unanswered',
    answer: { kind: 'reset', when: 'after_request' },
    attempts: 2,
    sent: 1,
  },
  { name: 'retries after half an answer', answer: { kind: 'reset', when: 'mid_response' }, attempts: 2, sent: 1 },
  {
    name: 'needs no more of a failure than its status',
    answer: { kind: 'reset', when: 'mid_response', status: 400 },
    attempts: 1,
    sent: 0,
    errorType: 'InvalidArgument',
    error: 'answered 400',
  },
  { name: 'retries after an answer that is not HTTP', answer: { kind: 'garbage' }, attempts: 2, sent: 1 },
];

for (const { name, answer, attempts, sent, errorType = '', rejected = 0, warning, error } of answerCases) {
  test(`otlp_http ${name}`, async (t) => {
    const { server, exporter, logs, metrics } = await connectHttp(t, { script: [answer] });
    exporter.offer(fakeRequest(1));
    await server.until(({ requestCount }) => requestCount === attempts);
    await exporter.stop(neverAborted);
    const counted = await metrics();
    const label = 'exporter="otlp_http/test"';
    assert.equal(server.requestCount, attempts);
    assert.equal(counted.get(`otelcol_exporter_sent_profile_samples{${label}}`) ?? 0, sent);
    assert.equal(counted.get(`framekeeper_exporter_rejected_profiles{${label}}`) ?? 0, rejected);
    const failed = counted.get(`otelcol_exporter_send_failed_profile_samples{${label},error_type="${errorType}"}`);
    assert.equal(failed ?? 0, 1 - sent);
    const warnings = logs.lines.filter(({ msg }) => msg === 'Partial success response');
    const shown = warnings.map(({ message, dropped_profiles }) => [message, dropped_profiles]);
    assert.deepEqual(shown, warning === undefined ? [] : [[warning, rejected]]);
    const told = logs.lines.map((line) => String(line.error ?? '')).find((text) => text !== '') ?? '';
    if (error !== undefined) {
      const withoutCode = told.slice(told.indexOf(' ') + 1);
      assert.equal(
        withoutCode,
        `${server.endpoint}/v1development/profiles ${error.replace('ORIGIN', server.endpoint)}`,
      );
    }
    assert.doesNotMatch(JSON.stringify(logs.lines), /hunter2/);
  });
}

for (const { status, retryAfter, interval } of [
  { status: 429, retryAfter: '17', interval: '17s' },
  { status: 503, retryAfter: '17', interval: '17s' },
  { status: 429, retryAfter: 'Thu, 01 Jan 2026 00:01:30 GMT', interval: '1m30s' },
  { status: 503, retryAfter: 'Thu, 01 Jan 2026 00:01:30 GMT', interval: '1m30s' },
  { status: 503, retryAfter: 'Wed, 31 Dec 2025 23:00:00 GMT', interval: '5s' },
  { status: 503, retryAfter: 'soon', interval: '5s' },
  { status: 502, retryAfter: '17', interval: '5s' },
  { status: 504, retryAfter: '17', interval: '5s' },
]) {
  test(`otlp_http waits ${interval} after ${status} with Retry-After: ${retryAfter}`, async (t) => {
    const clock = new FakeClock();
    const script = [answer(status, { 'retry-after': retryAfter })];
    const values = { retry_on_failure: {}, timeout: 0 };
    const { server, exporter, logs } = await connectHttp(t, { script, clock, values });
    exporter.offer(fakeRequest(1));
    const line = await logs.until(retrying);
    assert.equal(line.interval, interval);
    await clock.advance(90_000);
    await server.until(({ requests }) => requests.length === 2);
  });
}

test('otlp_http gives up an attempt after its timeout and breaks it off', async (t) => {
  const clock = new FakeClock();
  const { server, exporter, logs } = await connectHttp(t, { script: [{ kind: 'silence' }], clock });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
  await clock.advance(29_999);
  assert.equal(server.openCount, 1);
  await clock.advance(1);
  const line = await logs.until(retrying);
  assert.equal(line.error, 'no answer within 30000ms');
  await server.until(({ openCount }) => openCount === 0);
  await clock.advance(1);
  await server.until(({ requests }) => requests.length === 2);
});

test('otlp_http takes an answer that comes late but within the timeout', async (t) => {
  let release: () => void = () => undefined;
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { server, exporter, metrics } = await connectHttp(t, { script: [{ kind: 'slow', until, answer: ok }] });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
  release();
  await exporter.stop(neverAborted);
  assert.equal((await metrics()).get('otelcol_exporter_sent_profile_samples{exporter="otlp_http/test"}'), 1);
});

test('otlp_http cuts off a silent receiver when the deadline of stop passes', async (t) => {
  const { server, exporter, metrics } = await connectHttp(t, {
    script: () => ({ kind: 'silence' }),
    values: { sending_queue: { num_consumers: 1 } },
  });
  exporter.offer(fakeRequest(1, 5));
  exporter.offer(fakeRequest(2, 7));
  await server.until(({ requests }) => requests.length === 1);
  const deadline = new AbortController();
  const stopped = exporter.stop(deadline.signal);
  deadline.abort();
  await stopped;
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp_http/test",error_type="Shutdown"}';
  assert.equal((await metrics()).get(name), 12);
  await server.until(({ openCount }) => openCount === 0);
});

test('otlp_http finds a receiver that comes back on the same port', async (t) => {
  const { server, exporter, logs } = await connectHttp(t);
  const { port } = server;
  await server.stop();
  exporter.offer(fakeRequest(1));
  const { error } = await logs.until(retrying);
  assert.match(String(error), /^Unavailable: http:.*ECONNREFUSED/);
  const successor = await ScriptedHttpServer.start([], { port });
  t.after(() => successor.stop());
  await successor.until(({ requests }) => requests.length === 1);
});

test('otlp_http says why it cannot connect, also to a host with several addresses', async (t) => {
  const server = await ScriptedHttpServer.start();
  const endpoint = `http://localhost:${server.port}`;
  await server.stop();
  const { exporter, logs } = await connectHttp(t, { values: { endpoint } });
  exporter.offer(fakeRequest(1));
  const { error } = await logs.until(retrying);
  assert.match(String(error), /^Unavailable: http:.*: connect ECONNREFUSED/);
});

for (const { values, connectionCount } of [
  { values: {}, connectionCount: 1 },
  { values: { disable_keep_alives: true }, connectionCount: 3 },
]) {
  test(`otlp_http needs ${connectionCount} connections for three requests with ${JSON.stringify(values)}`, async (t) => {
    const { server, exporter, metrics } = await connectHttp(t, { values });
    for (const number of [1, 2, 3]) {
      exporter.offer(fakeRequest(number));
      await server.until(({ requests }) => requests.length === number);
      const name = 'otelcol_exporter_sent_profile_samples{exporter="otlp_http/test"}';
      const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      while ((await metrics()).get(name) !== number) await nextTurn();
      // The connection is free once the client has seen the end of the response.
      for (let turn = 0; turn < 5; turn++) await nextTurn();
    }
    assert.equal(server.connectionCount, connectionCount);
  });
}

test('otlp_http has no more connections than max_conns_per_host', async (t) => {
  const { server, exporter } = await connectHttp(t, { values: { max_conns_per_host: 2 } });
  for (let number = 1; number <= 20; number++) exporter.offer(fakeRequest(number));
  await server.until(({ requests }) => requests.length === 20);
  assert.equal(server.connectionCount, 2);
});

for (const { name, tooLarge } of [
  { name: '413', tooLarge: answer(413) },
  // As a Collector says it, from 0.159 to 0.164.
  {
    name: "the Collector's 400",
    tooLarge: answer(
      400,
      { 'content-type': 'application/json' },
      '{"code":3,"message":"http: request body too large"}',
    ),
  },
]) {
  test(`otlp_http splits what is larger than max_request_bytes, and halves what is answered with ${name}`, async (t) => {
    const { server, exporter, metrics } = await connectHttp(t, {
      values: { max_request_bytes: 100_000 },
      script: [tooLarge],
    });
    exporter.offer(createExportRequest(syntheticProfiles(), 1000));
    await exporter.stop(neverAborted);
    const counted = await metrics();
    const name = 'framekeeper_exporter_split_requests{exporter="otlp_http/test",reason=';
    assert.deepEqual([counted.get(`${name}"max_bytes"}`), counted.get(`${name}"refused"}`)], [1, 1]);
    assert.equal(counted.get('otelcol_exporter_sent_profile_samples{exporter="otlp_http/test"}'), 1000);
    assert.ok(server.requestCount > 3);
  });
}
