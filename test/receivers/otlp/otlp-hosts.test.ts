import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { exchange } from '../../support/http-harness.ts';
import { startService } from '../../support/running-service.ts';

test('OTLP over HTTP on the loopback refuses foreign hosts, odd transfer codings, TRACE, and bodies of GET', async (t) => {
  const { service } = await startService(
    t,
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0", allowed_hosts: [collector.internal]}}}}
processors: {symbol_store: {}}
exporters: {debug: {}}
service:
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [debug]}}`,
  );
  const base = `http://127.0.0.1:${service.receiverPorts.get('otlp:http')}`;
  const post = (host: string, more = 'Content-Length: 0\r\n'): Promise<string> =>
    exchange(
      base,
      `POST /v1development/profiles HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-protobuf\r\n${more}Connection: close\r\n\r\n`,
    );
  for (const host of ['localhost:4318', '127.0.0.1', 'collector.internal'])
    assert.match(await post(host), /^HTTP\/1.1 200 /);
  assert.match(await post('attacker.example'), /^HTTP\/1.1 403 [\s\S]*allowed_hosts/);
  const coding = 'Transfer-Encoding: xchunked\r\nTransfer-Encoding: chunked\r\n';
  assert.match(await post('localhost', coding), /^HTTP\/1.1 400 [\s\S]*the only transfer coding here is chunked/);
  const trace = await exchange(base, 'TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.match(trace, /^HTTP\/1.1 405 [\s\S]*TRACE is not answered/);
  const get = await exchange(base, 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc');
  assert.match(get, /^HTTP\/1.1 400 [\s\S]*GET has no body here/);
});

test('OTLP over HTTP looks at the deadline of headers every second', async (t) => {
  const http = '{endpoint: "127.0.0.1:0", read_header_timeout: 100ms}';
  const { service } = await startService(
    t,
    `
receivers: {otlp: {protocols: {http: ${http}}}}
processors: {symbol_store: {}}
exporters: {debug: {}}
service:
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [debug]}}`,
  );
  const socket = connect(service.receiverPorts.get('otlp:http')!, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('data', () => undefined).on('error', () => undefined);
  const startMs = performance.now();
  socket.write('POST /v1development/profiles HTTP/1.1\r\nHost: local');
  await once(socket, 'close');
  // Node.js looks every 30 s.
  assert.ok(performance.now() - startMs < 20_000);
});
