import assert from 'node:assert/strict';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { describeConnectionFault } from '../../src/exporters/connection-fault.ts';
import { fakeRequest } from '../support/fake-request.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { createExporter } from './create-exporter.ts';
import { serverTls } from './tls-fixtures.ts';

/** Starts a server that ends with the test; its port. */
const peers = {
  'HTTP/1.1': async (t: TestContext) => portOf(t, await ScriptedHttpServer.start()),
  'HTTP/1.1 over TLS': async (t: TestContext) => portOf(t, await ScriptedHttpServer.start([], { tls: serverTls })),
  gRPC: async (t: TestContext) => portOf(t, await ScriptedOtlpServer.start()),
  'gRPC over TLS': async (t: TestContext) => portOf(t, await ScriptedOtlpServer.start([], { tls: serverTls })),
  nothing: async (t: TestContext) => {
    const server: Server = createServer((socket) => socket.on('error', () => undefined).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    return (server.address() as { readonly port: number }).port;
  },
};

function portOf(t: TestContext, server: { readonly port: number; stop(): Promise<void> }): number {
  t.after(() => server.stop());
  return server.port;
}

const warnings: Error[] = [];
process.on('warning', (warning) => warnings.push(warning));

for (const { type, scheme, peer, sentence } of [
  { type: 'otlp_http', scheme: 'https', peer: 'HTTP/1.1', sentence: /does not speak TLS; write http:\/\// },
  { type: 'otlp_http', scheme: 'https', peer: 'gRPC', sentence: /does not speak TLS; write http:\/\// },
  { type: 'otlp_http', scheme: 'https', peer: 'gRPC over TLS', sentence: /HTTP\/2 alone, as gRPC does; use otlp_grpc/ },
  { type: 'otlp_http', scheme: 'https', peer: 'nothing', sentence: /before TLS began; .* write http:\/\// },
  { type: 'otlp_http', scheme: 'http', peer: 'HTTP/1.1 over TLS', sentence: /if its port takes TLS, write https:\/\// },
  { type: 'otlp_http', scheme: 'http', peer: 'gRPC', sentence: /if its port takes gRPC, use otlp_grpc/ },
  { type: 'otlp_grpc', scheme: 'https', peer: 'gRPC', sentence: /does not speak TLS; write http:\/\// },
  { type: 'otlp_grpc', scheme: 'https', peer: 'HTTP/1.1', sentence: /does not speak TLS; write http:\/\// },
  { type: 'otlp_grpc', scheme: 'https', peer: 'HTTP/1.1 over TLS', sentence: /TLS and no HTTP\/2, .* use otlp_http/ },
  { type: 'otlp_grpc', scheme: 'http', peer: 'HTTP/1.1', sentence: /does not speak HTTP\/2, .* use otlp_http/ },
  { type: 'otlp_grpc', scheme: 'http', peer: 'gRPC over TLS', sentence: /if its port takes TLS, write https:\/\// },
] as const) {
  for (const host of ['localhost', '127.0.0.1']) {
    test(`${type} with ${scheme}://${host} says in one sentence what to do about a server of ${peer}`, async (t) => {
      const port = await peers[peer](t);
      const tls = scheme === 'https' ? { tls: { insecure_skip_verify: true } } : {};
      const { exporter, logs } = createExporter(type, { endpoint: `${scheme}://${host}:${port}`, ...tls });
      t.after(() => exporter.stop(AbortSignal.abort()));
      await exporter.start();
      exporter.offer(fakeRequest(1));
      const { error } = await logs.until('Exporting failed. Will retry the request after interval.');
      assert.match(String(error), sentence);
      assert.doesNotMatch(String(error), /openssl|SSL routines|Last error|Resolution note|\n/);
    });
  }
}

test('no warning of Node.js comes beside the log, not even for a server at an IP address', () => {
  assert.deepEqual(warnings, []);
});

for (const { name, text, shown } of [
  {
    name: 'OpenSSL writes a source path',
    text: '404D:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/rec_layer_s3.c:918:SSL alert number 116\n',
    shown: 'TLS failed: tlsv13 alert certificate required',
  },
]) {
  test(`describeConnectionFault keeps the reason where ${name}`, () => {
    const connecting = { protocol: 'grpc', isTls: false, hasAnswered: false } as const;
    assert.equal(describeConnectionFault(text.replace('404D', '404DE8DC647F0000'), connecting), shown);
  });
}

test('describeConnectionFault suggests no other protocol to a server that has answered before', () => {
  const connecting = { protocol: 'http', isTls: false, hasAnswered: true } as const;
  assert.equal(describeConnectionFault('other side closed', connecting), 'other side closed');
});
