import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { ConfigSection } from '../src/config/config-section.ts';
import { createExportRequest } from '../src/exporters/export-request.ts';
import { otlpGrpcTable } from '../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { createOtlpGrpcExporter } from '../src/exporters/otlp-grpc/otlp-grpc-exporter.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { encodeExportResponse } from '../src/otlp/protobuf/export-response.ts';
import { systemClock } from '../src/support/clock.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { snappyFrames } from './receivers/snappy-literals.ts';
import { recordLogs } from './support/log-recorder.ts';
import { recordMetrics } from './support/metric-recorder.ts';
import { startOtlpReceiver } from './support/otlp-sender.ts';
import { patienceMs } from './support/patience.ts';

const exportPath = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';

async function startZstdExporter(t: TestContext, port: number) {
  const section = new ConfigSection('', { endpoint: `http://127.0.0.1:${port}`, compression: 'zstd' }, []);
  const { meter, values } = recordMetrics();
  const { logger, lines } = recordLogs();
  const parts = { logger, meter, clock: systemClock, random: () => 0.5, version: '1.2.3' };
  const exporter = createOtlpGrpcExporter('otlp_grpc', otlpGrpcTable.read(section), parts);
  await exporter.start();
  t.after(() => exporter.stop(AbortSignal.abort()));
  return { exporter, metrics: values, lines };
}

function framed(body: Uint8Array, isCompressed: boolean): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = isCompressed ? 1 : 0;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

test('otlp_grpc sends zstd, and reads the answer that comes in zstd', async (t) => {
  const seen: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
  const server = http2.createServer();
  server.on('stream', async (stream, headers) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    seen.push({ headers, body: Buffer.concat(chunks) });
    const answer = encodeExportResponse({ rejectedProfiles: 1n, errorMessage: 'too old' });
    const head = { ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': 'zstd' };
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(framed(zstdCompressSync(answer), true));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { exporter, lines } = await startZstdExporter(t, (server.address() as AddressInfo).port);
  exporter.offer(createExportRequest(goodProfiles(), 2));
  await exporter.stop(AbortSignal.timeout(patienceMs));
  const [{ headers, body }] = seen as [(typeof seen)[0]];
  assert.deepEqual([headers['grpc-encoding'], body[0], body.readUInt32BE(1)], ['zstd', 1, body.length - 5]);
  assert.deepEqual(zstdDecompressSync(body.subarray(5)), Buffer.from(encodeProfilesData(goodProfiles())));
  const [warning] = lines.filter(({ msg }) => msg === 'Partial success response');
  assert.equal(warning?.message, 'too old');
});

test('what otlp_grpc sends in zstd, the receivers read', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(() => receiver.stop());
  const { exporter, metrics } = await startZstdExporter(t, receiver.grpcPort);
  for (let count = 0; count < 3; count++) exporter.offer(createExportRequest(goodProfiles(), 2));
  await exporter.stop(AbortSignal.timeout(patienceMs));
  assert.deepEqual(receiver.received, [goodProfiles(), goodProfiles(), goodProfiles()]);
  assert.equal((await metrics()).get('otelcol_exporter_sent_profile_samples{exporter="otlp_grpc"}'), 6);
});

/** The status of a call with one message that says it is compressed in `encoding`. */
async function callIn(t: TestContext, port: number, encoding: string, body: Uint8Array): Promise<number> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const head = { ':method': 'POST', ':path': exportPath, 'content-type': 'application/grpc', te: 'trailers' };
  const request = session.request({ ...head, 'grpc-encoding': encoding });
  let code: string | undefined;
  const note = (headers: IncomingHttpHeaders): void => {
    code ??= headers['grpc-status'] as string | undefined;
  };
  request.on('response', note).on('trailers', note).resume();
  request.end(framed(body, true));
  await once(request, 'close');
  return Number(code);
}

const good = encodeProfilesData(goodProfiles());

for (const { name, encoding, body, code } of [
  { name: 'zstd', encoding: 'zstd', body: zstdCompressSync(good), code: status.OK },
  { name: 'snappy', encoding: 'snappy', body: snappyFrames(good), code: status.OK },
  { name: 'half of zstd', encoding: 'zstd', body: zstdCompressSync(good).subarray(0, 50), code: status.INTERNAL },
  { name: 'something as snappy', encoding: 'snappy', body: good, code: status.INTERNAL },
  {
    name: 'zstd of more than max_recv_msg_size_mib',
    encoding: 'zstd',
    body: zstdCompressSync(Buffer.alloc(5 << 20)),
    code: status.RESOURCE_EXHAUSTED,
  },
  { name: 'an encoding that nobody knows', encoding: 'br', body: good, code: status.UNIMPLEMENTED },
]) {
  test(`the gRPC server answers ${status[code]} to ${name}`, async (t) => {
    const receiver = await startOtlpReceiver();
    t.after(() => receiver.stop());
    assert.equal(await callIn(t, receiver.grpcPort, encoding, body), code);
    assert.deepEqual(receiver.received, code === status.OK ? [goodProfiles()] : []);
  });
}
