import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { ClientDuplexStream, GrpcObject, ServiceClientConstructor, ServiceError } from '@grpc/grpc-js';
import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import protobuf from 'protobufjs';
import { flowControlWindowBytes, settingsTimeoutMs } from '../../src/receivers/grpc-server.ts';
import type { GrpcServerConfig } from '../../src/receivers/grpc-server-config.ts';
import { GrpcServers } from '../../src/receivers/grpc-servers.ts';
import { descriptorSet } from '../support/descriptor-set.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { encodeBatch, FramesClient, smallBatch } from '../support/frames-client.ts';
import type { FramesServer } from '../support/frames-server.ts';
import { acceptAll, plainGrpcConfig, startFramesServer } from '../support/frames-server.ts';
import { framed } from '../support/grpc-answer.ts';
import { silentLogger } from '../support/http-harness.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { patienceMs } from '../support/patience.ts';

const batch = smallBatch([1_767_225_600_000_000_000n]);

async function serve(t: TestContext, config: Partial<GrpcServerConfig> = {}): Promise<FramesServer> {
  const server = await startFramesServer(acceptAll, config);
  t.after(() => server.stop());
  return server;
}

interface HealthClient {
  check(request: { service: string }, done: (error: ServiceError | null, reply: { status: string }) => void): void;
  watch(request: { service: string }): NodeJS.ReadableStream & { cancel(): void };
  list(request: object, done: (error: ServiceError | null, reply: { statuses: object }) => void): void;
  close(): void;
}

interface ReflectionReply {
  readonly listServicesResponse: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse: { readonly fileDescriptorProto: readonly Buffer[] };
}

/** A client that grpc-js makes of a definition, by the full name of the service. */
function clientOf(definition: PackageDefinition, name: string, port: number): ServiceClient {
  const found = name
    .split('.')
    .reduce<GrpcObject | unknown>((scope, part) => (scope as GrpcObject)[part], loadPackageDefinition(definition));
  return new (found as ServiceClientConstructor)(`127.0.0.1:${port}`, credentials.createInsecure());
}

type ServiceClient = InstanceType<ServiceClientConstructor>;

function healthClient(t: TestContext, port: number): HealthClient {
  const definition = loadSync(protoPath, { keepCase: true, enums: String, defaults: true });
  const client = clientOf(definition, 'grpc.health.v1.Health', port) as unknown as HealthClient;
  t.after(() => client.close());
  return client;
}

function check(client: HealthClient, service: string): Promise<string> {
  return new Promise((resolve) =>
    client.check({ service }, (error, reply) => resolve(error === null ? reply.status : status[error.code]!)),
  );
}

test('health serves the server and each service, once it is told to, and knows no other', async (t) => {
  const { server, port } = await serve(t);
  const client = healthClient(t, port);
  assert.equal(await check(client, ''), 'SERVING');
  assert.equal(await check(client, 'framekeeper.frames.v1.FramesService'), 'SERVING');
  assert.equal(await check(client, 'other'), 'NOT_FOUND');
  server.setServing(false);
  assert.equal(await check(client, ''), 'NOT_SERVING');
  const listed = await new Promise((resolve) => client.list({}, (_, reply) => resolve(reply.statuses)));
  assert.deepEqual(Object.keys(listed as object).sort(), ['', 'framekeeper.frames.v1.FramesService']);
});

test('a watch sees NOT_SERVING at a stop, and does not hold it up', async (t) => {
  const { server, port, log } = await serve(t);
  const watch = healthClient(t, port).watch({ service: '' });
  const seen: string[] = [];
  watch.on('data', ({ status: text }: { status: string }) => seen.push(text));
  const ended = new Promise((resolve) => watch.on('error', resolve));
  while (seen.length === 0) await setImmediate();
  await server.stop(AbortSignal.timeout(patienceMs));
  await ended;
  assert.deepEqual(seen, ['SERVING', 'NOT_SERVING']);
  assert.ok(!log.some((line) => line.includes('did not end in time')));
  server.setServing(true);
});

type ReflectionCall = ClientDuplexStream<object, ReflectionReply>;

/** Opens calls of reflection on one connection. */
function reflectionClient(t: TestContext, port: number): () => ReflectionCall {
  const proto = join(
    import.meta.dirname,
    '../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
  );
  const client = clientOf(
    loadSync(proto, { defaults: true, oneofs: true }),
    'grpc.reflection.v1.ServerReflection',
    port,
  );
  t.after(() => client.close());
  return () => client.serverReflectionInfo!() as ReflectionCall;
}

test('reflection describes the services and their messages', async (t) => {
  const { port } = await serve(t);
  const call = reflectionClient(t, port)();
  t.after(() => call.cancel());
  call.on('error', () => undefined);
  call.write({ listServices: '' });
  const [list] = (await once(call, 'data')) as [ReflectionReply];
  const names = list.listServicesResponse.service.map(({ name }) => name);
  assert.ok(
    names.includes('framekeeper.frames.v1.FramesService') && names.includes('grpc.health.v1.Health'),
    String(names),
  );
  call.write({ fileContainingSymbol: 'framekeeper.frames.v1.Batch' });
  const [answer] = (await once(call, 'data')) as [ReflectionReply];
  const files = answer.fileDescriptorResponse.fileDescriptorProto;
  assert.ok(files.some((file) => file.includes('resource_attributes') && file.includes('BatchReply')));
});

test('the descriptors that reflection answers with are those of the .proto files; npm run docs writes them', () => {
  const written = readFileSync(join(import.meta.dirname, '../../proto/descriptors.binpb'));
  assert.ok(written.equals(descriptorSet()));
});

for (const { name, question, field } of [
  {
    name: 'a method',
    question: { fileContainingSymbol: 'grpc.health.v1.Health.Watch' },
    field: 'fileDescriptorResponse',
  },
  { name: 'a file', question: { fileByFilename: 'grpc_health_v1.proto' }, field: 'fileDescriptorResponse' },
  { name: 'an unknown symbol', question: { fileContainingSymbol: 'no.Such' }, field: 'errorResponse' },
  { name: 'an unknown file', question: { fileByFilename: 'no.proto' }, field: 'errorResponse' },
  {
    name: 'extensions',
    question: { allExtensionNumbersOfType: 'framekeeper.frames.v1.Batch' },
    field: 'allExtensionNumbersResponse',
  },
  {
    name: 'an extension',
    question: { fileContainingExtension: { containingType: 'no.Such', extensionNumber: 1 } },
    field: 'errorResponse',
  },
]) {
  test(`reflection answers a question for ${name}, and repeats it`, async (t) => {
    const { port } = await serve(t);
    const call = reflectionClient(t, port)();
    call.write({ host: 'here', ...question });
    const [answer] = (await once(call, 'data')) as [Record<string, unknown>];
    assert.equal(answer.messageResponse, field);
    assert.equal(answer.validHost, 'here');
    const [key] = Object.keys(question) as [keyof typeof question];
    assert.deepEqual((answer.originalRequest as Record<string, unknown>)[key], question[key]);
    const ended = once(call, 'end');
    call.end();
    await ended;
  });
}

test('a question that cannot be read ends its call, and costs no log line', async (t) => {
  const { port, log } = await serve(t);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const request = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  request.resume().end(framed(Buffer.from([0x22, 9])));
  const [headers] = (await once(request, 'response')) as [http2.IncomingHttpHeaders];
  assert.equal(headers['grpc-status'], String(status.INVALID_ARGUMENT));
  assert.ok(!log.some((line) => line.includes('fault')));
});

test('a client that never reads the answers of reflection is not read any more', async (t) => {
  const { port } = await serve(t);
  const health = healthClient(t, port);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const request = session.request({
    ':method': 'POST',
    ':path': '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  request.on('error', () => undefined);
  request.pause();
  const name = Buffer.from('framekeeper.frames.v1.FramesService');
  // file_containing_symbol is field 4: 42 bytes, and an answer of many kilobytes.
  const question = Buffer.concat([Buffer.from([0, 0, 0, 0, name.length + 2, 0x22, name.length]), name]);
  const thousand = Buffer.concat(Array<Buffer>(1_000).fill(question));
  let sent = 0;
  const send = (): void => {
    request.write(thousand, () => {
      sent++;
      if (sent < 200) send();
    });
  };
  send();
  // Until nothing has moved while others were served 50 times.
  for (let idle = 0, before = -1; idle < 50 && sent < 200; idle++) {
    assert.equal(await check(health, ''), 'SERVING');
    if (sent !== before) idle = 0;
    before = sent;
  }
  // The window of 1 MiB, and what the client itself has at hand.
  assert.ok(sent * thousand.length < 2 * flowControlWindowBytes, `${sent} thousand questions were sent`);
});

test('calls of reflection are bounded, forgotten at their end, and do not hold up a stop', async (t) => {
  const { server, port, log } = await serve(t, { maxConcurrentStreams: 1_000 });
  const open = reflectionClient(t, port);
  const ask = async (): Promise<ReflectionCall> => {
    const call = open();
    call.write({ listServices: '' });
    // A place is given back a moment after the client has seen the end.
    return once(call, 'data').then(() => call, ask);
  };
  const end = async (call: ReflectionCall): Promise<unknown> => {
    const ended = once(call, 'end');
    call.end();
    return ended;
  };
  const calls = await Promise.all(Array.from({ length: 256 }, ask));
  const [refusal] = (await once(open(), 'error')) as [ServiceError];
  assert.equal(refusal.code, status.RESOURCE_EXHAUSTED);
  await Promise.all(calls.splice(0, 200).map(end));
  const others = await Promise.all(Array.from({ length: 200 }, ask));
  const all = [...calls, ...others].map((call) => once(call, 'error') as Promise<[ServiceError]>);
  await server.stop(AbortSignal.timeout(patienceMs));
  assert.deepEqual(new Set((await Promise.all(all)).map(([{ code }]) => code)), new Set([status.UNAVAILABLE]));
  assert.ok(!log.some((line) => line.includes('did not end in time')));
});

test('the flow-control window is raised, for streams and for connections', async (t) => {
  const { port } = await serve(t);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const [settings] = (await once(session, 'remoteSettings')) as [http2.Settings];
  assert.equal(settings.initialWindowSize, flowControlWindowBytes);
  assert.equal(settings.maxConcurrentStreams, 100);
  while (session.state.remoteWindowSize !== flowControlWindowBytes) await setImmediate();
  session.destroy();
});

test('a call beyond the calls that a connection may have open is counted', async (t) => {
  const { port, metrics } = await serve(t, { maxConcurrentStreams: 1 });
  assert.equal((await metrics()).get('framekeeper_grpc_refused_streams{}'), 0);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  // The client does not know the limit yet.
  const requests = [1, 2, 3].map(() =>
    session.request({ ':method': 'POST', ':path': watchPath, 'content-type': 'application/grpc' }),
  );
  const errors = await Promise.all(requests.slice(1).map((request) => once(request, 'error') as Promise<[Error]>));
  assert.match(errors[0]![0].message, /REFUSED_STREAM/);
  requests[0]!.on('error', () => undefined);
  assert.equal((await metrics()).get('framekeeper_grpc_refused_streams{}'), 2);
});

test('a new connection beyond the limit takes the place of the one that has been idle for longest', async (t) => {
  const { port, metrics } = await serve(t, { maxConnections: 2 });
  const sessions = [];
  for (let i = 0; i < 3; i++) {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on('error', () => undefined);
    sessions.push(session);
    const closed = i === 2 ? once(sessions[0]!, 'close') : undefined;
    await once(session, 'remoteSettings');
    await closed;
  }
  assert.deepEqual(
    sessions.map(({ destroyed }) => destroyed),
    [true, false, false],
  );
  assert.equal((await metrics()).get('framekeeper_grpc_closed_idle_connections{}'), 1);
  for (const session of sessions) session.destroy();
});

test('a connection beyond the limit is closed and counted while all others have calls', async (t) => {
  const { port, metrics } = await serve(t, { maxConnections: 2 });
  const sessions = [1, 2].map(() => http2.connect(`http://127.0.0.1:${port}`));
  for (const session of sessions) {
    if (session.connecting) await once(session, 'connect');
    const call = session.request({ ':method': 'POST', ':path': watchPath, 'content-type': 'application/grpc' });
    call.on('error', () => undefined);
    await new Promise((resolve) => session.ping(resolve));
  }
  const third = connect(port, '127.0.0.1');
  third.on('error', () => undefined);
  third.resume();
  await once(third, 'close');
  assert.equal((await metrics()).get('framekeeper_grpc_refused_connections{}'), 1);
  for (const session of sessions) session.destroy();
});

const watchPath = '/framekeeper.frames.v1.FramesService/Stream';

test('a message that does not get any further is given up, and the bytes of others are bounded', async (t) => {
  const { port, clock, metrics } = await serve(t);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const half = Buffer.alloc(2 * 1024 * 1024);
  half.writeUInt32BE(4 * 1024 * 1024 - 5, 1);
  const begin = (): Promise<string> => {
    const head = { ':method': 'POST', ':path': '/framekeeper.frames.v1.FramesService/Submit' };
    const request = session.request({ ...head, 'content-type': 'application/grpc', te: 'trailers' });
    request.on('error', () => undefined).resume();
    request.write(half);
    return once(request, 'response').then(([headers]) => headers['grpc-status'] as string);
  };
  // 16 MiB a connection: the ninth half of 4 MiB is too much.
  const statuses = await Promise.any(Array.from({ length: 9 }, begin));
  assert.equal(statuses, String(status.RESOURCE_EXHAUSTED));
  const given = (reason: string): Promise<number | undefined> =>
    metrics().then((values) => values.get(`framekeeper_grpc_given_up_messages{reason="${reason}"}`));
  assert.ok((await given('connection_full'))! >= 1);
  for (let i = 0; i < 11; i++) await clock.advance(1_000);
  assert.ok((await given('stalled'))! >= 1);
});

test('a stream of many messages that come in part takes no more listeners than one of a single message', async (t) => {
  const { port } = await serve(t);
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const request = session.request({ ':method': 'POST', ':path': watchPath, 'content-type': 'application/grpc' });
  const replies: Buffer[] = [];
  request.on('data', (reply: Buffer) => replies.push(reply));
  const message = framed(encodeBatch(batch));
  for (let i = 0; i < 20; i++) {
    request.write(message.subarray(0, 20));
    // The first part has come before the second is sent.
    await new Promise((resolve) => session.ping(resolve));
    request.write(message.subarray(20));
    while (replies.length <= i) await once(request, 'data');
  }
  request.end();
  await once(request, 'close');
  assert.deepEqual(warnings, []);
});

test('a connection that says nothing is closed after a time, and one that speaks is not', async (t) => {
  const { port, clock } = await serve(t);
  const silent = connect(port, '127.0.0.1');
  silent.on('error', () => undefined);
  const greeting = once(silent, 'data');
  const speaking = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => speaking.destroy());
  // What the server says first has come, so it knows of the connections.
  await Promise.all([greeting, once(speaking, 'remoteSettings')]);
  await new Promise((resolve) => speaking.ping(resolve));
  await clock.advance(settingsTimeoutMs - 1);
  assert.ok(!silent.destroyed);
  const closed = once(silent, 'close');
  await clock.advance(1);
  await closed;
  assert.ok(!speaking.closed);
});

test('a port that is taken fails the start, and says which key to change', async (t) => {
  const { port } = await serve(t);
  await assert.rejects(
    startFramesServer(acceptAll, { endpoint: `127.0.0.1:${port}` }),
    /^Error: receivers\.frames\.protocols\.grpc\.endpoint: cannot listen on 127\.0\.0\.1:\d+ \(.*\); free the port or change the endpoint$/,
  );
});

test('a stop closes at the deadline what does not end', async (t) => {
  const { port, server, log } = await serve(t);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  const request = session.request({
    ':method': 'POST',
    ':path': '/framekeeper.frames.v1.FramesService/Submit',
    'content-type': 'application/grpc',
  });
  request.on('error', () => undefined);
  request.write(Buffer.from([0, 0, 0, 1, 0])); // a message that never comes
  await once(session, 'remoteSettings');
  await new Promise((resolve) => session.ping(resolve));
  const closed = once(session, 'close');
  await server.stop(AbortSignal.timeout(50));
  await closed;
  assert.ok(log.some((line) => line.includes('did not end in time')));
});

const fixturePath = (name: string): string => join(import.meta.dirname, 'fixtures', name);
const fixture = (name: string): Buffer => readFileSync(fixturePath(name));
const files = {
  authority: undefined,
  certificate: { key: 'cert_file', path: fixturePath('server.pem') },
  privateKey: { key: 'key_file', path: fixturePath('server.key') },
  reloadIntervalMs: 0,
};
const tls = { files, minVersion: 'TLSv1.2' } as const;

// A name, because TLS has no server names that are addresses.
const localhost = { 'grpc.ssl_target_name_override': 'localhost' };

test('TLS serves clients that trust the certificate', async (t) => {
  const { port } = await serve(t, { tls });
  const client = new FramesClient(port, localhost, credentials.createSsl(fixture('ca.pem')));
  t.after(() => client.close());
  assert.equal((await client.submit(batch)).acceptedSamples, 1);
  const plain = new FramesClient(port);
  t.after(() => plain.close());
  await assert.rejects(plain.submit(batch), /UNAVAILABLE/);
});

test('TLS with client_ca_file serves only clients with a certificate', async (t) => {
  const { port } = await serve(t, {
    tls: { ...tls, files: { ...files, authority: { key: 'client_ca_file', path: fixturePath('ca.pem') } } },
  });
  const known = new FramesClient(
    port,
    localhost,
    credentials.createSsl(fixture('ca.pem'), fixture('client.key'), fixture('client.pem')),
  );
  const unknown = new FramesClient(port, localhost, credentials.createSsl(fixture('ca.pem')));
  t.after(() => known.close());
  t.after(() => unknown.close());
  assert.equal((await known.submit(batch)).acceptedSamples, 1);
  await assert.rejects(unknown.submit(batch), /UNAVAILABLE/);
});

test('TLS refuses versions below min_version', async (t) => {
  const { port } = await serve(t, { tls: { ...tls, minVersion: 'TLSv1.3' } });
  const options = { port, host: '127.0.0.1', servername: 'localhost', ca: fixture('ca.pem'), ALPNProtocols: ['h2'] };
  const old = connectTls({ ...options, maxVersion: 'TLSv1.2' });
  const [error] = await once(old, 'error');
  assert.match(String(error), /protocol version/i);
  const current = connectTls(options);
  await once(current, 'secureConnect');
  assert.equal(current.getProtocol(), 'TLSv1.3');
  current.destroy();
});

test('receivers at one endpoint share a server, unless their settings differ', () => {
  const servers = new GrpcServers({
    clock: new FakeClock(),
    meter: recordMetrics().meter,
    logger: silentLogger,
    guardOf: () => undefined,
  });
  const config = { ...plainGrpcConfig, endpoint: '127.0.0.1:4317' };
  assert.equal(servers.at(config), servers.at({ ...config }));
  assert.notEqual(servers.at(config), servers.at({ ...config, endpoint: '127.0.0.1:4327' }));
  assert.notEqual(servers.at(plainGrpcConfig), servers.at(plainGrpcConfig), 'any free port is one for each');
  assert.throws(
    () => servers.at({ ...config, maxConnections: 1 }),
    /127\.0\.0\.1:4317 has another receiver with other settings/,
  );
});

test('the proto file is what protobufjs and the service agree on', () => {
  const root = protobuf.loadSync(join(import.meta.dirname, '../../proto/framekeeper/frames/v1/frames.proto'));
  const service = root.lookupService('framekeeper.frames.v1.FramesService');
  assert.deepEqual(
    service.methodsArray.map(({ name, requestStream, responseStream }) => [
      name,
      requestStream ?? false,
      responseStream ?? false,
    ]),
    [
      ['Submit', false, false],
      ['Stream', true, true],
    ],
  );
});
