import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeRequest } from '../support/fake-request.ts';
import { connectGrpc, connectHttp } from './connect.ts';
import { createExporter } from './create-exporter.ts';
import { ca, client, mismatched, mutualTls, serverTls } from './tls-fixtures.ts';

const connections = [
  { type: 'otlp_grpc', connect: connectGrpc, refused: /^Unavailable: / },
  { type: 'otlp_http', connect: connectHttp, refused: /^Unavailable: https:/ },
] as const;

for (const { type, connect, refused } of connections) {
  for (const { name, tls, server: serverOptions, isTrusted } of [
    { name: 'trusts what ca_file signed', tls: ca, server: serverTls, isTrusted: true },
    { name: 'trusts no one else', tls: {}, server: serverTls, isTrusted: false },
    {
      name: 'trusts anyone with insecure_skip_verify',
      tls: { insecure_skip_verify: true },
      server: serverTls,
      isTrusted: true,
    },
    {
      name: 'wants the name of server_name_override',
      tls: { ...ca, server_name_override: 'other.example' },
      server: serverTls,
      isTrusted: false,
    },
    { name: 'shows its certificate', tls: { ...ca, ...client }, server: mutualTls, isTrusted: true },
    { name: 'is refused without a certificate', tls: ca, server: mutualTls, isTrusted: false },
    {
      name: 'does not go below min_version',
      tls: { ...ca, min_version: '1.3' },
      server: { ...serverTls, maxVersion: 'TLSv1.2' as const },
      isTrusted: false,
    },
  ]) {
    test(`${type} over TLS ${name}`, async (t) => {
      const { server, exporter, logs } = await connect(t, { values: { tls }, server: { tls: serverOptions } });
      const { requests } = server;
      exporter.offer(fakeRequest(1));
      if (isTrusted) await server.until(() => requests.length === 1);
      else {
        const { error } = await logs.until('Exporting failed. Will retry the request after interval.');
        assert.match(String(error), refused);
      }
      assert.equal(requests.length, isTrusted ? 1 : 0);
    });
  }

  for (const { name, tls, message } of [
    {
      name: 'a file that is not there',
      tls: { ca_file: '/nowhere/ca.pem' },
      message: /^tls\.ca_file: cannot read \/nowhere\/ca\.pem \(ENOENT.*\); name a PEM file that can be read\.$/,
    },
    {
      name: "a key that is not the certificate's",
      tls: mismatched,
      message:
        /^tls\.cert_file: certificate and key do not work together \(.*\); name a certificate and its own key, as PEM\.$/,
    },
  ]) {
    test(`${type} does not start with ${name}`, async () => {
      const { exporter } = createExporter(type, { endpoint: 'https://localhost:4317', tls }, new FakeClock());
      await assert.rejects(exporter.start(), { message });
      await exporter.stop(new AbortController().signal);
    });
  }
}
