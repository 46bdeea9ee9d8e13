import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import type { Http2Server, SecureServerOptions } from 'node:http2';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { ServiceError } from '@grpc/grpc-js';
import { runPrintConfig } from '../src/cli/print-config.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { componentTypes } from '../src/service/components.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import type { Identity } from './support/certificates.ts';
import { Authority, createTlsFolder } from './support/certificates.ts';
import { runChild, waitForHealth } from './support/child-process.ts';
import { freePorts } from './support/free-ports.ts';
import { exportOverGrpc } from './support/otlp-sender.ts';
import { recordedIo } from './support/recorded-io.ts';
import { configFaults } from './support/secured-service.ts';

const core = 'x9k2q7w4';

/** A secret that tells where it was planted, when it is found. */
const secret = (place: string): string => `${place}-${core}-secret`;

/** Where a secret shows in `text`: as it is, escaped, or in anything that is base64. */
function leaksIn(text: string, key: string): string[] {
  const decoded = (text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).flatMap((word) =>
    // A secret may begin anywhere within a larger text that was encoded.
    [0, 1, 2, 3].map((skipped) => Buffer.from(word.slice(skipped), 'base64').toString('latin1')),
  );
  const forms = [
    text,
    text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    ...decoded,
  ];
  const context = forms.filter((form) => form.includes(core)).map((form) => around(form, form.indexOf(core)));
  const keyLines = key.split('\n').slice(1, 3);
  return [...context, ...keyLines.filter((line) => text.includes(line))];
}

function around(text: string, index: number): string {
  return text.slice(Math.max(0, index - 60), index + 40);
}

test('leaksIn finds what it looks for', () => {
  const key = `-----BEGIN\n${'a'.repeat(64)}\n${'b'.repeat(64)}\n`;
  for (const text of [
    `x ${secret('a')} y`,
    Buffer.from(`me:${secret('a')}`).toString('base64'),
    `{"a":"Basic ${Buffer.from(`xy:${secret('a')}`).toString('base64url')}"}`,
    encodeURIComponent(secret('a')).replace(/x9/, '%78%39'),
    `key ${'b'.repeat(64)}`,
  ]) {
    assert.equal(leaksIn(text, key).length > 0, true, text);
  }
  assert.deepEqual(leaksIn('nothing at all, [REDACTED]', key), []);
});

/** A peer that refuses everything, and repeats what it was sent. */
interface Echo {
  readonly port: number;
  /** Header values of everything that came. */
  readonly seen: string[];
  /** Bodies of pushed metrics, decompressed. */
  readonly metrics: string[];
}

async function listen(t: TestContext, server: Server | Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function echoOverHttp(t: TestContext): Promise<Echo> {
  const seen: string[] = [];
  const metrics: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (request.url!.endsWith('/v1/metrics')) {
      metrics.push(String(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
    }
    const echo = `${request.url} ${textOf(request.headers)}`;
    seen.push(echo);
    response.writeHead(401, { 'content-type': 'text/plain', connection: 'close' }).end(`refused: ${echo}`);
  });
  server.on('connect', (request, socket) => {
    seen.push(textOf(request.headers));
    socket.end(`HTTP/1.1 407 ${textOf(request.headers).replaceAll('\n', ' ')}\r\n\r\n`);
  });
  return { port: await listen(t, server), seen, metrics };
}

async function echoOverGrpc(t: TestContext, tls?: SecureServerOptions): Promise<Echo> {
  const seen: string[] = [];
  const server = tls === undefined ? createHttp2Server() : (createSecureServer(tls) as unknown as Http2Server);
  server.on('session', (session) => t.after(() => session.destroy()));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const echo = textOf(headers);
    seen.push(echo);
    const message = encodeURIComponent(`refused: ${echo}`);
    const answer = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16', 'grpc-message': message };
    stream.respond(answer, { endStream: true });
  });
  return { port: await listen(t, server), seen, metrics: [] };
}

/** As it is, and what basic auth holds in plain text: some peers say "the password … is wrong". */
function textOf(headers: IncomingHttpHeaders): string {
  const basic = Object.values(headers).flatMap((value) => /^Basic (.*)/.exec(String(value))?.[1] ?? []);
  return [JSON.stringify(headers), ...basic.map((text) => Buffer.from(text, 'base64').toString())].join(' ');
}

interface Ports {
  readonly grpc: number;
  readonly http: number;
  readonly health: number;
  readonly metrics: number;
}

interface Peers {
  readonly http: Echo;
  readonly grpc: Echo;
  readonly secureGrpc: Echo;
  readonly proxy: Echo;
}

/** Every place that can hold a secret holds one. */
function configOf(path: (file: string) => string, ports: Ports, peers: Peers): string {
  const once = 'retry_on_failure: {enabled: false}';
  return `
extensions:
  bearertokenauth/server: {tokens: [${secret('tokens')}, ${secret('second')}]}
  bearertokenauth/token: {token: ${secret('token')}, header: X-Token}
  bearertokenauth/file: {filename: ${path('token')}}
  basicauth/server: {htpasswd: {file: ${path('htpasswd')}, inline: "me:${secret('inline')}"}}
  basicauth/client: {client_auth: {username: me, password: "${secret('password')}"}}
  basicauth/files: {client_auth: {username: me, password_file: ${path('password')}}}
  health_check: {endpoint: "127.0.0.1:${ports.health}"}
  live_page: {endpoint: "127.0.0.1:${ports.health}"}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:${ports.grpc}
        auth: {authenticator: basicauth/server}
      http:
        endpoint: 127.0.0.1:${ports.http}
        auth: {authenticator: bearertokenauth/server}
processors: {symbol_store: {}, reporting_cycle: {interval: 100ms}}
exporters:
  debug: {verbosity: detailed}
  otlp_grpc/headers:
    endpoint: http://127.0.0.1:${peers.grpc.port}
    headers: {x-key: ${secret('header')}, authorization: "Bearer \${env:PLANTED}"}
    ${once}
  otlp_grpc/auth:
    endpoint: https://localhost:${peers.secureGrpc.port}
    tls: {ca_file: ${path('ca.pem')}, cert_file: ${path('client.pem')}, key_file: ${path('client.key')}}
    auth: {authenticator: bearertokenauth/file}
    ${once}
  otlp_grpc/basic:
    endpoint: https://localhost:${peers.secureGrpc.port}
    tls: {ca_file: ${path('ca.pem')}}
    auth: {authenticator: basicauth/files}
    ${once}
  otlp_http/auth: {endpoint: "http://127.0.0.1:${peers.http.port}", auth: {authenticator: basicauth/client}, ${once}}
  otlp_http/token: {endpoint: "http://127.0.0.1:${peers.http.port}", auth: {authenticator: bearertokenauth/token}, ${once}}
  otlp_http/query: {profiles_endpoint: "http://127.0.0.1:${peers.http.port}/in?key=${secret('query')}", ${once}}
  otlp_http/proxy:
    endpoint: http://127.0.0.1:1
    proxy_url: http://me:${secret('proxy')}@127.0.0.1:${peers.proxy.port}
    ${once}
  otlp_http/refused: {endpoint: "http://127.0.0.1:1", headers: [{name: x-key, value: ${secret('refused')}}], ${once}}
service:
  extensions:
    - bearertokenauth/server
    - bearertokenauth/token
    - bearertokenauth/file
    - basicauth/server
    - basicauth/client
    - basicauth/files
    - health_check
    - live_page
  pipelines:
    profiles:
      receivers: [otlp]
      processors: [symbol_store, reporting_cycle]
      exporters:
        - debug
        - otlp_grpc/headers
        - otlp_grpc/auth
        - otlp_grpc/basic
        - otlp_http/auth
        - otlp_http/token
        - otlp_http/query
        - otlp_http/proxy
        - otlp_http/refused
  telemetry:
    logs: {level: debug, encoding: json}
    metrics:
      readers:
        - pull: {exporter: {prometheus: {host: 127.0.0.1, port: ${ports.metrics}}}}
        - periodic:
            interval: 300
            exporter: {otlp: {endpoint: "http://127.0.0.1:${peers.http.port}", headers: {x-key: ${secret('reader')}}}}
`;
}

const failing = 8;

test('no secret comes out of a service to which everything happens', async (t) => {
  const folder = createTlsFolder(t);
  const authority = new Authority();
  folder.write('ca.pem', authority.cert);
  const client: Identity = authority.issue('client');
  folder.put('client', client);
  folder.write('token', secret('file'));
  folder.write('password', secret('password-file'));
  folder.write('htpasswd', `you:${secret('htpasswd')}`);
  const [http, grpc, proxy] = [await echoOverHttp(t), await echoOverGrpc(t), await echoOverHttp(t)];
  const secureGrpc = await echoOverGrpc(t, authority.issue('localhost'));
  const [grpcPort, httpPort, health, metrics] = (await freePorts(4)) as [number, number, number, number];
  const yaml = configOf(
    folder.path,
    { grpc: grpcPort, http: httpPort, health, metrics },
    { http, grpc, secureGrpc, proxy },
  );
  folder.write('config.yaml', yaml);
  const set = `exporters.otlp_http/refused.headers=[{name: x-set, value: ${secret('set')}}]`;
  const args = ['--config', folder.path('config.yaml'), '--set', set];
  const child = runChild(process.execPath, [join(import.meta.dirname, '../src/main.ts'), ...args], {
    env: { ...process.env, PLANTED: secret('env') },
  });
  t.after(() => child.stop(1_000));
  await waitForHealth(`http://127.0.0.1:${health}/`, child);

  const said = new Map<string, string>();
  for (const [name, text] of await sendAll(grpcPort, httpPort)) said.set(name, text);
  const metricsText = async (): Promise<string> => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
  const failures = (text: string): number =>
    text.match(/^otelcol_exporter_send_failed_profile_samples\{.* [1-9]/gm)?.length ?? 0;
  while (failures(await metricsText()) < failing || http.metrics.length === 0) t.signal.throwIfAborted();
  said.set('the metrics', await metricsText());
  said.set('pushed metrics', http.metrics.join('\n'));
  for (const path of [
    '/',
    '/status?verbose',
    '/livez',
    '/readyz',
    '/live',
    '/live/state',
    '/live/tree',
    '/live/profile',
    '/live/app.js',
    '/nowhere',
  ]) {
    said.set(path, await (await fetch(`http://127.0.0.1:${health}${path}`)).text());
  }
  const events = await fetch(`http://127.0.0.1:${health}/live/events`);
  await child.stop();
  said.set('the event stream', await events.text().catch((error: Error) => error.message));
  assert.ok(child.output().length < 60_000, 'all of the log was kept');
  said.set('the log', child.output());
  for (const mode of ['yaml', 'json'] as const) {
    const io = recordedIo({ 'config.yaml': yaml }, { PLANTED: secret('env') });
    const sources = { configs: ['config.yaml'], sets: [set] };
    await runPrintConfig(
      { kind: 'print-config', sources, mode: 'redacted', format: mode } as never,
      componentTypes,
      io,
    );
    assert.match(io.out, /REDACTED/);
    said.set(`print-config ${mode}`, io.out + io.err);
  }

  // They did have something to tell.
  const heard = [http, grpc, secureGrpc, proxy].flatMap(({ seen }) => seen).join('\n');
  for (const place of ['header', 'env', 'file', 'password', 'password-file', 'token', 'query', 'proxy', 'reader']) {
    assert.ok(heard.includes(secret(place)), `${place} was sent`);
  }
  assert.match(said.get('the log')!, /Unauthenticated: refused: .*\[REDACTED\]/);
  assert.match(said.get('the log')!, /401.*refused: .*\[REDACTED\]/);
  for (const [name, text] of said) assert.deepEqual(leaksIn(text, client.key), [], name);
});

/** Requests that are taken and requests that are not; what each was answered. */
async function sendAll(grpcPort: number, httpPort: number): Promise<[string, string][]> {
  const bytes = Buffer.from(encodeProfilesData(goodProfiles()));
  const answers: [string, string][] = [];
  const basic = (text: string): { authorization: string } => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  });
  for (const password of [secret('inline'), secret('guessed')]) {
    const answer = exportOverGrpc(grpcPort, bytes, basic(`me:${password}`));
    answers.push([`gRPC to ${password}`, await answer.then(String, ({ details }: ServiceError) => details)]);
  }
  const url = `http://127.0.0.1:${httpPort}/v1development/profiles`;
  for (const token of [secret('tokens'), secret('guessed')]) {
    for (const body of [bytes, Buffer.from('garbage')]) {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const type = body === bytes ? { 'content-type': 'application/x-protobuf' } : {};
      const response = await fetch(url, { method: 'POST', headers: { ...headers, ...type }, body });
      const own = [...response.headers].map((pair) => pair.join(': '));
      answers.push([`HTTP to ${token}`, `${own.join('\n')}\n${await response.text()}`]);
    }
  }
  return answers;
}

const pem = new Authority().issue('client').key;

for (const [name, part] of Object.entries({
  'a token that is a map': `extensions: {bearertokenauth: {token: {a: ${secret('a')}}}}`,
  'a token that is an alias': `extensions: {bearertokenauth: {token: *${secret('a')}}}`,
  'a token that is a tag': `extensions: {bearertokenauth: {token: !${secret('a')} b}}`,
  'a token with a line break': `extensions: {bearertokenauth: {token: "a\\n${secret('a')}"}}`,
  'tokens that are maps': `extensions: {bearertokenauth: {tokens: [{a: ${secret('a')}}]}}`,
  'a scheme with the token': `extensions: {bearertokenauth: {token: a, scheme: "Bearer ${secret('a')}"}}`,
  'a key that is no key': `extensions: {bearertokenauth: {tokn: ${secret('a')}}}`,
  'an unknown extension': `extensions: {oidc: {token: ${secret('a')}}}`,
  'a password that is a list': `extensions: {basicauth: {client_auth: {username: me, password: [${secret('a')}]}}}`,
  'a htpasswd line without a user': `extensions: {basicauth: {htpasswd: {inline: ${secret('a')}}}}`,
  'a htpasswd that is a text': `extensions: {basicauth: {htpasswd: {inline: {a: ${secret('a')}}}}}`,
  'headers that are a text': `exporters: {otlp_http: {endpoint: "http://a", headers: "a=${secret('a')}"}}`,
  'a header that is a list': `exporters: {otlp_http: {endpoint: "http://a", headers: {a: [${secret('a')}]}}}`,
  'a header with a line break': `exporters: {otlp_grpc: {endpoint: "a:1", headers: {a: "b\\n${secret('a')}"}}}`,
  'a proxy that is none': `exporters: {otlp_http: {endpoint: "http://a", proxy_url: "ftp://me:${secret('a')}@b"}}`,
  'a password in an endpoint': `exporters: {otlp_http: {endpoint: "http://me:${secret('a')}@b"}}`,
  'a password in a gRPC endpoint': `exporters: {otlp_grpc: {endpoint: "https://me:${secret('a')}@b:1"}}`,
  'a password in a bare gRPC endpoint': `exporters: {otlp_grpc: {endpoint: "me:${secret('a')}@b:1"}}`,
  "a password in a reader's endpoint": `service: {telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {endpoint: "ftp://me:${secret('a')}@b"}}}}]}}}`,
  "a reader's headers that are a text": `service: {telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {endpoint: "http://a", headers: ${secret('a')}}}}}]}}}`,
  'a key in the place of its file': `receivers: {otlp: {protocols: {grpc: {tls: {cert_file: a, key_file: ${JSON.stringify(pem)}}}}}}`,
  "a client's key in the place of its file": `exporters: {otlp_grpc: {endpoint: "a:1", tls: {cert_file: a, key_file: ${JSON.stringify(pem)}}}}`,
})) {
  test(`a configuration is refused without telling the secret: ${name}`, () => {
    const faults = configFaults(part);
    assert.match(faults, /^Error: /m);
    assert.deepEqual(leaksIn(faults, pem), [], faults);
  });
}
