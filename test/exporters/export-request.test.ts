import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createEncodedRequest, createExportRequest } from '../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { withLists } from '../support/with-lists.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function requestOfNobody(isEncoded: boolean) {
  let data: ProfilesData | undefined = goodProfiles();
  const kept = new WeakRef(data);
  const request = createExportRequest(data, 2);
  if (isEncoded) request.encoded();
  data = undefined;
  await setImmediate();
  collectGarbage();
  return { request, kept };
}

test('createExportRequest encodes once', () => {
  const request = createExportRequest(goodProfiles(), 2);
  assert.equal(request.encoded(), request.encoded());
  assert.deepEqual(request.encoded(), encodeProfilesData(goodProfiles()));
});

test('createExportRequest holds on to bytes alone once it is encoded, and gives data from them', async () => {
  const { request, kept } = await requestOfNobody(true);
  assert.equal(kept.deref(), undefined);
  assert.deepEqual(withLists(request.data), goodProfiles());
  assert.equal(request.data, request.data);
});

test('createExportRequest knows objects to the end of the job that encodes them at once, or until they are forgotten', async () => {
  const data = goodProfiles();
  const request = createExportRequest(data, 2);
  request.encoded();
  assert.equal(request.data, data);
  await Promise.resolve();
  assert.notEqual(request.data, data);

  const inSteps = createExportRequest(data, 2);
  inSteps.forgetData();
  for (const _ of inSteps.encode()) await Promise.resolve();
  await setImmediate();
  assert.equal(inSteps.data, data);
  inSteps.forgetData();
  assert.notEqual(inSteps.data, data);
});

test('createExportRequest holds on to data until it is encoded', async () => {
  const { request, kept } = await requestOfNobody(false);
  assert.equal(request.data, kept.deref());
});

test('createEncodedRequest sends bytes as they are, and decodes them when somebody asks for data', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const request = createEncodedRequest(bytes, 2);
  assert.equal(request.encoded(), bytes);
  assert.equal(request.sampleCount, 2);
  assert.deepEqual(withLists(request.data), goodProfiles());
  assert.equal(request.data, request.data);
});

test('createEncodedRequest does not keep the piece of memory that its bytes came in', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const piece = Buffer.concat([bytes, Buffer.alloc(bytes.length)]).subarray(0, bytes.length);
  const encoded = createEncodedRequest(piece, 2).encoded();
  assert.deepEqual(encoded, bytes);
  assert.equal(encoded.buffer.byteLength, bytes.length);
});
