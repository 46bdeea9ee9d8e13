import assert from 'node:assert/strict';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { hashSync } from 'bcryptjs';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { Authority, createTlsFolder } from './support/certificates.ts';
import { encodeBatch, smallBatch } from './support/frames-client.ts';
import { framesServiceDefinition, profilesServiceDefinition } from './support/grpc-services.ts';
import { ScriptedHttpServer } from './support/otlp-http-server.ts';
import { exportOverGrpc } from './support/otlp-sender.ts';
import { ScriptedOtlpServer } from './support/otlp-server.ts';
import { configFaults, startSecuredService } from './support/secured-service.ts';

const token = 'sesame';
const right = { authorization: `Bearer ${token}` };
const wrong = { authorization: 'Bearer open' };

const secured = `
extensions:
  bearertokenauth: {token: ${token}}
  health_check: {endpoint: "127.0.0.1:0", auth: {authenticator: bearertokenauth}}
  live_page: {endpoint: "127.0.0.1:0", auth: {authenticator: bearertokenauth}}
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:0", auth: {authenticator: bearertokenauth}}}}
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:0", auth: {authenticator: bearertokenauth}}
      http: {endpoint: "127.0.0.1:0", auth: {authenticator: bearertokenauth}}
processors: {symbol_store: {}, reporting_cycle: {interval: 1h}}
exporters: {debug: {}}
service:
  extensions: [bearertokenauth, health_check, live_page]
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [debug]}}
  telemetry:
    metrics:
      readers:
        - pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0, auth: {authenticator: bearertokenauth}}}}
`;

interface GrpcCall {
  readonly path: string;
  readonly bytes: Buffer;
}

const calls: Record<string, GrpcCall> = {
  frames: { path: framesServiceDefinition.Submit!.path, bytes: encodeBatch(smallBatch([1n])) },
  'OTLP profiles': {
    path: profilesServiceDefinition.Export!.path,
    bytes: Buffer.from(encodeProfilesData(goodProfiles())),
  },
  health: { path: '/grpc.health.v1.Health/Check', bytes: Buffer.alloc(0) },
  'what nobody could decode': { path: profilesServiceDefinition.Export!.path, bytes: Buffer.from('garbage') },
};

/** The code of a unary call. */
function codeOf(port: number, { path, bytes }: GrpcCall, headers: Record<string, string>): Promise<number> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const same = (message: Buffer): Buffer => message;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, bytes, metadata, (error: ServiceError | null) => {
      client.close();
      resolve(error?.code ?? status.OK);
    });
  });
}

test('a listener with an authenticator takes what it knows, and refuses all else before it decodes', async (t) => {
  const { service, log, metricsText, port } = await startSecuredService(t, secured);
  for (const [name, call] of Object.entries(calls)) {
    const grpcPort = service.receiverPorts.get(name === 'frames' ? 'frames' : 'otlp')!;
    assert.equal(await codeOf(grpcPort, call, {}), status.UNAUTHENTICATED, name);
    assert.equal(await codeOf(grpcPort, call, wrong), status.UNAUTHENTICATED, name);
    const expected = name.startsWith('what') ? status.INVALID_ARGUMENT : status.OK;
    assert.equal(await codeOf(grpcPort, call, right), expected, name);
  }
  const paths = { health_check: '/', live_page: '/live/state', metrics: '/metrics' };
  for (const [part, path] of Object.entries(paths)) {
    const url = `http://127.0.0.1:${port(part)}${path}`;
    const refused = await fetch(url, { headers: wrong });
    assert.equal(refused.status, 401, part);
    assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="framekeeper"');
    assert.equal(await refused.text(), '401 the credential of the request is not valid\n');
    assert.equal((await fetch(url)).status, 401, part);
    assert.equal((await fetch(url, { method: 'HEAD' })).status, 401, part);
    const answered = await fetch(url, { headers: right });
    assert.equal(answered.status, 200, part);
    assert.equal(
      answered.headers.has('content-security-policy'),
      part === 'live_page',
      'what a route asks itself is kept',
    );
  }
  const page = await fetch(`http://127.0.0.1:${port('live_page')}/live`);
  assert.equal(page.status, 200, 'a browser gets the page in which a token can be written');
  assert.match(
    await metricsText(),
    /framekeeper_auth_refused_requests\{authenticator="bearertokenauth",reason="mismatch"\} 7/,
  );
  assert.match(
    await metricsText(),
    /framekeeper_auth_refused_requests\{authenticator="bearertokenauth",reason="missing"\} 10/,
  );
  assert.equal(log.lines.filter(({ msg }) => msg === 'Refused a request because of its credential.').length, 1);
  assert.doesNotMatch(JSON.stringify(log.lines), /sesame|Bearer open/);
});

test('a stream of batches is asked once for its credential, and then goes on', async (t) => {
  const { service } = await startSecuredService(t, secured);
  const client = new Client(`127.0.0.1:${service.receiverPorts.get('frames')}`, credentials.createInsecure());
  t.after(() => client.close());
  const { path, requestSerialize, responseDeserialize } = framesServiceDefinition.Stream!;
  for (const { headers, code, replies } of [
    { headers: wrong, code: status.UNAUTHENTICATED, replies: 0 },
    { headers: right, code: status.OK, replies: 20 },
  ]) {
    const metadata = Metadata.fromHttp2Headers(headers);
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    let count = 0;
    call.on('data', () => count++);
    call.on('error', () => undefined); // told by 'status' too
    const ended = new Promise<{ code: number }>((resolve) => call.on('status', resolve));
    for (let batch = 0; batch < 20; batch++) call.write(encodeBatch(smallBatch([1n], { sequence: batch + 1 })));
    call.end();
    assert.deepEqual([(await ended).code, count], [code, replies]);
  }
});

test('OTLP over HTTP refuses with a status in the encoding of the request', async (t) => {
  const { service } = await startSecuredService(t, secured);
  const url = `http://127.0.0.1:${service.receiverPorts.get('otlp:http')}/v1development/profiles`;
  const post = (headers: Record<string, string>): Promise<Response> =>
    fetch(url, { method: 'POST', headers, body: Buffer.from(encodeProfilesData(goodProfiles())) });
  const protobuf = await post({ 'content-type': 'application/x-protobuf', ...wrong });
  assert.deepEqual([protobuf.status, protobuf.headers.get('www-authenticate')], [401, 'Bearer realm="framekeeper"']);
  assert.equal(protobuf.headers.get('content-type'), 'application/x-protobuf');
  const message = 'the credential of the request is not valid';
  const bytes = Buffer.concat([Buffer.from([8, 16, 18, message.length]), Buffer.from(message)]);
  assert.deepEqual(Buffer.from(await protobuf.arrayBuffer()), bytes);
  const json = await post({ 'content-type': 'application/json' });
  assert.deepEqual([json.status, await json.json()], [401, { code: 16, message: 'the request has no credential' }]);
  assert.equal((await fetch(`${url}/nowhere`)).status, 401, 'nobody learns what there is');
  assert.equal((await post({ 'content-type': 'application/x-protobuf', ...right })).status, 200);
});

test('a listener with basicauth takes users and passwords, and parts of one server have guards of their own', async (t) => {
  const { service, port } = await startSecuredService(
    t,
    `
extensions:
  basicauth: {htpasswd: {inline: "me:${hashSync('ilex', 4)}"}}
  health_check: {endpoint: "127.0.0.1:0"}
  live_page: {endpoint: "127.0.0.1:0", auth: {authenticator: basicauth}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0", auth: {authenticator: basicauth}}}}}
processors: {symbol_store: {}}
exporters: {debug: {}}
service:
  extensions: [basicauth, health_check, live_page]
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [debug]}}
  telemetry: {metrics: {level: none}}
`,
  );
  const basic = (text: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  });
  const bytes = encodeProfilesData(goodProfiles());
  const grpcPort = service.receiverPorts.get('otlp')!;
  await exportOverGrpc(grpcPort, bytes, basic('me:ilex'));
  await assert.rejects(exportOverGrpc(grpcPort, bytes, basic('me:oak')), { code: status.UNAUTHENTICATED });
  assert.equal(port('live_page'), port('health_check'));
  const base = `http://127.0.0.1:${port('live_page')}`;
  assert.equal((await fetch(`${base}/`)).status, 200);
  const page = await fetch(`${base}/live`);
  assert.deepEqual(
    [page.status, page.headers.get('www-authenticate')],
    [401, 'Basic realm="framekeeper", charset="UTF-8"'],
  );
  assert.equal((await fetch(`${base}/live`, { headers: basic('me:ilex') })).status, 200);
});

test('health, live page and metrics are served over mutual TLS', async (t) => {
  const [servers, clients] = [new Authority(), new Authority('clients')];
  const folder = createTlsFolder(t);
  folder.put('server', servers.issue('server'));
  folder.write('clients.pem', clients.cert);
  const files = `cert_file: ${folder.path('server.pem')}, key_file: ${folder.path('server.key')}`;
  const tls = `{${files}, client_ca_file: ${folder.path('clients.pem')}}`;
  const { port, log } = await startSecuredService(
    t,
    `
extensions:
  health_check: {endpoint: "127.0.0.1:0", tls: ${tls}}
  live_page: {endpoint: "127.0.0.1:0", tls: ${tls}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}}
exporters: {debug: {}}
service:
  extensions: [health_check, live_page]
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [debug]}}
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0, tls: ${tls}}}}}]}}
`,
  );
  const get = (part: string, path: string, client: object): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', servername: 'localhost', port: port(part), path, agent: false, ...client };
      const call = request({ ...options, ca: servers.cert }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      call.on('error', reject);
      call.end();
    });
  const known = clients.issue('client');
  for (const [part, path] of Object.entries({ health_check: '/', live_page: '/live', metrics: '/metrics' })) {
    assert.equal(await get(part, path, known), 200, part);
    await assert.rejects(get(part, path, {}), part);
    await assert.rejects(fetch(`http://127.0.0.1:${port(part)}${path}`), part);
  }
  assert.ok(log.lines.some(({ msg }) => msg.endsWith('metrics over HTTPS.')));
});

test('an exporter sends the credentials of its authenticator', async (t) => {
  const folder = createTlsFolder(t);
  const authority = new Authority();
  folder.write('ca.pem', authority.cert);
  const tls = authority.issue('server');
  const grpc = await ScriptedOtlpServer.start([], { tls });
  const http = await ScriptedHttpServer.start([], { tls });
  t.after(() => Promise.all([grpc.stop(), http.stop()]));
  const { service } = await startSecuredService(
    t,
    `
extensions:
  bearertokenauth: {token: ${token}}
  basicauth/client: {client_auth: {username: me, password: ilex}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}}
exporters:
  otlp_grpc: {endpoint: "${grpc.endpoint}", tls: {ca_file: ${folder.path('ca.pem')}}, auth: {authenticator: bearertokenauth}}
  otlp_http: {endpoint: "${http.endpoint}", tls: {ca_file: ${folder.path('ca.pem')}}, auth: {authenticator: basicauth/client}}
service:
  extensions: [bearertokenauth, basicauth/client]
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [otlp_grpc, otlp_http]}}
  telemetry: {metrics: {level: none}}
`,
  );
  await exportOverGrpc(service.receiverPorts.get('otlp')!, encodeProfilesData(goodProfiles()));
  await Promise.all([
    grpc.until((each) => each.requests.length === 1),
    http.until((each) => each.requests.length === 1),
  ]);
  assert.equal(grpc.requests[0]!.headers.authorization, 'Bearer sesame');
  const basic = `Basic ${Buffer.from('me:ilex').toString('base64')}`;
  assert.equal(http.requests[0]!.headers.authorization, basic);
});

const fixtures = join(import.meta.dirname, 'receivers/fixtures');
const tlsYaml = `{cert_file: ${fixtures}/server.pem, key_file: ${fixtures}/server.key}`;

for (const { name, parts, extensions = 'bearertokenauth', fault } of [
  {
    name: 'an authenticator that is not configured',
    parts: { grpc: 'auth: {authenticator: oidc}' },
    fault:
      /^receivers\.otlp\.protocols\.grpc\.auth\.authenticator: failed to resolve authenticator "oidc": authenticator not found; configure it/m,
  },
  {
    name: 'an authenticator that does not start',
    parts: { grpc: 'auth: {authenticator: bearertokenauth}' },
    extensions: '',
    fault: /authenticator "bearertokenauth": it is configured but does not start; list it in service\.extensions\.$/m,
  },
  {
    name: 'an extension that is no authenticator',
    parts: { grpc: 'auth: {authenticator: health_check}' },
    fault:
      /"health_check": requested authenticator is not a server authenticator; name a bearertokenauth, or a basicauth with/,
  },
  {
    name: "a client's authenticator at a listener",
    parts: { health: ', auth: {authenticator: basicauth/client}' },
    extensions: 'health_check, basicauth/client',
    fault:
      /^extensions\.health_check\.auth\.authenticator: .*"basicauth\/client": requested authenticator is not a server/m,
  },
  {
    name: "a listener's authenticator at a client",
    parts: { exporter: ', auth: {authenticator: basicauth/server}' },
    extensions: 'basicauth/server',
    fault:
      /^exporters\.otlp_grpc\.auth\.authenticator: .*"basicauth\/server": requested authenticator is not a client/m,
  },
  {
    name: 'credentials in plain text over gRPC',
    parts: { exporter: ', tls: {insecure: true}, auth: {authenticator: bearertokenauth}' },
    fault:
      /^exporters\.otlp_grpc\.auth: the credentials require transport level security, and the endpoint is without TLS; use TLS/m,
  },
  {
    name: 'auth without an authenticator',
    parts: { grpc: 'auth: {}' },
    fault: /grpc\.auth\.authenticator: is missing; write the identifier of an extension/,
  },
  {
    name: 'parts of one server that disagree about TLS',
    parts: { health: `, tls: ${tlsYaml}` },
    extensions: 'health_check, live_page',
    fault:
      /^extensions\.live_page\.tls: differs from that of extensions\.health_check, which shares the server at localhost:13133; give both the same tls/m,
  },
]) {
  test(`a configuration is refused with ${name}`, () => {
    const { grpc = '', health = '', exporter = '' }: { grpc?: string; health?: string; exporter?: string } = parts;
    const text = configFaults(`
extensions:
  bearertokenauth: {token: planted31337}
  basicauth/client: {client_auth: {username: me, password: planted31337}}
  basicauth/server: {htpasswd: {inline: "me:planted31337"}}
  health_check: {endpoint: "localhost:13133"${health}}
  live_page: {endpoint: "localhost:13133"}
receivers: {otlp: {protocols: {grpc: {${grpc}}}}}
processors: {symbol_store: {}}
exporters: {otlp_grpc: {endpoint: "localhost:14317"${exporter}}}
service:
  extensions: [${extensions}]
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [otlp_grpc]}}
`);
    assert.match(text, fault);
    assert.equal(text.match(/^(?!Warning|Error).+$/gm)?.length, 1, text);
    assert.doesNotMatch(text, /31337/);
  });
}
