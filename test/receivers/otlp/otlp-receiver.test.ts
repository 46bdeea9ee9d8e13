import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { encodeProfilesJson } from '../../../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { decodeExportResponse } from '../../../src/otlp/protobuf/export-response.ts';
import { readRetryDelayMs } from '../../../src/otlp/protobuf/retry-info.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { encodeOldWire } from '../../otlp/protobuf/encode-old-wire.ts';
import type { OtlpTestReceiver } from '../../support/otlp-sender.ts';
import { exportOverGrpc, startOtlpReceiver } from '../../support/otlp-sender.ts';
import { snappyBlock, snappyFrames } from '../snappy-literals.ts';

const good = encodeProfilesData(goodProfiles());
const protobuf = 'application/x-protobuf';
const json = 'application/json';
const versionKey = 'otlp-profiles-development-version';

async function start(
  context: TestContext,
  options: Parameters<typeof startOtlpReceiver>[0] = {},
): Promise<OtlpTestReceiver> {
  const receiver = await startOtlpReceiver(options);
  context.after(() => receiver.stop());
  return receiver;
}

function post(url: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
  const content = typeof body === 'string' ? body : Buffer.from(body);
  return fetch(url, { method: 'POST', body: content, headers: { 'content-type': protobuf, ...headers } });
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** Two profiles, of which the second refers to a stack that is not there. */
function halfGood(): ProfilesData {
  const data = goodProfiles();
  const { profiles } = data.resourceProfiles[0]!.scopeProfiles[0]!;
  profiles.push(structuredClone(profiles[0]!));
  profiles[1]!.periodType.typeStrindex = 77;
  return data;
}

const fault =
  `resource_profiles[0]: scope_profiles[0]: profile[1]: period_type: type_strindex: index 77 is out of range ` +
  `[0..${goodProfiles().dictionary.stringTable.length})`;

/** In two frames, as a sender that flushes in between writes it. */
function zstdFrames(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([zstdCompressSync(bytes.subarray(0, 50)), zstdCompressSync(bytes.subarray(50))]);
}

test('profiles come in over gRPC, plain, gzipped and deflated', async (t) => {
  const receiver = await start(t);
  for (const compression of [0, 1, 2] as const) {
    const response = await exportOverGrpc(receiver.grpcPort, good, {}, compression);
    assert.equal(response.length, 0);
  }
  assert.deepEqual(receiver.received, [goodProfiles(), goodProfiles(), goodProfiles()]);
  const metrics = await receiver.metrics();
  assert.equal(metrics.get('otelcol_receiver_accepted_profile_samples{receiver="otlp",transport="grpc"}'), 6);
});

for (const { encoding, compress } of [
  { encoding: '', compress: (bytes: Uint8Array) => bytes },
  { encoding: 'identity', compress: (bytes: Uint8Array) => bytes },
  { encoding: 'gzip', compress: gzipSync },
  { encoding: 'GZIP', compress: gzipSync },
  { encoding: 'zstd', compress: zstdCompressSync },
  { encoding: 'zstd', compress: zstdFrames },
  { encoding: 'deflate', compress: deflateSync },
  { encoding: 'zlib', compress: deflateSync },
  { encoding: 'snappy', compress: snappyBlock },
  { encoding: 'x-snappy-framed', compress: snappyFrames },
]) {
  const frames = compress === zstdFrames ? ', in two frames' : '';
  test(`profiles come in over HTTP with Content-Encoding "${encoding}"${frames}, as protobuf and as JSON`, async (t) => {
    const receiver = await start(t);
    const headers: Record<string, string> = encoding === '' ? {} : { 'content-encoding': encoding };
    const asProtobuf = await post(receiver.httpUrl, compress(good), headers);
    assert.deepEqual([asProtobuf.status, asProtobuf.headers.get('content-type')], [200, protobuf]);
    assert.equal((await bytesOf(asProtobuf)).length, 0);
    const text = Buffer.from(encodeProfilesJson(goodProfiles()));
    const jsonType = { 'content-type': 'application/json; charset=utf-8' };
    const asJson = await post(receiver.httpUrl, compress(text), { ...headers, ...jsonType });
    assert.deepEqual([asJson.status, asJson.headers.get('content-type'), await asJson.text()], [200, json, '{}']);
    assert.deepEqual(receiver.received, [goodProfiles(), goodProfiles()]);
    const metrics = await receiver.metrics();
    assert.equal(metrics.get('otelcol_receiver_accepted_profile_samples{receiver="otlp",transport="http"}'), 4);
  });
}

test('a faulty profile is rejected with its path, and the rest of the request is taken', async (t) => {
  const receiver = await start(t);
  const bytes = encodeProfilesData(halfGood());
  const partial = { rejectedProfiles: 1n, errorMessage: fault };
  assert.deepEqual(decodeExportResponse(await exportOverGrpc(receiver.grpcPort, bytes)), partial);
  assert.deepEqual(decodeExportResponse(await bytesOf(await post(receiver.httpUrl, bytes))), partial);
  const asJson = await post(receiver.httpUrl, encodeProfilesJson(halfGood()), { 'content-type': json });
  assert.deepEqual(await asJson.json(), { partialSuccess: { rejectedProfiles: '1', errorMessage: fault } });
  assert.deepEqual(receiver.received, [goodProfiles(), goodProfiles(), goodProfiles()]);
  const metrics = await receiver.metrics();
  assert.equal(metrics.get('otelcol_receiver_accepted_profile_samples{receiver="otlp",transport="http"}'), 4);
  assert.equal(metrics.get('otelcol_receiver_refused_profile_samples{receiver="otlp",transport="http"}'), 4);
  assert.equal(metrics.get('framekeeper_otlp_rejected_profiles{receiver="otlp",transport="grpc"}'), 1);
});

test('a faulty sample is left out, told with its path and counted, and its profile is taken', async (t) => {
  const receiver = await start(t);
  const data = goodProfiles();
  const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
  profile!.samples[0]!.linkIndex = 9;
  const errorMessage =
    'resource_profiles[0]: scope_profiles[0]: profile[0]: samples[0]: link_index: index 9 is out of range [0..2)';
  const response = decodeExportResponse(await exportOverGrpc(receiver.grpcPort, encodeProfilesData(data)));
  assert.deepEqual(response, { rejectedProfiles: 0n, errorMessage });
  const [received] = receiver.received;
  const samples = received!.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
  assert.deepEqual(samples, profile!.samples.slice(1));
  const metrics = await receiver.metrics();
  assert.equal(metrics.get('otelcol_receiver_refused_profile_samples{receiver="otlp",transport="grpc"}'), 1);
  assert.equal(metrics.get('otelcol_receiver_accepted_profile_samples{receiver="otlp",transport="grpc"}'), 1);
});

test('a text that is not UTF-8 is mended and counted, and nothing is lost', async (t) => {
  const receiver = await start(t);
  const bytes = Buffer.from(encodeProfilesData(goodProfiles()));
  const name = goodProfiles().dictionary.stringTable.at(-1)!;
  bytes[bytes.lastIndexOf(name)] = 0xff;
  await exportOverGrpc(receiver.grpcPort, bytes);
  const text = `${encodeProfilesJson(goodProfiles())}`;
  const asJson = Buffer.from(text);
  asJson[asJson.lastIndexOf(name)] = 0xff;
  const response = await post(receiver.httpUrl, asJson, { 'content-type': json });
  assert.equal(response.status, 200);
  for (const { dictionary } of receiver.received) {
    assert.equal(dictionary.stringTable.at(-1), `\ufffd${name.slice(1)}`);
  }
  const metrics = await receiver.metrics();
  assert.equal(metrics.get('framekeeper_otlp_mended_texts{receiver="otlp",transport="grpc"}'), 1);
  assert.equal(metrics.get('framekeeper_otlp_mended_texts{receiver="otlp",transport="http"}'), 1);
});

test('a byte order mark before JSON is passed over', async (t) => {
  const receiver = await start(t);
  const body = `\ufeff${encodeProfilesJson(goodProfiles())}`;
  assert.equal((await post(receiver.httpUrl, body, { 'content-type': json })).status, 200);
  assert.equal(receiver.received.length, 1);
});

test('a request whose profiles are all faulty is refused', async (t) => {
  const receiver = await start(t);
  const data = goodProfiles();
  for (const sample of data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples) sample.linkIndex = 9;
  await assert.rejects(exportOverGrpc(receiver.grpcPort, encodeProfilesData(data)), {
    code: status.INVALID_ARGUMENT,
    details:
      'resource_profiles[0]: scope_profiles[0]: profile[0]: samples[0]: link_index: index 9 is out of range [0..2); ' +
      'resource_profiles[0]: scope_profiles[0]: profile[0]: samples[1]: link_index: index 9 is out of range [0..2)',
  });
  assert.equal((await post(receiver.httpUrl, encodeProfilesData(data))).status, 400);
  assert.deepEqual(receiver.received, []);
});

test('an empty request, and one without samples, succeed and go no further', async (t) => {
  const receiver = await start(t);
  const data = goodProfiles();
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples = [];
  for (const bytes of [new Uint8Array(0), encodeProfilesData(data)]) {
    assert.equal((await exportOverGrpc(receiver.grpcPort, bytes)).length, 0);
    assert.equal((await post(receiver.httpUrl, bytes)).status, 200);
  }
  assert.equal((await post(receiver.httpUrl, '{}', { 'content-type': json })).status, 200);
  assert.deepEqual(receiver.received, []);
});

for (const { name, request, code, message } of [
  {
    name: 'bytes that are no protobuf',
    request: { body: Buffer.from([0xff, 0xff]) },
    code: 400,
    message: /ends inside a number/,
  },
  {
    name: 'JSON that is none',
    request: { body: '{"resourceProfiles":[', type: json },
    code: 400,
    message: /is not JSON/,
  },
  {
    name: 'JSON that is not UTF-8',
    request: { body: Buffer.from([0x7b, 0xff, 0x7d]), type: json },
    code: 400,
    message: /is not valid UTF-8/,
  },
  {
    name: 'a field of the wrong kind',
    request: { body: '{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"period":"soon"}]}]}]}', type: json },
    code: 400,
    message:
      /^resource_profiles\[0\]: scope_profiles\[0\]: profiles\[0\]: period: is "soon" where a whole number belongs/,
  },
  {
    name: 'a compression that nobody knows',
    request: { body: good, encoding: 'br' },
    code: 400,
    message: /^unsupported Content-Encoding: br$/,
  },
  {
    name: 'damaged gzip',
    request: { body: gzipSync(good).subarray(0, 30), encoding: 'gzip' },
    code: 400,
    message: /^cannot decompress the request body as gzip: unexpected end of file/,
  },
  { name: 'damaged snappy', request: { body: good, encoding: 'snappy' }, code: 400, message: /snappy data is damaged/ },
  {
    name: 'another development version',
    request: { body: Buffer.from([0xff]), version: '2' },
    code: 400,
    message: /^invalid or unsupported otlp-profiles-development-version: supported version is 1$/,
  },
  {
    name: 'two development versions',
    request: { body: good, version: '1, 1' },
    code: 400,
    message: /^otlp-profiles-development-version must contain exactly one value$/,
  },
]) {
  test(`${name} is refused with a google.rpc.Status in the request's encoding`, async (t) => {
    const receiver = await start(t);
    const { body, type, encoding, version } = request as {
      body: Buffer;
      type?: string;
      encoding?: string;
      version?: string;
    };
    const response = await post(receiver.httpUrl, body, {
      ...(type && { 'content-type': type }),
      ...(encoding && { 'content-encoding': encoding }),
      ...(version && { [versionKey]: version }),
    });
    assert.equal(response.status, code);
    assert.equal(response.headers.get('content-type'), type ?? protobuf);
    const told = type === json ? ((await response.json()) as StatusJson) : readStatus(await bytesOf(response));
    assert.equal(told.code, status.INVALID_ARGUMENT);
    assert.match(told.message, message);
    assert.deepEqual(receiver.received, []);
  });
}

test('the development version is looked at before gRPC messages are decoded', async (t) => {
  const receiver = await start(t);
  const garbage = Buffer.from([0xff, 0xff]);
  for (const { versions, details } of [
    { versions: ['2'], details: 'invalid or unsupported otlp-profiles-development-version: supported version is 1' },
    { versions: ['01'], details: 'invalid or unsupported otlp-profiles-development-version: supported version is 1' },
    { versions: [''], details: 'invalid or unsupported otlp-profiles-development-version: supported version is 1' },
    { versions: ['1', '1'], details: 'otlp-profiles-development-version must contain exactly one value' },
    { versions: ['1,1'], details: 'otlp-profiles-development-version must contain exactly one value' },
  ]) {
    const call = exportOverGrpc(receiver.grpcPort, garbage, { [versionKey]: versions });
    await assert.rejects(call, { code: status.INVALID_ARGUMENT, details }, `versions ${versions}`);
  }
  await exportOverGrpc(receiver.grpcPort, good, { [versionKey]: '1' });
  assert.equal((await post(receiver.httpUrl, good, { [versionKey]: '1' })).status, 200);
  assert.equal(receiver.received.length, 2);
});

test('what is too large is refused, before decompression and after it', async (t) => {
  const receiver = await start(t, { maxBytes: 2_000 });
  const large = goodProfiles();
  large.dictionary.stringTable.push('a'.repeat(3_000));
  const bytes = encodeProfilesData(large);
  for (const { body, encoding } of [
    { body: bytes, encoding: 'identity' },
    { body: gzipSync(bytes), encoding: 'gzip' },
    { body: zstdCompressSync(bytes), encoding: 'zstd' },
    { body: deflateSync(bytes), encoding: 'deflate' },
    { body: snappyBlock(bytes.subarray(0, 1_990), bytes.length), encoding: 'snappy' },
  ]) {
    const response = await post(receiver.httpUrl, body, { 'content-encoding': encoding });
    assert.equal(response.status, 413, encoding);
    const told = readStatus(await bytesOf(response));
    assert.equal(told.code, status.RESOURCE_EXHAUSTED);
    const key = /larger than receivers\.otlp\.protocols\.http\.max_request_body_size \(2000 bytes\); raise that/;
    assert.match(told.message, key);
  }
  for (const compression of [0, 2] as const) {
    await assert.rejects(exportOverGrpc(receiver.grpcPort, bytes, {}, compression), {
      code: status.RESOURCE_EXHAUSTED,
    });
  }
  assert.deepEqual(receiver.received, []);
});

test('a sink that is busy is told upstream with the time to wait', async (t) => {
  const busy = { kind: 'busy', reason: 'every queue is full', retryAfterMs: 1_500 } as const;
  const receiver = await start(t, { answer: () => busy });
  await assert.rejects(exportOverGrpc(receiver.grpcPort, good), (error: ServiceError) => {
    assert.deepEqual([error.code, error.details], [status.UNAVAILABLE, 'every queue is full']);
    assert.equal(readRetryDelayMs(error.metadata.get('grpc-status-details-bin')[0] as Buffer), 1_500);
    return true;
  });
  const response = await post(receiver.httpUrl, good);
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '2']);
  const bytes = await bytesOf(response);
  assert.deepEqual([readStatus(bytes).code, readRetryDelayMs(bytes)], [status.UNAVAILABLE, 1_500]);
  const asJson = await post(receiver.httpUrl, encodeProfilesJson(goodProfiles()), { 'content-type': json });
  assert.deepEqual(await asJson.json(), {
    code: status.UNAVAILABLE,
    message: 'every queue is full',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' }],
  });
  const metrics = await receiver.metrics();
  assert.equal(metrics.get('otelcol_receiver_refused_profile_samples{receiver="otlp",transport="http"}'), 4);
});

test('a message for whose scan memory is too short is told to come again, whatever its size', async (t) => {
  const receiver = await start(t);
  const withTexts = (count: number): Buffer => {
    const data = goodProfiles();
    for (let i = 0; i < count; i++) data.dictionary.stringTable.push(`text ${i}`);
    return Buffer.from(encodeProfilesData(data));
  };
  // Scanned at once, and by a thread, which runs before memory is short: Node.js reads its source with WebAssembly too.
  const messages = [withTexts(80_000), withTexts(250_000)];
  await exportOverGrpc(receiver.grpcPort, messages[1]!);
  t.after(() => setFlagsFromString('--wasm-max-mem-pages=65536'));
  setFlagsFromString('--wasm-max-mem-pages=24');
  for (const message of messages) {
    await assert.rejects(exportOverGrpc(receiver.grpcPort, message), (error: ServiceError) => {
      assert.equal(error.code, status.UNAVAILABLE);
      assert.match(error.details, /^memory is too short to scan a message.*; send it again later$/);
      assert.equal(readRetryDelayMs(error.metadata.get('grpc-status-details-bin')[0] as Buffer), 2_000);
      return true;
    });
  }
  const labels = 'receiver="otlp",transport="grpc",reason="memory"';
  assert.equal((await receiver.metrics()).get(`framekeeper_otlp_refused_requests{${labels}}`), 2);
  setFlagsFromString('--wasm-max-mem-pages=65536');
  for (const message of messages) await exportOverGrpc(receiver.grpcPort, message);
  assert.equal(receiver.received.length, 3);
});

test('what is not admitted is refused before it is decoded, with the time to wait, and taken once it is', async (t) => {
  let isFull = true;
  const admission = () => (isFull ? { reason: 'the queues are full', retryDelayMs: 2_250.5 } : undefined);
  const receiver = await start(t, { admission });
  const garbage = Buffer.from('nobody can read this');
  await assert.rejects(exportOverGrpc(receiver.grpcPort, garbage), (error: ServiceError) => {
    assert.deepEqual([error.code, error.details], [status.UNAVAILABLE, 'the queues are full']);
    assert.equal(readRetryDelayMs(error.metadata.get('grpc-status-details-bin')[0] as Buffer), 2_250.5);
    return true;
  });
  const response = await post(receiver.httpUrl, garbage, { 'content-encoding': 'gzip' });
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '3']);
  assert.equal(readRetryDelayMs(await bytesOf(response)), 2_250.5);
  const metrics = await receiver.metrics();
  for (const transport of ['grpc', 'http']) {
    const labels = `receiver="otlp",transport="${transport}",reason="not_admitted"`;
    assert.equal(metrics.get(`framekeeper_otlp_refused_requests{${labels}}`), 1);
  }
  // What no wait would make better is said first.
  const wrongVersion = await post(receiver.httpUrl, good, { 'otlp-profiles-development-version': '9' });
  assert.equal(wrongVersion.status, 400);
  isFull = false;
  await exportOverGrpc(receiver.grpcPort, good);
  assert.equal((await post(receiver.httpUrl, good)).status, 200);
  assert.equal(receiver.received.length, 2);
});

test('a fault of our own is answered as such and ends nothing', async (t) => {
  const receiver = await start(t, {
    answer: () => {
      throw new TypeError('a bug');
    },
  });
  await assert.rejects(exportOverGrpc(receiver.grpcPort, good), { code: status.INTERNAL });
  assert.equal((await post(receiver.httpUrl, good)).status, 500);
});

test('other methods, paths and content types get the texts of the Collector', async (t) => {
  const { httpUrl } = await start(t);
  for (const { url, method, type, code, text } of [
    { url: httpUrl, method: 'GET', type: protobuf, code: 405, text: '405 method not allowed, supported: [POST]' },
    { url: httpUrl, method: 'PUT', type: protobuf, code: 405, text: '405 method not allowed, supported: [POST]' },
    { url: `${httpUrl}/x`, method: 'POST', type: protobuf, code: 404, text: '404 page not found' },
    {
      url: httpUrl,
      method: 'POST',
      type: 'text/plain',
      code: 415,
      text: '415 unsupported media type, supported: [application/json, application/x-protobuf]',
    },
  ]) {
    const response = await fetch(url, {
      method,
      headers: { 'content-type': type },
      ...(method !== 'GET' && { body: Buffer.from(good) }),
    });
    assert.deepEqual([response.status, await response.text()], [code, text]);
    assert.match(response.headers.get('content-type')!, /^text\/plain/);
  }
});

test('profiles of older versions are converted and counted', async (t) => {
  const receiver = await start(t);
  await exportOverGrpc(receiver.grpcPort, encodeOldWire(goodProfiles(), 'v1.8'));
  await post(receiver.httpUrl, encodeOldWire(goodProfiles(), 'v1.9'));
  assert.deepEqual(receiver.received, [goodProfiles(), goodProfiles()]);
  const metrics = await receiver.metrics();
  const name = 'framekeeper_otlp_converted_requests';
  assert.equal(metrics.get(`${name}{receiver="otlp",transport="grpc",version="v1.8"}`), 1);
  assert.equal(metrics.get(`${name}{receiver="otlp",transport="http",version="v1.9"}`), 1);
});

interface StatusJson {
  readonly code: number;
  readonly message: string;
}

/** Code and message of a google.rpc.Status, whose message comes second. */
function readStatus(bytes: Buffer): StatusJson {
  assert.equal(bytes[0], 0x08);
  assert.equal(bytes[2], 0x12);
  const isLong = bytes[3]! >= 0x80;
  const length = isLong ? (bytes[3]! & 0x7f) + bytes[4]! * 128 : bytes[3]!;
  const start = isLong ? 5 : 4;
  return { code: bytes[1]!, message: bytes.subarray(start, start + length).toString() };
}
