import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { credentials, Metadata, makeClientConstructor, status } from '@grpc/grpc-js';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { Collector } from './collector.ts';
import { startCollector } from './collector.ts';
import { exampleProfiles } from './example-profiles.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';
import { profcheck } from './profcheck.ts';

const bytes = Buffer.from(encodeProfilesData(exampleProfiles()));
const sent = normalForm([exampleProfiles()]);
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-collector-'));
});
after(() => rmSync(folder, { recursive: true }));

test('the Collector takes profiles over gRPC and HTTP, and what it writes says the same', async (t) => {
  const collector = await startCollector(folder);
  t.after(() => collector.stop());

  // A fully accepted request is answered with an empty partial_success, or with nothing.
  const answer = await exportOverGrpc(collector, '1');
  assert.ok(['', '0a00'].includes(answer.toString('hex')), answer.toString('hex'));
  const response = await exportOverHttp(collector, '1');
  assert.equal(response.status, 200);
  await collector.stop();

  const twice = normalForm([exampleProfiles(), exampleProfiles()]);
  assertSameProfiles(normalForm(collector.readJson()), twice);
  const messages = collector.readProto();
  assertSameProfiles(normalForm(messages.map((message) => decodeProfilesData(message))), twice);
  for (const message of messages) {
    const { hasPassed, output } = await profcheck(message);
    assert.ok(hasPassed, output);
  }
});

test('the Collector refuses a development version that it does not know', async (t) => {
  const collector = await startCollector(folder);
  t.after(() => collector.stop());
  await assert.rejects(exportOverGrpc(collector, '2'), (error: ServiceError) => {
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.match(error.details, /otlp-profiles-development-version/);
    return true;
  });
  assert.equal((await exportOverHttp(collector, '2')).status, 400);
});

test('one Collector sends on to another over gRPC without a change of meaning', async (t) => {
  const folders = ['behind', 'front'].map((name) => mkdtempSync(join(folder, name)));
  const behind = await startCollector(folders[0]!);
  t.after(() => behind.stop());
  const front = await startCollector(folders[1]!, { forwardTo: behind.grpcEndpoint });
  t.after(() => front.stop());
  await exportOverGrpc(front, '1');
  await front.stop();
  await behind.stop();
  assertSameProfiles(normalForm(behind.readJson()), sent);
});

/** Resolves to the bytes of the answer. */
function exportOverGrpc({ grpcEndpoint }: Collector, developmentVersion: string): Promise<Buffer> {
  const Client = makeClientConstructor(
    {
      export: {
        path: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: (request: Buffer) => request,
        requestDeserialize: (request: Buffer) => request,
        responseSerialize: (response: Buffer) => response,
        responseDeserialize: (response: Buffer) => response,
      },
    },
    'ProfilesService',
  );
  const client = new Client(grpcEndpoint, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('otlp-profiles-development-version', developmentVersion);
  return new Promise<Buffer>((resolve, reject) => {
    client.export!(bytes, metadata, (error: ServiceError | null, answer?: Buffer) => {
      if (error) reject(error);
      else resolve(answer!);
    });
  }).finally(() => client.close());
}

function exportOverHttp({ httpEndpoint }: Collector, developmentVersion: string): Promise<Response> {
  return fetch(`${httpEndpoint}/v1development/profiles`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'otlp-profiles-development-version': developmentVersion,
    },
    body: bytes,
  });
}
