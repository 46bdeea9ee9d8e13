import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { createOtlpGrpcExportDelegate } from '@opentelemetry/otlp-grpc-exporter-base';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { ProfilesSerializer } from '../../src/otlp/profiles-serializer.ts';
import type { ExportResponse } from '../../src/otlp/protobuf/export-response.ts';
import { encodeExportResponse } from '../../src/otlp/protobuf/export-response.ts';
import { goodProfiles } from './good-profiles.ts';
import { oracleDecode } from './protobuf/protobuf-oracle.ts';

const path = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';

/** A server that keeps the bytes it gets, and answers as told. */
async function startServer(response: ExportResponse): Promise<{ url: string; received: Buffer[] }> {
  const server = new grpc.Server();
  const received: Buffer[] = [];
  const same = (bytes: Buffer): Buffer => bytes;
  const method = { path, requestStream: false, responseStream: false } as const;
  const codec = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    { export: { ...method, ...codec } },
    {
      export: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
        received.push(call.request);
        callback(null, Buffer.from(encodeExportResponse(response)));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  after(() => server.forceShutdown());
  return { url: `127.0.0.1:${port}`, received };
}

for (const { name, response } of [
  { name: 'takes everything', response: { rejectedProfiles: 0n, errorMessage: '' } },
  { name: 'rejects a part', response: { rejectedProfiles: 1n, errorMessage: 'too old' } },
]) {
  test(`OpenTelemetry JS's gRPC exporter sends profiles with ProfilesSerializer to a server that ${name}`, async () => {
    const { url, received } = await startServer(response);
    const delegate = createOtlpGrpcExportDelegate<ProfilesData, unknown>(
      {
        url,
        metadata: () => new grpc.Metadata(),
        credentials: () => grpc.credentials.createInsecure(),
        compression: 'gzip',
        concurrencyLimit: 1,
        timeoutMillis: 5000,
      },
      ProfilesSerializer,
      'otlp_grpc_profiles_exporter',
      // The delegate knows no profiles: the name is only the unit of its own metrics.
      { name: 'log', countItems: () => 1 },
      undefined,
      'ProfilesExportService',
      path,
    );
    const result = await new Promise<{ code: number; error?: Error }>((resolve) => {
      delegate.export(goodProfiles(), resolve);
    });
    await delegate.shutdown();
    assert.deepEqual(result, { code: 0 });
    assert.equal(received.length, 1);
    assert.deepEqual(oracleDecode(received[0]!), goodProfiles());
  });
}
