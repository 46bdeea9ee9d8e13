import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { Authority, createTlsFolder } from '../support/certificates.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeRequest } from '../support/fake-request.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import type { CreatedExporter, OtlpType } from './create-exporter.ts';
import { createExporter } from './create-exporter.ts';

interface Peer {
  readonly endpoint: string;
  readonly requests: readonly unknown[];
  stop(): Promise<void>;
}

interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert?: boolean;
}

/** Listens as a backend that answers its first request once the promise resolves. */
const listeners: Record<OtlpType, (tls: TlsOptions, until: Promise<void>) => Promise<Peer>> = {
  otlp_grpc: (tls, until) =>
    ScriptedOtlpServer.start([{ kind: 'slow', until, answer: { kind: 'ok' } }], {
      tls: { ...tls, rejectUnauthorized: true },
    }),
  otlp_http: (tls, until) =>
    ScriptedHttpServer.start([{ kind: 'slow', until, answer: { kind: 'ok' } }], {
      tls: { ...tls, rejectUnauthorized: true },
    }),
};

interface Running extends CreatedExporter {
  readonly clock: FakeClock;
}

async function start(t: TestContext, type: OtlpType, endpoint: string, tls: object): Promise<Running> {
  const clock = new FakeClock();
  const values = {
    endpoint,
    tls: { ...tls, reload_interval: '1s' },
    timeout: 0,
    retry_on_failure: { initial_interval: '1s', max_interval: '1s', max_elapsed_time: 0 },
  };
  const created = createExporter(type, values, clock);
  t.after(() => created.exporter.stop(AbortSignal.abort()));
  await created.exporter.start();
  return { ...created, clock };
}

/** Moves the clock, retries and all, until something holds. */
async function advanceUntil({ signal }: TestContext, clock: FakeClock, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    signal.throwIfAborted();
    await clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const type of ['otlp_grpc', 'otlp_http'] as const) {
  test(`${type} trusts a new ca_file without a restart`, async (t) => {
    const [former, current] = [new Authority('former'), new Authority('current')];
    const folder = createTlsFolder(t);
    folder.write('ca.pem', former.cert);
    const server = await listeners[type](current.issue('server'), Promise.resolve());
    t.after(() => server.stop());
    const { exporter, clock, logs } = await start(t, type, server.endpoint, { ca_file: folder.path('ca.pem') });
    exporter.offer(fakeRequest(1));
    const failed = 'Exporting failed. Will retry the request after interval.';
    await advanceUntil(t, clock, () => logs.lines.some(({ msg }) => msg === failed));
    assert.equal(server.requests.length, 0);
    folder.write('ca.pem', current.cert);
    await advanceUntil(t, clock, () => server.requests.length === 1);
  });

  test(`${type} shows a new certificate without a restart, and ends what was under way on the former connection`, async (t) => {
    const [servers, former, current] = [new Authority(), new Authority('former'), new Authority('current')];
    const folder = createTlsFolder(t);
    folder.write('ca.pem', servers.cert);
    folder.put('client', former.issue('client'));
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const ca = `${former.cert}${current.cert}`;
    const server = await listeners[type]({ ...servers.issue('server'), ca, requestCert: true }, mayAnswer);
    t.after(() => server.stop());
    const tls = {
      ca_file: folder.path('ca.pem'),
      cert_file: folder.path('client.pem'),
      key_file: folder.path('client.key'),
    };
    const { exporter, clock, logs, metrics } = await start(t, type, server.endpoint, tls);
    exporter.offer(fakeRequest(1));
    await advanceUntil(t, clock, () => server.requests.length === 1);
    folder.put('client', current.issue('client'));
    await advanceUntil(t, clock, () => logs.lines.some(({ msg }) => msg.startsWith('TLS files have changed and')));
    exporter.offer(fakeRequest(1));
    await advanceUntil(t, clock, () => server.requests.length === 2);
    answer();
    const label = [...(await metrics()).keys()].find((key) => key.startsWith('otelcol_exporter_in_flight_requests'))!;
    for (let left = 1; left > 0; left = (await metrics()).get(label)!) await clock.advance(1_000);
    assert.deepEqual(
      logs.lines.filter(({ msg }) => msg.startsWith('Exporting failed')),
      [],
    );
    assert.equal(server.requests.length, 2);
  });

  test(`${type} goes on with its certificate while the new one is broken`, async (t) => {
    const authority = new Authority();
    const folder = createTlsFolder(t);
    folder.write('ca.pem', authority.cert);
    const server = await listeners[type](authority.issue('server'), Promise.resolve());
    t.after(() => server.stop());
    const { exporter, clock, logs } = await start(t, type, server.endpoint, { ca_file: folder.path('ca.pem') });
    folder.write('ca.pem', authority.cert.slice(0, 300));
    await advanceUntil(t, clock, () => logs.lines.some(({ msg }) => msg.includes('the former stay in use')));
    const [line] = logs.lines.filter(({ level }) => level > 30);
    assert.equal(line!.part, `${type}/test`);
    assert.match(String(line!.error), /^tls\.ca_file: .*ca\.pem has no certificate; name a file of whole certificates/);
    exporter.offer(fakeRequest(1));
    await advanceUntil(t, clock, () => server.requests.length === 1);
  });
}
