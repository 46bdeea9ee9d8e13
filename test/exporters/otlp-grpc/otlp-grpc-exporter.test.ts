import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { createExportRequest } from '../../../src/exporters/create-export-request.ts';
import { readOtlpGrpcConfig } from '../../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { createOtlpGrpcExporter } from '../../../src/exporters/otlp-grpc/otlp-grpc-exporter.ts';
import { decodeProfilesData } from '../../../src/otlp/decode-profiles-data.ts';
import { encodeExportResponse } from '../../../src/otlp/export-response.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import type { Clock } from '../../../src/support/clock.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { syntheticProfiles } from '../../bench/synthetic-profiles.ts';
import { assertSameProfiles, normalForm } from '../../interop/normal-form.ts';
import { withoutIdentity } from '../../otlp/arbitrary-request.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fakeRequest, numberOf } from '../../support/fake-request.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import type { Answer, Script } from '../../support/otlp-answer.ts';
import type { OtlpServerOptions } from '../../support/otlp-server.ts';
import { ScriptedOtlpServer } from '../../support/otlp-server.ts';

const neverAborted = new AbortController().signal;
const ok: Answer = { kind: 'ok' };
const unavailable: Answer = { kind: 'status', code: status.UNAVAILABLE, details: 'busy' };
const invalid: Answer = { kind: 'status', code: status.INVALID_ARGUMENT, details: 'bad' };

// Real time with the shortest retries: what is tested is the order of attempts, not their distance.
const fastRetries = { initial_interval: '1ms', max_interval: '1ms', randomization_factor: 0 };

interface Setting {
  readonly script?: Script;
  readonly values?: Record<string, unknown>;
  readonly clock?: Clock;
  readonly serverOptions?: OtlpServerOptions;
  /** Answers by what is in a request, instead of by the script. */
  readonly answerTo?: (bytes: Uint8Array) => Answer;
}

/** A started exporter and a server that it sends to; both end with the test. */
async function connect(t: TestContext, setting: Setting) {
  const { script = [], values = {}, clock = systemClock, serverOptions = {}, answerTo } = setting;
  const server = await ScriptedOtlpServer.start(
    answerTo ? () => ({ kind: 'read', answer: answerTo }) : script,
    serverOptions,
  );
  const logs = recordLogs();
  const { meter, values: metrics } = recordMetrics();
  const section = new ConfigSection('', { endpoint: server.endpoint, retry_on_failure: fastRetries, ...values }, []);
  const exporter = createOtlpGrpcExporter('otlp/test', readOtlpGrpcConfig(section), {
    logger: logs.logger,
    meter,
    clock,
    random: () => 0.5,
    version: '1.2.3',
  });
  await exporter.start();
  t.after(async () => {
    await exporter.stop(AbortSignal.abort());
    await server.stop();
  });
  return { server, exporter, logs, metrics };
}

/** Answers to numbered requests by a fixed sequence of pseudo-random numbers, so that a run can be repeated. */
function randomScript(seed: number, choose: (chance: number) => Answer): (callIndex: number) => Answer {
  return (callIndex) => choose((Math.imul(callIndex + seed, 2_654_435_761) >>> 0) / 2 ** 32);
}

for (const { name, choose } of [
  { name: 'always ok', choose: () => ok },
  { name: 'random retryable', choose: (chance: number) => (chance < 0.5 ? unavailable : ok) },
  { name: 'random permanent', choose: (chance: number) => (chance < 0.5 ? invalid : ok) },
  {
    name: 'a mix of both',
    choose: (chance: number) => (chance < 0.33 ? unavailable : chance < 0.66 ? invalid : ok),
  },
]) {
  test(`otlp_grpc delivers each request once to a receiver that is ${name}`, async (t) => {
    const requestCount = 60;
    const { server, exporter, metrics } = await connect(t, { script: randomScript(7, choose) });
    for (let number = 1; number <= requestCount; number++) assert.ok(exporter.offer(fakeRequest(number, number)));
    await server.until(
      ({ requests }) => requests.filter(({ answer }) => answer !== unavailable).length === requestCount,
    );
    await exporter.stop(neverAborted);

    const numbersWith = (wanted: Answer): number[] =>
      server.requests.filter(({ answer }) => answer === wanted).map(({ bytes }) => numberOf(bytes));
    const [accepted, refused, retried] = [numbersWith(ok), numbersWith(invalid), numbersWith(unavailable)];
    assert.equal(accepted.length, requestCount - refused.length, 'sent = n - permanent');
    assert.equal(server.callCount, requestCount + retried.length, 'attempts = n + retryable');
    assert.equal(new Set([...accepted, ...refused]).size, requestCount, 'nothing twice, nothing lost');
    const counted = await metrics();
    const label = 'exporter="otlp/test"';
    const failedName = `otelcol_exporter_send_failed_profile_samples{${label},error_type="InvalidArgument"}`;
    assert.equal(counted.get(`otelcol_exporter_sent_profile_samples{${label}}`), sum(accepted));
    assert.equal(counted.get(failedName) ?? 0, sum(refused));
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

test('otlp_grpc says who it is, in which schema, and for how long it waits', async (t) => {
  const { server, exporter } = await connect(t, {
    values: { headers: { 'X-Scope-OrgID': 'tenant' }, authority: 'profiles.example', timeout: '7s' },
  });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
  const { headers, bytes } = server.requests[0]!;
  assert.equal(headers[':path'], '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export');
  assert.equal(headers['otlp-profiles-development-version'], '1');
  assert.equal(headers['x-scope-orgid'], 'tenant');
  assert.equal(headers[':authority'], 'profiles.example');
  assert.equal(headers['grpc-timeout'], '7000m');
  assert.match(headers['user-agent']!, /^Framekeeper\/1\.2\.3 \([a-z0-9]+\/[a-z0-9]+\) grpc-node-js\//);
  assert.equal(headers['grpc-encoding'], 'gzip');
  assert.equal(numberOf(bytes), 1);
});

test('otlp_grpc sends plain bytes when compression is none', async (t) => {
  const { server, exporter } = await connect(t, { values: { compression: 'none', user_agent: 'mine' } });
  exporter.offer(fakeRequest(1, 1, 100_000));
  await server.until(({ requests }) => requests.length === 1);
  const { headers, bytes } = server.requests[0]!;
  assert.ok(headers['grpc-encoding'] === undefined || headers['grpc-encoding'] === 'identity');
  assert.match(headers['user-agent']!, /^mine /);
  assert.equal(bytes.length, 100_000);
});

const withCode = (code: status, retryAfterMs?: number): Answer => ({
  kind: 'status',
  code,
  details: 'no',
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

interface AnswerCase {
  readonly name: string;
  readonly answer: Answer;
  readonly attempts: number;
  readonly sent: number;
  readonly errorType?: string;
  readonly rejected?: number;
  readonly warning?: string;
}

const answerCases: readonly AnswerCase[] = [
  ...[
    status.CANCELLED,
    status.DEADLINE_EXCEEDED,
    status.ABORTED,
    status.OUT_OF_RANGE,
    status.UNAVAILABLE,
    status.DATA_LOSS,
  ].map((code) => ({ name: `retries ${status[code]}`, answer: withCode(code), attempts: 2, sent: 1 })),
  ...[
    ['Unknown', status.UNKNOWN],
    ['InvalidArgument', status.INVALID_ARGUMENT],
    ['NotFound', status.NOT_FOUND],
    ['AlreadyExists', status.ALREADY_EXISTS],
    ['PermissionDenied', status.PERMISSION_DENIED],
    ['FailedPrecondition', status.FAILED_PRECONDITION],
    ['Unimplemented', status.UNIMPLEMENTED],
    ['Internal', status.INTERNAL],
    ['Unauthenticated', status.UNAUTHENTICATED],
    ['ResourceExhausted', status.RESOURCE_EXHAUSTED],
  ].map(([errorType, code]) => ({
    name: `drops on ${status[code as status]}`,
    answer: withCode(code as status),
    attempts: 1,
    sent: 0,
    errorType: String(errorType),
  })),
  {
    name: 'retries RESOURCE_EXHAUSTED with RetryInfo',
    answer: withCode(status.RESOURCE_EXHAUSTED, 1),
    attempts: 2,
    sent: 1,
  },
  {
    name: 'drops on INVALID_ARGUMENT, also with RetryInfo',
    answer: withCode(status.INVALID_ARGUMENT, 1),
    attempts: 1,
    sent: 0,
    errorType: 'InvalidArgument',
  },
  {
    name: 'never retries a partial success',
    answer: { kind: 'response', message: encodeExportResponse({ rejectedProfiles: 3n, errorMessage: 'too old' }) },
    attempts: 1,
    sent: 1,
    rejected: 3,
    warning: 'too old',
  },
  {
    name: 'passes on a warning',
    answer: { kind: 'response', message: encodeExportResponse({ rejectedProfiles: 0n, errorMessage: 'slow down' }) },
    attempts: 1,
    sent: 1,
    warning: 'slow down',
  },
  {
    name: 'takes an empty partial success for a full one',
    answer: { kind: 'response', message: Buffer.from([10, 0]) },
    attempts: 1,
    sent: 1,
  },
  {
    name: 'does not send again what was answered with garbage',
    answer: { kind: 'response', message: Buffer.from([99]) },
    attempts: 1,
    sent: 0,
    errorType: 'Internal',
  },
  {
    name: 'drops on a response above 4 MiB',
    answer: { kind: 'response', message: Buffer.alloc(4 * 1024 * 1024 + 1) },
    attempts: 1,
    sent: 0,
    errorType: 'ResourceExhausted',
  },
  { name: 'retries after a connection that broke in mid-request', answer: reset('mid_request'), attempts: 2, sent: 1 },
  { name: 'retries after a connection that broke unanswered', answer: reset('after_request'), attempts: 2, sent: 1 },
  { name: 'retries after half an answer', answer: reset('mid_response'), attempts: 2, sent: 1 },
  {
    name: 'retries a call that ended without an answer of any kind',
    answer: { kind: 'no_answer' },
    attempts: 2,
    sent: 1,
  },
  {
    name: 'does not send again what was answered without a status',
    answer: { kind: 'half_closed', message: new Uint8Array() },
    attempts: 1,
    sent: 0,
    errorType: 'Internal',
  },
  {
    name: 'does not send again to a stream that ended without an answer',
    answer: { kind: 'half_closed' },
    attempts: 1,
    sent: 0,
    errorType: 'Internal',
  },
  {
    name: 'does not send again what was answered in an encoding that nobody knows',
    answer: { kind: 'wrong_compression' },
    attempts: 1,
    sent: 0,
    errorType: 'Internal',
  },
  {
    name: 'does not follow a redirect',
    answer: { kind: 'http', status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    attempts: 1,
    sent: 0,
    errorType: 'Unknown',
  },
  // What a proxy says while nothing is behind it (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
  { name: 'retries a proxy that has no receiver', answer: { kind: 'http', status: 503 }, attempts: 2, sent: 1 },
  { name: 'sends again what a GOAWAY left out', answer: { kind: 'goaway' }, attempts: 2, sent: 1 },
];

for (const { name, answer, attempts, sent, errorType = '', rejected = 0, warning } of answerCases) {
  test(`otlp_grpc ${name}`, async (t) => {
    const { server, exporter, logs, metrics } = await connect(t, { script: [answer] });
    exporter.offer(fakeRequest(1));
    await server.until(({ callCount }) => callCount === attempts);
    await exporter.stop(neverAborted);
    const counted = await metrics();
    const label = 'exporter="otlp/test"';
    assert.equal(server.callCount, attempts);
    assert.equal(counted.get(`otelcol_exporter_sent_profile_samples{${label}}`) ?? 0, sent);
    assert.equal(counted.get(`framekeeper_exporter_rejected_profiles{${label}}`) ?? 0, rejected);
    const failed = counted.get(`otelcol_exporter_send_failed_profile_samples{${label},error_type="${errorType}"}`);
    assert.equal(failed ?? 0, 1 - sent);
    assert.equal(counted.get(`otelcol_exporter_in_flight_requests{${label},data_type="profiles"}`), 0);
    const warnings = logs.lines.filter(({ msg }) => msg === 'Partial success response');
    const shown = warnings.map(({ message, dropped_profiles }) => [message, dropped_profiles]);
    assert.deepEqual(shown, warning === undefined ? [] : [[warning, rejected]]);
  });
}

function reset(when: 'mid_request' | 'after_request' | 'mid_response'): Answer {
  return { kind: 'reset', when };
}

test('otlp_grpc waits as long as RetryInfo asks', async (t) => {
  const clock = new FakeClock();
  const script = [withCode(status.RESOURCE_EXHAUSTED, 12_345)];
  const { server, exporter, logs } = await connect(t, { script, clock, values: { retry_on_failure: {} } });
  exporter.offer(fakeRequest(1));
  const line = await logs.until('Exporting failed. Will retry the request after interval.');
  assert.deepEqual([line.interval, line.error], ['12.345s', 'ResourceExhausted: no']);
  await clock.advance(12_344);
  assert.deepEqual([clock.sleeperCount, server.callCount], [1, 1]);
  await clock.advance(1);
  await server.until(({ callCount }) => callCount === 2);
});

test('otlp_grpc gives up an attempt after its timeout, and tells the receiver', async (t) => {
  const clock = new FakeClock();
  const { server, exporter, logs } = await connect(t, {
    script: [{ kind: 'silence' }],
    clock,
    values: { timeout: '1m' },
  });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
  await clock.advance(60_000);
  const line = await logs.until('Exporting failed. Will retry the request after interval.');
  assert.equal(line.error, 'no answer within 60000ms');
  await server.until(({ cancelledCount }) => cancelledCount === 1);
  await clock.advance(1);
  await server.until(({ requests }) => requests.length === 2);
});

test('otlp_grpc cuts off a silent receiver when the deadline of stop passes', async (t) => {
  const { server, exporter, metrics } = await connect(t, {
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
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp/test",error_type="Shutdown"}';
  assert.equal((await metrics()).get(name), 12);
  assert.equal(server.callCount, 1);
});

test('otlp_grpc finds a receiver that comes back on the same port', async (t) => {
  const { server, exporter, logs } = await connect(t, {});
  const { port } = server;
  await server.stop();
  exporter.offer(fakeRequest(1));
  const { error } = await logs.until('Exporting failed. Will retry the request after interval.');
  assert.match(String(error), /^Unavailable: .*ECONNREFUSED/);
  const successor = await ScriptedOtlpServer.start([], { port });
  t.after(() => successor.stop());
  await successor.until(({ requests }) => requests.length === 1);
});

test('otlp_grpc with wait_for_ready waits for a receiver that is not there yet', async (t) => {
  const { server, exporter, logs } = await connect(t, { values: { wait_for_ready: true, timeout: '1m' } });
  const { port } = server;
  await server.stop();
  const closed = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  await once(closed, 'listening');
  exporter.offer(fakeRequest(1));
  const [socket] = await once(closed, 'connection');
  await once(socket, 'close');
  closed.close();
  await once(closed, 'close');
  const successor = await ScriptedOtlpServer.start([], { port });
  t.after(() => successor.stop());
  await successor.until(({ requests }) => requests.length === 1);
  assert.deepEqual(logs.lines, []);
});

test('otlp_grpc reuses its connection, and pings it when told to', async (t) => {
  const keepalive = { time: '10ms', permit_without_stream: true };
  const { server, exporter } = await connect(t, { values: { keepalive } });
  for (const number of [1, 2, 3]) {
    exporter.offer(fakeRequest(number));
    await server.until(({ requests }) => requests.length === number);
  }
  await server.until(({ pingCount }) => pingCount >= 1);
  assert.equal(server.sessionCount, 1);
});

test('otlp_grpc sends to a Unix socket', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'framekeeper-grpc-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const serverOptions = { socketPath: join(folder, 'otlp.sock') };
  const { server, exporter } = await connect(t, { values: { tls: { insecure: true } }, serverOptions });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
});

test('otlp_grpc splits what is larger than max_request_bytes, so that nothing is refused', async (t) => {
  const { server, exporter, metrics } = await connect(t, { values: { max_request_bytes: 50_000 } });
  const data = syntheticProfiles();
  exporter.offer(createExportRequest(data, 1000));
  await exporter.stop(neverAborted);
  assert.ok(server.requests.length > 4);
  for (const { bytes } of server.requests) assert.ok(bytes.length <= 50_000);
  assertSameSamples(server, data);
  const counted = await metrics();
  const label = 'exporter="otlp/test"';
  assert.equal(counted.get(`otelcol_exporter_sent_profile_samples{${label}}`), 1000);
  assert.equal(counted.get(`framekeeper_exporter_split_requests{${label},reason="max_bytes"}`), 1);
});

test('otlp_grpc splits to the limit that a refusal names, and keeps to it', async (t) => {
  const limitBytes = 64 * 1024;
  const details = (size: number): string => `grpc: received message larger than max (${size} vs. ${limitBytes})`;
  const answer = (bytes: Uint8Array): Answer =>
    bytes.length > limitBytes ? { kind: 'status', code: 8, details: details(bytes.length) } : ok;
  const { server, exporter, logs, metrics } = await connect(t, { answerTo: answer });
  const data = syntheticProfiles();
  exporter.offer(createExportRequest(data, 1000));
  await logs.until('The receiver takes only smaller requests. Splitting to its limit.');
  exporter.offer(createExportRequest(data, 1000));
  await exporter.stop(neverAborted);
  assert.equal(server.requests.filter(({ bytes }) => bytes.length > limitBytes).length, 1);
  assertSameSamples(server, data, data);
  const counted = await metrics();
  assert.equal(counted.get('otelcol_exporter_sent_profile_samples{exporter="otlp/test"}'), 2000);
  assert.equal(counted.get('framekeeper_exporter_split_requests{exporter="otlp/test",reason="refused"}'), 1);
});

test('otlp_grpc halves what is refused for its size without a limit named', async (t) => {
  const tooLarge: Answer = { kind: 'status', code: 8, details: 'message exceeds the maximum configured message size' };
  const answerTo = (bytes: Uint8Array): Answer => (bytes.length > 40_000 ? tooLarge : ok);
  const { server, exporter, metrics } = await connect(t, { answerTo });
  const data = syntheticProfiles();
  exporter.offer(createExportRequest(data, 1000));
  await exporter.stop(neverAborted);
  assertSameSamples(server, data);
  assert.equal((await metrics()).get('otelcol_exporter_sent_profile_samples{exporter="otlp/test"}'), 1000);
});

test('otlp_grpc ends at single samples when a receiver takes no message of any size', async (t) => {
  const answerTo = (): Answer => ({ kind: 'status', code: 8, details: 'message exceeds maximum size' });
  const { server, exporter, metrics } = await connect(t, { answerTo });
  exporter.offer(createExportRequest(goodProfiles(), 2));
  await exporter.stop(neverAborted);
  assert.equal(server.callCount, 3);
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp/test",error_type="ResourceExhausted"}';
  assert.equal((await metrics()).get(name), 2);
});

test('otlp_grpc drops a single sample above max_request_bytes instead of sending it', async (t) => {
  const { server, exporter, logs } = await connect(t, { values: { max_request_bytes: 2048 } });
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

const fixture = (name: string): string => join(import.meta.dirname, '../fixtures', name);
const serverTls = { key: readFileSync(fixture('server-key.pem')), cert: readFileSync(fixture('server.pem')) };
const mutualTls = { ...serverTls, ca: readFileSync(fixture('ca.pem')), requestCert: true, rejectUnauthorized: true };
const ca = { ca_file: fixture('ca.pem') };
const client = { cert_file: fixture('client.pem'), key_file: fixture('client-key.pem') };

for (const { name, tls, serverOptions, isTrusted } of [
  { name: 'trusts what ca_file signed', tls: ca, serverOptions: { tls: serverTls }, isTrusted: true },
  { name: 'trusts no one else', tls: {}, serverOptions: { tls: serverTls }, isTrusted: false },
  {
    name: 'trusts anyone with insecure_skip_verify',
    tls: { insecure_skip_verify: true },
    serverOptions: { tls: serverTls },
    isTrusted: true,
  },
  {
    name: 'wants the name of server_name_override',
    tls: { ...ca, server_name_override: 'other.example' },
    serverOptions: { tls: serverTls },
    isTrusted: false,
  },
  { name: 'shows its certificate', tls: { ...ca, ...client }, serverOptions: { tls: mutualTls }, isTrusted: true },
  { name: 'is refused without a certificate', tls: ca, serverOptions: { tls: mutualTls }, isTrusted: false },
  {
    name: 'does not go below min_version',
    tls: { ...ca, min_version: '1.3' },
    serverOptions: { tls: { ...serverTls, maxVersion: 'TLSv1.2' as const } },
    isTrusted: false,
  },
]) {
  test(`otlp_grpc over TLS ${name}`, async (t) => {
    const { server, exporter, logs } = await connect(t, { values: { tls }, serverOptions });
    exporter.offer(fakeRequest(1));
    if (isTrusted) await server.until(({ requests }) => requests.length === 1);
    else {
      const { error } = await logs.until('Exporting failed. Will retry the request after interval.');
      assert.match(String(error), /^Unavailable: /);
    }
    assert.equal(server.requests.length, isTrusted ? 1 : 0);
  });
}

for (const { name, tls, message } of [
  {
    name: 'a file that is not there',
    tls: { ca_file: '/nowhere/ca.pem' },
    message: /^tls\.ca_file: cannot read \/nowhere\/ca\.pem \(ENOENT.*\); name a PEM file that can be read\.$/,
  },
  {
    name: "a key that is not the certificate's",
    tls: { cert_file: fixture('client.pem'), key_file: fixture('server-key.pem') },
    message:
      /^tls\.cert_file: certificate and key do not work together \(.*\); name a certificate and its own key, as PEM\.$/,
  },
]) {
  test(`otlp_grpc does not start with ${name}`, async () => {
    const config = readOtlpGrpcConfig(new ConfigSection('', { endpoint: 'localhost:4317', tls }, []));
    const exporter = createOtlpGrpcExporter('otlp', config, {
      logger: recordLogs().logger,
      meter: recordMetrics().meter,
      clock: new FakeClock(),
      random: () => 0.5,
      version: '1.2.3',
    });
    await assert.rejects(exporter.start(), { message });
    await exporter.stop(neverAborted);
  });
}

test('otlp_grpc without an endpoint is switched off when it is optional, and says so', async () => {
  const { logger, lines } = recordLogs();
  const config = readOtlpGrpcConfig(new ConfigSection('', { endpoint: '', optional: true }, []));
  const exporter = createOtlpGrpcExporter('otlp', config, {
    logger,
    meter: recordMetrics().meter,
    clock: new FakeClock(),
    random: () => 0.5,
    version: '1.2.3',
  });
  await exporter.start();
  assert.equal(exporter.offer(fakeRequest(1)), true);
  await exporter.stop(neverAborted);
  assert.deepEqual(
    lines.map(({ msg, reason }) => [msg, reason]),
    [['The exporter is switched off.', 'its endpoint is empty']],
  );
});
