import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { TlsFolder } from '../support/certificates.ts';
import { Authority, createTlsFolder } from '../support/certificates.ts';
import { freePorts } from '../support/free-ports.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { readProtoFile } from '../support/proto-file.ts';
import { startSecuredService } from '../support/secured-service.ts';
import { startCollector } from './collector.ts';
import { exampleProfiles } from './example-profiles.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';

const bytes = encodeProfilesData(exampleProfiles());

/** Files of a server and a client, each signed by an authority of its own, and of a client that nobody knows. */
function createFiles(t: TestContext): TlsFolder {
  const folder = createTlsFolder(t);
  const [servers, clients, strangers] = [new Authority(), new Authority('clients'), new Authority('strangers')];
  folder.write('servers.pem', servers.cert);
  folder.write('clients.pem', clients.cert);
  folder.put('server', servers.issue('localhost'));
  folder.put('client', clients.issue('client'));
  folder.put('stranger', strangers.issue('stranger'));
  mkdirSync(folder.path('collector'));
  return folder;
}

function serverTls({ path }: TlsFolder, isMutual: boolean): object {
  const authority = isMutual ? { client_ca_file: path('clients.pem') } : {};
  return { cert_file: path('server.pem'), key_file: path('server.key'), ...authority };
}

function clientTls({ path }: TlsFolder, name = 'client'): object {
  return { ca_file: path('servers.pem'), cert_file: path(`${name}.pem`), key_file: path(`${name}.key`) };
}

for (const isMutual of [false, true]) {
  const kind = isMutual ? 'mutual TLS' : 'TLS';

  test(`a Collector behind ${kind} gets all over gRPC and HTTP, and nothing from strangers`, async (t) => {
    const files = createFiles(t);
    const tls = { tls: serverTls(files, isMutual) };
    const collector = await startCollector(files.path('collector'), { grpc: tls, http: tls });
    t.after(() => collector.stop());
    const [grpc, http] = [`localhost:${collector.ports.grpc}`, `https://localhost:${collector.ports.http}`];
    const known = isMutual ? clientTls(files) : { ca_file: files.path('servers.pem') };
    // Without mutual TLS everybody may come, but who does not trust the server does not send.
    const stranger = isMutual ? clientTls(files, 'stranger') : { ca_file: files.path('clients.pem') };
    const once = { retry_on_failure: { enabled: false } };
    const exporters = {
      otlp_grpc: { endpoint: grpc, tls: known },
      otlp_http: { endpoint: http, tls: known },
      'otlp_grpc/stranger': { endpoint: grpc, tls: stranger, ...once },
      'otlp_http/stranger': { endpoint: http, tls: stranger, ...once },
    };
    const { service, log } = await startSecuredService(
      t,
      serviceYaml({ grpc: { endpoint: '127.0.0.1:0' } }, exporters),
    );
    await exportOverGrpc(service.receiverPorts.get('otlp')!, bytes);
    await service.stop({ receivers: AbortSignal.timeout(5_000), all: AbortSignal.timeout(15_000) });
    await collector.stop();
    assertSameProfiles(normalForm(collector.readJson()), normalForm([exampleProfiles(), exampleProfiles()]));
    const failed = log.lines.filter(({ msg }) => msg.startsWith('Exporting failed'));
    const ids = failed.map((line) => String(line['otelcol.component.id']));
    assert.deepEqual([...new Set(ids)].sort(), ['otlp_grpc/stranger', 'otlp_http/stranger']);
  });
}

test('a Collector sends to receivers behind mutual TLS that want a token, and gets nothing past them without', async (t) => {
  const files = createFiles(t);
  const [grpcPort, httpPort] = (await freePorts(2)) as [number, number];
  const listener = { tls: serverTls(files, true), auth: { authenticator: 'bearertokenauth' } };
  const protocols = {
    grpc: { endpoint: `127.0.0.1:${grpcPort}`, ...listener },
    http: { endpoint: `127.0.0.1:${httpPort}`, ...listener },
  };
  const received = files.path('received.proto');
  const exporters = { file: { path: received, format: 'proto' } };
  const { service, metricsText } = await startSecuredService(t, serviceYaml(protocols, exporters));
  const [grpc, http] = [`localhost:${grpcPort}`, `https://localhost:${httpPort}`];
  const right = { headers: { authorization: 'Bearer sesame' }, tls: clientTls(files) };
  const wrong = { headers: { authorization: 'Bearer open' }, tls: clientTls(files) };
  const stranger = { headers: { authorization: 'Bearer sesame' }, tls: clientTls(files, 'stranger') };
  const once = { retry_on_failure: { enabled: false } };
  const collector = await startCollector(files.path('collector'), {
    exporters: {
      'otlp_grpc/right': { endpoint: grpc, ...right },
      'otlp_http/right': { endpoint: http, ...right },
      'otlp_grpc/wrong': { endpoint: grpc, ...wrong, ...once },
      'otlp_http/wrong': { endpoint: http, ...wrong, ...once },
      'otlp_grpc/stranger': { endpoint: grpc, ...stranger, ...once },
      'otlp_http/stranger': { endpoint: http, ...stranger, ...once },
    },
  });
  t.after(() => collector.stop());
  await exportOverGrpc(collector.ports.grpc, bytes);
  await collector.stop();
  const text = await metricsText();
  await service.stop({ receivers: AbortSignal.timeout(5_000), all: AbortSignal.timeout(15_000) });
  const got = readProtoFile(received).map((message) => decodeProfilesData(message));
  assertSameProfiles(normalForm(got), normalForm([exampleProfiles(), exampleProfiles()]));
  assert.match(text, /framekeeper_auth_refused_requests\{authenticator="bearertokenauth",reason="mismatch"\} 2/);
});

/** JSON is YAML. */
function serviceYaml(protocols: object, exporters: object): string {
  return JSON.stringify({
    extensions: { bearertokenauth: { token: 'sesame' } },
    receivers: { otlp: { protocols } },
    processors: { symbol_store: {} },
    exporters,
    service: {
      extensions: ['bearertokenauth'],
      pipelines: { profiles: { receivers: ['otlp'], processors: ['symbol_store'], exporters: Object.keys(exporters) } },
      telemetry: { metrics: { readers: [] } },
    },
  });
}
