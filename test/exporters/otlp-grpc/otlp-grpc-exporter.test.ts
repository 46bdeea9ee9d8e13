import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { createLentRequest } from '../../../src/exporters/export-request.ts';
import { GrpcClient } from '../../../src/grpc/client.ts';
import { encodeExportResponse } from '../../../src/otlp/protobuf/export-response.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fakeRequest, numberOf } from '../../support/fake-request.ts';
import { respond } from '../../support/grpc-answer.ts';
import type { Answer } from '../../support/otlp-answer.ts';
import { ScriptedOtlpServer } from '../../support/otlp-server.ts';
import { connectGrpc } from '../connect.ts';
import { createExporter } from '../create-exporter.ts';

const neverAborted = new AbortController().signal;

test('otlp_grpc says who it is, in which schema, and for how long it waits', async (t) => {
  const { server, exporter } = await connectGrpc(t, {
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
  assert.match(headers['user-agent']!, /^Framekeeper\/1\.2\.3 \([a-z0-9]+\/[a-z0-9]+\)$/);
  assert.equal(headers['grpc-encoding'], 'gzip');
  assert.equal(numberOf(bytes), 1);
});

test('otlp_grpc sends plain bytes when compression is none', async (t) => {
  const { server, exporter } = await connectGrpc(t, { values: { compression: 'none', user_agent: 'mine' } });
  exporter.offer(fakeRequest(1, 1, 100_000));
  await server.until(({ requests }) => requests.length === 1);
  const { headers, bytes } = server.requests[0]!;
  assert.ok(headers['grpc-encoding'] === undefined || headers['grpc-encoding'] === 'identity');
  assert.match(headers['user-agent']!, /^mine$/);
  assert.equal(bytes.length, 100_000);
});

for (const { name, isEarly } of [
  { name: 'once its receiver has read it', isEarly: false },
  { name: 'not where its receiver has answered before it was written', isEarly: true },
]) {
  test(`otlp_grpc gives the memory of a request back ${name}`, async (t) => {
    const receiver = createHttp2Server().on('stream', (stream) => {
      stream.on('error', () => undefined);
      if (isEarly) respond(stream, new Uint8Array());
      else stream.resume().on('end', () => respond(stream, new Uint8Array()));
    });
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    t.after(() => receiver.close());
    const { exporter } = createExporter('otlp_grpc', {
      endpoint: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      compression: 'none',
      sending_queue: { wait_for_result: true },
    });
    await exporter.start();
    // More than a window takes.
    const request = fakeRequest(1, 1, 3 << 20);
    const returned = t.mock.method(request, 'returnPieces').mock;
    assert.deepEqual(await exporter.offer(request), { kind: 'taken' });
    await exporter.stop(AbortSignal.abort());
    assert.equal(returned.callCount(), isEarly ? 0 : 1);
  });
}

test('otlp_grpc keeps the memory of a request whose answer comes as its time ends: it is sent again', async (t) => {
  const clock = new FakeClock();
  const { server, exporter } = await connectGrpc(t, { values: { compression: 'none', timeout: '5s' }, clock });
  const { call } = GrpcClient.prototype;
  const late = Promise.withResolvers<void>();
  t.mock.method(GrpcClient.prototype, 'call', async function (this: GrpcClient, ...args: Parameters<typeof call>) {
    const end = await call.apply(this, args);
    if (server.requests.length === 1) await clock.advance(5_000);
    late.resolve();
    return end;
  });
  let givenBack = 0;
  const bytes = Buffer.alloc(100_000, 'bytes');
  const memory = { buffer: bytes.buffer, holders: 1, giveBack: () => givenBack++ };
  exporter.offer(createLentRequest([bytes], memory, 1, 0));
  await late.promise;
  await setImmediate();
  assert.equal(givenBack, 0);
  await clock.advance(1);
  await server.until(({ requests }) => requests.length === 2);
  assert.ok(server.requests.every((request) => bytes.equals(request.bytes)));
  await exporter.stop(neverAborted);
  // Of an attempt that was left behind nobody knows when it has read its pieces.
  assert.equal(givenBack, 0);
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
    const { server, exporter, logs, metrics } = await connectGrpc(t, { script: [answer] });
    exporter.offer(fakeRequest(1));
    await server.until(({ callCount }) => callCount === attempts);
    await exporter.stop(neverAborted);
    const counted = await metrics();
    const label = 'exporter="otlp_grpc/test"';
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
  const { server, exporter, logs } = await connectGrpc(t, { script, clock, values: { retry_on_failure: {} } });
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
  const { server, exporter, logs } = await connectGrpc(t, {
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
  const { server, exporter, metrics } = await connectGrpc(t, {
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
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp_grpc/test",error_type="Shutdown"}';
  assert.equal((await metrics()).get(name), 12);
  assert.equal(server.callCount, 1);
});

test('otlp_grpc finds a receiver that comes back on the same port', async (t) => {
  const { server, exporter, logs } = await connectGrpc(t);
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
  const { server, exporter, logs } = await connectGrpc(t, { values: { wait_for_ready: true, timeout: '1m' } });
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
  const { server, exporter } = await connectGrpc(t, { values: { keepalive } });
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
  const { server, exporter } = await connectGrpc(t, {
    values: { tls: { insecure: true } },
    server: { socketPath: join(folder, 'otlp.sock') },
  });
  exporter.offer(fakeRequest(1));
  await server.until(({ requests }) => requests.length === 1);
});
