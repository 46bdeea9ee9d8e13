import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { observeProcess } from '../../src/support/process-metrics.ts';
import { Secret } from '../../src/support/secret.ts';
import { Telemetry } from '../../src/support/telemetry.ts';
import { Authority, createTlsFolder } from './certificates.ts';
import { FakeClock } from './fake-clock.ts';
import { silentLogger } from './http-harness.ts';
import { patienceMs } from './patience.ts';
import { parsePrometheusText } from './prometheus-grammar.ts';

const identity = { name: 'framekeeper', version: '1.2.3', instanceId: 'b1946ac9' };
const noFiles = { authority: undefined, certificate: undefined, privateKey: undefined, reloadIntervalMs: 0 };
const config = { level: 'normal', resource: new Map(), prometheus: [], otlp: [] } as const;

test('observeProcess has the metrics of the process under the names of the Collector', async () => {
  const telemetry = new Telemetry(config, identity);
  const clock = new FakeClock();
  const end = observeProcess(telemetry.meter, clock);
  await clock.advance(62_500);
  const samples = parsePrometheusText(await telemetry.prometheusText());
  end();
  const values = new Map(samples.map(({ name, value }) => [name, value]));
  assert.deepEqual(
    [...values.keys()],
    [
      'target_info',
      'otelcol_process_uptime',
      'otelcol_process_cpu_seconds',
      'otelcol_process_memory_rss',
      'otelcol_process_runtime_heap_alloc_bytes',
      'framekeeper_event_loop_delay_seconds',
    ],
  );
  assert.equal(values.get('otelcol_process_uptime'), 62.5);
  assert.ok(values.get('otelcol_process_cpu_seconds')! > 0.01);
  assert.ok(values.get('otelcol_process_memory_rss')! > values.get('otelcol_process_runtime_heap_alloc_bytes')!);
  assert.ok(values.get('otelcol_process_runtime_heap_alloc_bytes')! > 1e6);
});

test('Telemetry adds configured attributes to the resource and takes defaults away', async () => {
  const resource = new Map([
    ['deployment.environment.name', 'test'],
    ['service.name', 'mine'],
    ['service.version', undefined],
  ]);
  const [target] = parsePrometheusText(await new Telemetry({ ...config, resource }, identity).prometheusText());
  assert.deepEqual(Object.fromEntries(target!.labels), {
    service_name: 'mine',
    service_instance_id: 'b1946ac9',
    deployment_environment_name: 'test',
  });
});

test('Telemetry pushes by OTLP over HTTP, at the latest when it stops', async (context) => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  }).listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`;
  const headers = new Map([['authorization', new Secret('Bearer x')]]);
  const otlp = [{ url, headers, tlsFiles: noFiles, intervalMs: 60_000, timeoutMs: 1000 }];
  const telemetry = new Telemetry({ ...config, otlp }, identity);
  telemetry.meter.createCounter('otelcol_a').add(1);
  const requested = once(server, 'request');
  await telemetry.stop(AbortSignal.timeout(patienceMs));
  const [request] = await requested;
  assert.equal(request.url, '/v1/metrics');
  assert.equal(request.headers['content-type'], 'application/x-protobuf');
  assert.equal(request.headers.authorization, 'Bearer x');
});

test('Telemetry stops at its deadline although the receiver never answers', {
  timeout: patienceMs,
}, async (context) => {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  context.after(() => server.closeAllConnections());
  context.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`;
  const otlp = [{ url, tlsFiles: noFiles, headers: new Map(), intervalMs: 60_000, timeoutMs: 500 }];
  const telemetry = new Telemetry({ ...config, otlp }, identity);
  telemetry.meter.createCounter('otelcol_a').add(1);
  const deadline = new AbortController();
  server.once('request', () => deadline.abort());
  await telemetry.stop(deadline.signal);
});

test('Telemetry of level none costs nothing and shows nothing', async () => {
  const telemetry = new Telemetry({ ...config, level: 'none' }, identity);
  telemetry.meter.createCounter('otelcol_a').add(1);
  assert.equal(await telemetry.prometheusText(), '');
});

test('Telemetry pushes over mutual TLS, and shows a new certificate without a restart', async (t) => {
  const [servers, clients] = [new Authority(), new Authority('clients')];
  const folder = createTlsFolder(t);
  folder.write('ca.pem', servers.cert);
  folder.put('client', clients.issue('first'));
  const shown: string[] = [];
  const tls = { ...servers.issue('localhost'), ca: clients.cert, requestCert: true, rejectUnauthorized: true };
  const server = createSecureServer(tls, (request, response) => {
    shown.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
    request.resume();
    response.writeHead(200, { connection: 'close' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const tlsFiles = {
    authority: { key: 'certificate', path: folder.path('ca.pem') },
    certificate: { key: 'client_certificate', path: folder.path('client.pem') },
    privateKey: { key: 'client_key', path: folder.path('client.key') },
    reloadIntervalMs: 60_000,
  };
  const url = `https://localhost:${(server.address() as AddressInfo).port}/v1/metrics`;
  const otlp = [{ url, headers: new Map(), tlsFiles, intervalMs: 300, timeoutMs: 300 }];
  const clock = new FakeClock();
  const telemetry = new Telemetry({ ...config, otlp }, identity, { clock, logger: silentLogger });
  telemetry.meter.createCounter('otelcol_a').add(1);
  t.after(() => telemetry.stop(AbortSignal.timeout(2_000)));
  while (!shown.includes('first')) await once(server, 'request', { signal: t.signal });
  folder.put('client', clients.issue('second'));
  while (!shown.includes('second')) {
    await clock.advance(60_000);
    await once(server, 'request', { signal: t.signal });
  }
  assert.equal(shown.lastIndexOf('first') < shown.indexOf('second'), true);
});
