import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { connect } from 'node:tls';
import { GrpcServer } from '../../src/receivers/grpc-server.ts';
import { OtlpEvents } from '../../src/receivers/otlp/otlp-events.ts';
import { OtlpHttpServer } from '../../src/receivers/otlp/otlp-http-server.ts';
import { ProfilesIntake } from '../../src/receivers/otlp/profiles-intake.ts';
import type { ServerTlsConfig } from '../../src/support/tls/tls-config.ts';
import type { TlsFolder } from '../support/certificates.ts';
import { Authority, createTlsFolder } from '../support/certificates.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { plainGrpcConfig } from '../support/frames-server.ts';
import type { LogRecorder } from '../support/log-recorder.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { plainHttpConfig } from '../support/otlp-sender.ts';

const intervalMs = 60_000;
const taken = 'TLS files have changed and are in use.';
const kept = 'TLS files have changed but cannot be used; the former stay in use.';

interface Listener {
  readonly port: number;
  stop(deadline: AbortSignal): Promise<void>;
}

interface Parts {
  readonly clock: FakeClock;
  readonly log: LogRecorder;
  readonly metrics: ReturnType<typeof recordMetrics>;
}

const listeners: Record<string, (tls: ServerTlsConfig, parts: Parts) => Promise<Listener>> = {
  'the gRPC server': async (tls, { clock, log: { logger }, metrics: { meter } }) => {
    const server = new GrpcServer({ ...plainGrpcConfig, tls }, { clock, meter, logger });
    await server.start();
    return server;
  },
  'the OTLP HTTP server': async (tls, { clock, log: { logger }, metrics: { meter } }) => {
    const sink = { submit: () => ({ kind: 'accepted' }) as const };
    const events = new OtlpEvents({ meter, logger, clock }, 'otlp');
    const intake = new ProfilesIntake({ sink, events, admission: () => undefined, clock });
    const server = new OtlpHttpServer('otlp', { ...plainHttpConfig, tls }, { intake, clock, meter, logger });
    await server.start();
    return server;
  },
};

function tlsOf({ path }: TlsFolder, { isMutual = false, reloadIntervalMs = intervalMs } = {}): ServerTlsConfig {
  const files = {
    authority: isMutual ? { key: 'client_ca_file', path: path('clients.pem') } : undefined,
    certificate: { key: 'cert_file', path: path('server.pem') },
    privateKey: { key: 'key_file', path: path('server.key') },
    reloadIntervalMs,
  };
  return { files, minVersion: 'TLSv1.3' };
}

/** The name of the certificate that a new connection is shown; rejects when the handshake fails. */
function shownName({ port }: Listener, options: ConnectionOptions, sessions: Buffer[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = { host: '127.0.0.1', servername: 'localhost', port, ALPNProtocols: ['h2', 'http/1.1'], ...options };
    const socket = connect(all);
    socket.on('error', reject);
    socket.on('session', (session) => sessions.push(session));
    socket.once('secureConnect', () => {
      const { CN } = socket.getPeerCertificate().subject;
      // With TLS 1.3 a client's certificate is refused after its side of the handshake; the server speaks first in HTTP/2.
      socket.on('close', () => reject(new Error('closed')));
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
      socket.once('data', () => {
        resolve(String(CN));
        socket.destroy();
      });
    });
  });
}

async function start(t: TestContext, name: string, tls: ServerTlsConfig): Promise<Parts & { listener: Listener }> {
  const parts = { clock: new FakeClock(), log: recordLogs(), metrics: recordMetrics() };
  const listener = await listeners[name]!(tls, parts);
  t.after(() => listener.stop(AbortSignal.timeout(2_000)));
  return { ...parts, listener };
}

/** Lets the files be looked at until `msg` is logged. */
async function lookUntil({ signal }: TestContext, { clock, log }: Parts, msg: string): Promise<void> {
  const before = log.lines.filter((line) => line.msg === msg).length;
  while (log.lines.filter((line) => line.msg === msg).length === before) {
    signal.throwIfAborted();
    await clock.advance(intervalMs);
  }
}

for (const name of Object.keys(listeners)) {
  test(`${name} shows a new certificate without a restart, and keeps the former one for files that are broken`, async (t) => {
    const folder = createTlsFolder(t);
    const authority = new Authority();
    const ca = authority.cert;
    folder.put('server', authority.issue('first'));
    const running = await start(t, name, tlsOf(folder));
    assert.equal(await shownName(running.listener, { ca }), 'first');

    const second = authority.issue('second');
    folder.write('server.pem', second.cert);
    await lookUntil(t, running, kept);
    assert.equal(await shownName(running.listener, { ca }), 'first', 'a certificate whose key is not there yet');
    folder.write('server.pem', second.cert.slice(0, 200));
    folder.write('server.key', second.key);
    await lookUntil(t, running, kept);
    assert.equal(await shownName(running.listener, { ca }), 'first', 'half a certificate');

    folder.write('server.pem', second.cert);
    await lookUntil(t, running, taken);
    assert.equal(await shownName(running.listener, { ca }), 'second');
    await assert.rejects(shownName(running.listener, { ca, maxVersion: 'TLSv1.2' }), /version/i, 'min_version stays');
    const values = await running.metrics.values();
    const part = running.listener instanceof GrpcServer ? plainGrpcConfig.endpoint : plainHttpConfig.endpoint;
    assert.equal(values.get(`framekeeper_tls_reloads{part="${part}",outcome="kept"}`), 2);
    assert.equal(values.get(`framekeeper_tls_reloads{part="${part}",outcome="taken"}`), 1);
    const secondsLeft =
      values.get(`framekeeper_tls_certificate_not_after_seconds{part="${part}"}`)! - Date.now() / 1000;
    assert.ok(Math.abs(secondsLeft - 86_400) < 600, `${secondsLeft}`);
    assert.doesNotMatch(JSON.stringify(running.log.lines), /BEGIN/);
  });

  test(`${name} takes a new authority of its clients without a restart`, async (t) => {
    const folder = createTlsFolder(t);
    const [servers, clients, others] = [new Authority(), new Authority('clients'), new Authority('others')];
    folder.put('server', servers.issue('server'));
    folder.write('clients.pem', clients.cert);
    const running = await start(t, name, tlsOf(folder, { isMutual: true }));
    const known = { ca: servers.cert, ...clients.issue('known') };
    const other = { ca: servers.cert, ...others.issue('other') };
    const sessions: Buffer[] = [];
    assert.equal(await shownName(running.listener, known, sessions), 'server');
    assert.ok(sessions.length > 0);
    await assert.rejects(shownName(running.listener, other));
    folder.write('clients.pem', `${others.cert}-----BEGIN CERTIFICATE-----\nMII`);
    await lookUntil(t, running, kept);
    await assert.rejects(shownName(running.listener, other), 'a bundle that is half written');
    folder.write('clients.pem', others.cert);
    await lookUntil(t, running, taken);
    assert.equal(await shownName(running.listener, other), 'server');
    await assert.rejects(shownName(running.listener, known));
    await assert.rejects(shownName(running.listener, { ...known, session: sessions.at(-1)! }), 'a session of before');
    await assert.rejects(shownName(running.listener, { ca: servers.cert }));
  });

  test(`${name} reads its files once with reload_interval: 0s`, async (t) => {
    const folder = createTlsFolder(t);
    const authority = new Authority();
    folder.put('server', authority.issue('first'));
    const { clock, listener } = await start(t, name, tlsOf(folder, { reloadIntervalMs: 0 }));
    folder.put('server', authority.issue('second'));
    assert.equal(clock.sleeperCount, 0);
    assert.equal(await shownName(listener, { ca: authority.cert }), 'first');
  });
}
